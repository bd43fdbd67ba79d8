"""Value types without I/O: money, ids, text, timestamps, email addresses, countries."""
