"""The local mailbox, email samples and their previews."""
