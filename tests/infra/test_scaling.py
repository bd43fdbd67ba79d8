"""docs/scaling.md computes orders per second from counts, quotas, settings and assumed durations."""

import pytest

import infra.scaling
from infra.scaling import capacity, quotas, settings
from infra.scaling.capacity import Line
from infra.scaling.counts import Counts
from infra.scaling.partitions import EXAMINED, ORDERS_PER_BATCH, PAGE, PARTITIONS, SHARDS
from orders.service import invoices
from orders.tables import rows
from payments.tables import payments
from shared.dynamodb import pages
from shared.http.paging import PageQuery

OWN, DYNAMODB, LAMBDA = quotas.OWN_SECONDS, quotas.SECONDS["dynamodb"], quotas.SECONDS["lambda"]


def counts(**changes: object) -> Counts:
    values = {
        "requests": {"OrdersApi": 1, "PaymentsWebhook": 2},
        "runs": {"OrdersApi": 1, "CatalogCommands": 1, "OrdersRelay": 2},
        "calls": {
            "OrdersApi": {"dynamodb": 2, "lambda.CatalogCommands": 1},
            "CatalogCommands": {"dynamodb": 1},
            "OrdersRelay": {"sns": 2},
        },
        "write_units": {"orders": 16},
        "partitions": {partition.name: 0 for partition in PARTITIONS} | {"one SKU": 4, "invoice numbers": 2},
        "stripe": {"get payment_intents/{id}": 5, "post payment_intents": 1},
        "emails": 2,
        "sign_in": {"kms": 2},
    }
    return Counts.model_validate(values | changes)


def orders_per_second(counted: Counts) -> dict[str, float]:
    return {line.part: line.orders for line in capacity.lines(counted)}


def test_orders_per_second_are_the_quota_divided_by_the_count():
    line = Line("table orders", 4_000, "units/s", 16, "503", 40_000)
    assert (line.orders, line.orders_raised) == (250, 2_500)


def test_each_quota_is_divided_by_what_an_order_counts():
    found = orders_per_second(counts())
    assert found["table orders"] == 4_000 / 16
    assert found["SES: emails"] == quotas.EMAILS.default / 2
    assert found["Stripe: all requests"] == 100 / 6
    assert found["Stripe: `GET payment_intents/{id}`"] == 25 / 5
    assert found["API: Stripe's webhook"] == settings.throttle() / 2


def test_a_row_is_limited_by_one_partition_and_a_batch_shares_its_write():
    found = orders_per_second(counts())
    assert found["hot row: one SKU"] == 1_000 / 4
    assert found["hot row: invoice numbers"] == 1_000 * ORDERS_PER_BATCH / 2


def test_what_an_order_does_not_use_limits_nothing():
    assert "hot row: orders by shard" not in orders_per_second(counts())
    assert "SES: emails" not in orders_per_second(counts(emails=0))


def test_the_lowest_limit_is_first():
    found = [line.orders for line in capacity.lines(counts())]
    assert found == sorted(found)


def test_a_run_lasts_as_long_as_its_calls_and_the_functions_that_it_invokes():
    called = OWN + DYNAMODB
    assert capacity.seconds_per_run(counts(), "CatalogCommands") == pytest.approx(called)
    expected = OWN + 2 * DYNAMODB + LAMBDA + called
    assert capacity.seconds_per_run(counts(), "OrdersApi") == pytest.approx(expected)


def test_runs_for_other_functions_are_not_runs_for_events():
    assert capacity.seconds_of_events(counts(), "CatalogCommands") == 0
    assert capacity.seconds_of_events(counts(), "OrdersRelay") == pytest.approx(
        2 * OWN + 2 * quotas.SECONDS["sns"]
    )


def test_settings_are_read_from_the_template():
    queues = {source.function: source for source in settings.queues()}
    parameter = settings.template()["Parameters"]["EmailConcurrency"]
    assert queues["NotifyConsumer"].at_once == parameter["Default"]
    assert queues["NotifyConsumer"].setting == "EmailConcurrency"
    assert queues["CatalogConsumer"].setting == ""
    streams = {source.function: source.table for source in settings.streams()}
    assert streams["OrdersRelay"] == "orders"


def test_reserved_concurrency_is_a_limit(monkeypatch):
    kind = "AWS::Serverless::Function"
    resources = settings.template()["Resources"] | {
        name: {"Type": kind, "Properties": {"ReservedConcurrentExecutions": 5}}
        for name in ("CatalogCommands", "UsersApi")
    }
    template = settings.template() | {"Resources": resources}
    monkeypatch.setattr(settings, "template", lambda: template)
    found = orders_per_second(counts())
    assert found["function CatalogCommands"] == pytest.approx(5 / (OWN + DYNAMODB))
    assert "function UsersApi" not in found, "an order does not use it"


def test_the_document_uses_the_shards_and_batches_of_the_code():
    assert rows.SHARDS == payments.SHARDS == SHARDS
    assert invoices.MAX_ORDERS == ORDERS_PER_BATCH
    assert pages.MAX_EXAMINED == EXAMINED
    assert PageQuery.model_fields["limit"].default == PAGE


def test_the_document_starts_its_advice_with_the_lowest_limit():
    lowest = next(line for line in capacity.lines(infra.scaling.counted.read().order) if line.step)
    advice = infra.scaling.document().partition("## What to raise first")[2]
    assert lowest.part in advice.partition("\n2. ")[0]
