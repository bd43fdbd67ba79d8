"""What services exchange: events, commands, quotes and problems."""
