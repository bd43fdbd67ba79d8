"""The local mailbox, samples and previews of messages, and simulated feedback."""
