"""Messages, their recipients and their outcomes: rules without I/O, one module per subject."""
