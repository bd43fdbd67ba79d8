"""The quotas of AWS and Stripe that limit orders per second, and the durations that are assumed."""

from typing import NamedTuple

AWS = "https://docs.aws.amazon.com"


class Quota(NamedTuple):
    """A quota: its default, a value that it can be raised to, and how. `raised` is None if it is fixed."""

    name: str
    default: float
    unit: str
    raised: float | None
    how: str
    source: str


ACCOUNT_REQUESTS = Quota(
    "API Gateway: requests of an account",
    10_000,
    "requests/s",
    20_000,
    "ask AWS; some Regions start at 2,500",
    f"{AWS}/apigateway/latest/developerguide/limits.html",
)
CONCURRENCY = Quota(
    "Lambda: functions that run at once",
    1_000,
    "functions",
    10_000,
    "ask AWS; a new account can have less",
    f"{AWS}/lambda/latest/dg/gettingstarted-limits.html",
)
QUEUE_CONCURRENCY = Quota(
    "Lambda: batches of one queue at once",
    1_000,
    "batches",
    None,
    "",
    f"{AWS}/lambda/latest/dg/services-sqs-scaling.html",
)
STREAM_BATCHES = Quota(
    "Lambda: batches of one shard at once",
    1,
    "batch",
    10,
    "`ParallelizationFactor` in template.yaml",
    f"{AWS}/lambda/latest/dg/services-ddb-params.html",
)
TABLE = Quota(
    "DynamoDB: writes of a new on-demand table",
    4_000,
    "units/s",
    40_000,
    "`WarmThroughput` of the table",
    f"{AWS}/amazondynamodb/latest/developerguide/warm-throughput-scenarios.html",
)
TABLE_QUOTA = Quota(
    "DynamoDB: writes of any table",
    40_000,
    "units/s",
    80_000,
    "ask AWS",
    f"{AWS}/amazondynamodb/latest/developerguide/on-demand-capacity-mode-max-throughput.html",
)
PARTITION = Quota(
    "DynamoDB: writes of one partition",
    1_000,
    "units/s",
    None,
    "",
    f"{AWS}/amazondynamodb/latest/developerguide/warm-throughput-scenarios.html",
)
PARTITION_READS = Quota(
    "DynamoDB: reads of one partition",
    3_000,
    "units/s",
    None,
    "",
    f"{AWS}/amazondynamodb/latest/developerguide/warm-throughput-scenarios.html",
)
EMAILS = Quota(
    "SES: emails",
    14,
    "emails/s",
    100,
    "ask AWS; 1 in the sandbox",
    f"{AWS}/ses/latest/dg/quotas.html",
)
STRIPE = Quota(
    "Stripe: requests of an account (live mode)",
    100,
    "requests/s",
    500,
    "ask Stripe six weeks before",
    "https://docs.stripe.com/rate-limits",
)
STRIPE_ENDPOINT = Quota(
    "Stripe: requests of one endpoint",
    25,
    "requests/s",
    125,
    "ask Stripe six weeks before",
    "https://docs.stripe.com/rate-limits",
)
STRIPE_SANDBOX = 25  # requests per second of a sandbox
SIGNATURES = Quota(
    "KMS: signatures with elliptic curves",
    1_000,
    "requests/s",
    5_000,
    "ask AWS",
    f"{AWS}/kms/latest/developerguide/requests-per-second.html",
)

QUOTAS = (
    ACCOUNT_REQUESTS,
    CONCURRENCY,
    QUEUE_CONCURRENCY,
    STREAM_BATCHES,
    TABLE,
    TABLE_QUOTA,
    PARTITION,
    PARTITION_READS,
    EMAILS,
    STRIPE,
    STRIPE_ENDPOINT,
    SIGNATURES,
)

# Assumed, not measured on AWS: seconds per call, by service.
SECONDS = {
    "dynamodb": 0.008,
    "kms": 0.010,
    "lambda": 0.010,  # besides the invoked function's own time
    "s3": 0.030,
    "ses": 0.170,  # 0.05 of it to render the email
    "sns": 0.015,
    "sqs": 0.015,
    "stripe": 0.450,
}
# Assumed too: seconds per run without its calls, with 512 MB of memory.
OWN_SECONDS = 0.015
OTHER_OWN_SECONDS = {"OrdersInvoices": 0.120}  # it draws a PDF
READ_UNIT = 4_096  # bytes; a read that may be a moment old takes half a unit for them
TRANSACTION_SECONDS = 0.010  # a transaction locks its rows for about so long
