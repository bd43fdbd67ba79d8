"""The SQS consumers: one module per queue."""
