"""The contracts between services: events, commands, quotes and problems."""
