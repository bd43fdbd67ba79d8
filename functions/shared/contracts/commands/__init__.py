"""The commands that services send to each other (Lambda invoke), one module per subject."""
