"""The parts that all tables share: rows, transactions, retries and idempotency."""
