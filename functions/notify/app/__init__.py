"""The doors: a module a Lambda function, so that none loads what only another needs (Jinja2)."""
