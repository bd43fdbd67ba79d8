"""The rules of payments: pure, without AWS, HTTP or tables."""
