"""The limits of AWS and Stripe that limits of this repository are derived from."""

# (whose, limit, value, what depends on it)
OTHERS = (
    ("API Gateway", "response of a function", "29 seconds", "`Timeout`, and all deadlines of requests"),
    ("API Gateway", "request body", "10 MB", "413 for larger ones; ours are limited to `reading.MAX_BODY`"),
    ("Lambda", "request or response", "6 MB", "the sizes of pages"),
    ("DynamoDB", "row", "400 KB", "lines, parts, entries and findings that share a row"),
    ("DynamoDB", "transaction", "100 writes, 4 MB", "lines per reservation, variants per product"),
    ("DynamoDB", "records of a stream", "24 hours", "how soon `make redrive` must follow a failed relay"),
    ("SNS, SQS", "message or batch", "256 KiB, 10 messages", "an order's event data, batches of relays"),
    ("SQS", "retention", "14 days at most", "dead letters, `idempotency.EVENT_TTL`"),
    (
        "Stripe",
        "Checkout Session",
        "open for 30 minutes to 24 hours",
        "how long a hosted payment page is open",
    ),
    ("Stripe", "idempotency keys", "at least 24 hours", "how long a call may be repeated"),
    ("Stripe", "list of events", "30 days", "how long a missed webhook can be fetched"),
    ("Stripe", "attempts of a webhook", "3 days", "how long Stripe repeats what was not accepted"),
)
