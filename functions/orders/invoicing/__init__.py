"""Invoices of paid orders: numbered without a gap, shown as HTML and PDF, kept for good."""
