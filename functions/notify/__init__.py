"""Mails that tell a person what happened to an account or an order."""
