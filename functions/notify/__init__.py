"""The notify service: emails and text messages about accounts, orders and payments."""
