"""Invoices: numbered, rendered as HTML and PDF, stored and served by a function of their own."""
