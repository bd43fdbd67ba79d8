"""The limits of orders per second, each as quota / count = result."""

from collections.abc import Iterator
from typing import NamedTuple

from infra.scaling import quotas, settings
from infra.scaling.counts import Counts
from infra.scaling.partitions import PARTITIONS
from infra.scaling.quotas import Quota
from infra.scaling.settings import Source

# The functions that work in the background, as a shop's owner would call their work.
WORK = {
    "CatalogRelay": "events of products",
    "NotifyConsumer": "emails",
    "NotifyRelay": "events of emails",
    "OrdersInvoices": "invoices",
    "OrdersRelay": "events of orders",
    "PaymentsApply": "events of Stripe",
    "PaymentsRelay": "events of payments",
}
HOT_ROW = "hot row: one SKU"
HOT_SKU = "one SKU: its transactions, one after another"
GROWTH = 10  # times; what a setting is raised to, as an example


class Line(NamedTuple):
    """A limit: what is limited, the quota now, how much an order uses, and the quota after raising it.

    `excess` says what happens above the limit. `raised` is None if nothing raises the limit.
    """

    part: str
    quota: float
    unit: str
    used: float
    excess: str
    raised: float | None = None
    step: str = ""

    @property
    def orders(self) -> float:
        """The orders per second with the quota as it is now."""
        return self.quota / self.used

    @property
    def orders_raised(self) -> float:
        """The orders per second with the raised quota."""
        return (self.raised or self.quota) / self.used


def lines(counts: Counts) -> list[Line]:
    """Return every limit that an order counts towards, the lowest first."""
    found = [*_requests(counts), *_tables(counts), *_partitions(counts), *_background(counts)]
    return sorted((line for line in found if line.used), key=lambda line: line.orders)


def seconds_per_run(counts: Counts, function: str) -> float:
    """Return the assumed duration of one run with its counted calls."""
    own = quotas.OTHER_OWN_SECONDS.get(function, quotas.OWN_SECONDS)
    calls = counts.calls.get(function, {})
    total = 0.0
    for name, number in calls.items():
        service, _, invoked = name.partition(".")
        total += number * quotas.SECONDS[service]
        total += number * seconds_per_run(counts, invoked) if invoked else 0
    return own + total / counts.runs[function]


def seconds_of_events(counts: Counts, function: str) -> float:
    """Return the seconds per order that the function runs for events, without runs for other functions."""
    invoked = sum(calls.get(f"lambda.{function}", 0) for calls in counts.calls.values())
    runs = counts.runs.get(function, 0) - invoked
    return runs * seconds_per_run(counts, function) if runs else 0.0


def function_seconds(counts: Counts) -> float:
    """Return the seconds per order that functions run, all together."""
    return sum(runs * seconds_per_run(counts, name) for name, runs in counts.runs.items())


def _line(part: str, quota: Quota, count: float, excess: str) -> Line:
    return Line(part, quota.default, quota.unit, count, excess, quota.raised, quota.how)


def _requests(counts: Counts) -> Iterator[Line]:
    throttle = settings.throttle()
    own, by_setting = "requests/s", "`ThrottlingRateLimit` in template.yaml"
    raised = quotas.ACCOUNT_REQUESTS.default
    yield Line("API: `POST /orders`", throttle, own, counts.requests["OrdersApi"], "429", raised, by_setting)
    webhooks = counts.requests["PaymentsWebhook"]
    yield Line("API: Stripe's webhook", throttle, own, webhooks, "repeats", raised, by_setting)
    yield _line("API: all requests", quotas.ACCOUNT_REQUESTS, sum(counts.requests.values()), "429")
    yield _line("all functions", quotas.CONCURRENCY, function_seconds(counts), "429, 503, delays")
    for name, most in settings.reserved().items():
        seconds = counts.runs[name] * seconds_per_run(counts, name) if name in counts.runs else 0
        step = f"`ReservedConcurrentExecutions` of {name}"
        yield Line(f"function {name}", most, "functions", seconds, "429, 503, delays", most * GROWTH, step)
    yield _line("Stripe: all requests", quotas.STRIPE, sum(counts.stripe.values()), "503, delays")
    for endpoint, number in counts.stripe.items():
        verb, _, path = endpoint.partition(" ")
        part = f"Stripe: `{verb.upper()} {path}`"
        yield _line(part, quotas.STRIPE_ENDPOINT, number, "503, delays")


def _tables(counts: Counts) -> Iterator[Line]:
    for table, units in counts.write_units.items():
        yield _line(f"table {table}", quotas.TABLE, units, "503, delays")


def _partitions(counts: Counts) -> Iterator[Line]:
    for partition in PARTITIONS:
        quota = quotas.PARTITION.default * partition.shards * partition.orders
        count = counts.partitions[partition.name]
        yield Line(f"hot row: {partition.name}", quota, "units/s", count, "503, delays")
    transactions = counts.partitions["one SKU"] / 2  # a transaction doubles the unit of the row
    yield Line(HOT_SKU, 1, "s of transactions/s", transactions * quotas.TRANSACTION_SECONDS, "503")


def _background(counts: Counts) -> Iterator[Line]:
    # A table has one stream shard per partition.
    shards, most_shards = (
        each.default / quotas.PARTITION.default for each in (quotas.TABLE, quotas.TABLE_QUOTA)
    )
    for source in settings.streams():
        seconds = seconds_of_events(counts, source.function)
        most = most_shards * (quotas.STREAM_BATCHES.raised or 1)
        step = f"`WarmThroughput` of the table {source.table}, then `ParallelizationFactor`"
        yield Line(_work(source), shards * source.at_once, "batches", seconds, "delays", most, step)
    for source in settings.queues():
        seconds = seconds_of_events(counts, source.function)
        if source.setting:
            most = min(source.at_once * GROWTH, quotas.QUEUE_CONCURRENCY.default)
            step = f"`{source.setting}`"
            yield Line(_work(source), source.at_once, "batches", seconds, "delays", most, step)
    yield _line("SES: emails", quotas.EMAILS, counts.emails, "delays")


def _work(source: Source) -> str:
    return f"{WORK[source.function]} ({source.function})" if source.function in WORK else source.function
