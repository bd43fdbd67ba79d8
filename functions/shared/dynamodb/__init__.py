"""What all tables share: rows, transactions, retries and idempotency."""
