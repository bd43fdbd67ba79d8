"""docs/events.md and the code agree: types, examples, data, publishers and subscribers."""

import json
import re
from typing import Any

import pytest

from infra.cloudformation import read
from shared.contracts.events.envelope import Event, EventData
from shared.contracts.events.orders import FulfilmentData, InvoiceData, OrderData, ReturnData
from shared.contracts.events.payments import PaymentData
from shared.contracts.events.published import PUBLISHED_BY, TYPES, read_event
from tests.contracts.code_graph import load
from tests.support import ROOT, SERVICES

PAGE = (ROOT / "docs" / "events.md").read_text()
EXAMPLES: dict[str, Any] = {
    heading: json.loads(block)
    for heading, block in re.findall(r"^## (\S+)\n.*?```json\n(.*?)```", PAGE, re.DOTALL | re.MULTILINE)
}
WIRING = {
    kind: (publisher, set(subscribers.split(", ")) - {"none"})
    for kind, publisher, subscribers in re.findall(
        r"^\| \[`(\S+)`\]\(#\S+\) \| (\w+) \| (.+) \|$", PAGE, re.MULTILINE
    )
}
DATA = {
    name: kind
    for module in load("shared.contracts.events")
    for name, kind in vars(module).items()
    if isinstance(kind, type)
    and issubclass(kind, EventData)
    and not issubclass(kind, Event)
    and kind is not EventData
}


def _rows(heading: str) -> dict[str, str]:
    """Return the first and second cells of the table under a heading."""
    (section,) = re.findall(rf"^### {heading}\n(.*?)(?=\n#|\Z)", PAGE, re.DOTALL | re.MULTILINE)
    return dict(re.findall(r"^\| `(\w+)` \| (.+) \|$", section, re.MULTILINE))


def test_every_type_is_listed_and_has_an_example():
    assert set(EXAMPLES) == set(WIRING) == set(TYPES)


def test_every_event_has_a_publisher():
    declared = {kind for kind in Event.__subclasses__() if kind.__module__.startswith("shared.")}
    assert declared == {kind for kinds in PUBLISHED_BY.values() for kind in kinds}


@pytest.mark.parametrize("kind", TYPES)
def test_an_example_is_valid_and_has_no_other_fields(kind):
    example = EXAMPLES[kind]
    event = read_event(example)
    assert event.type == kind
    assert json.loads(event.model_dump_json(exclude_none=True)) == example


@pytest.mark.parametrize("kind", TYPES)
def test_an_example_has_the_derived_id_and_source(kind):
    event = read_event(EXAMPLES[kind])
    derived = type(event).of(event.data, subject=event.subject, version=event.sequence, at=event.time)
    assert (event.id, event.source) == (derived.id, derived.source)


@pytest.mark.parametrize("kind", TYPES)
def test_the_text_names_the_data(kind):
    data: Any = TYPES[kind].model_fields["data"].annotation
    (section,) = re.findall(rf"^## {re.escape(kind)}\n(.*?)```json", PAGE, re.DOTALL | re.MULTILINE)
    assert re.search(rf"Data:\s{data.__name__}\b", section)


@pytest.mark.parametrize("name", DATA)
def test_every_field_of_the_data_is_explained(name):
    rows = _rows(name)
    assert list(rows) == list(DATA[name].model_fields)
    optional = {field for field, info in DATA[name].model_fields.items() if not info.is_required()}
    assert {field for field, meaning in rows.items() if meaning.startswith("optional")} == optional


def test_every_field_of_the_envelope_is_explained():
    assert set(re.findall(r"^\| `(\w+)` \|", PAGE.partition("\n## ")[0], re.MULTILINE)) == set(
        Event.model_fields
    )


def test_the_amounts_in_the_examples_add_up():
    for example in EXAMPLES.values():
        data = read_event(example).data
        if isinstance(data, OrderData):
            assert data.subtotal.amount == sum(line.line_total.amount for line in data.lines)
            assert all(line.line_total == line.unit_price * line.quantity for line in data.lines)
            assert data.total == data.subtotal - data.discount + data.shipping + data.tax
        if isinstance(data, PaymentData):
            assert data.refunded.amount <= data.amount.amount
            assert (data.refund_amount is not None) == (example["type"] == "payment.refunded")
            assert data.refund_amount is None or 0 < data.refund_amount.amount <= data.refunded.amount


def test_the_examples_of_an_order_are_consistent():
    examples = [read_event(example) for kind, example in EXAMPLES.items() if kind.startswith("order.")]
    by_order = {
        event.subject: [each for each in examples if each.subject == event.subject] for event in examples
    }
    for order_id, its_events in by_order.items():
        assert {event.data.order_id for event in its_events} == {order_id}
        assert len({event.data.number for event in its_events if hasattr(event.data, "number")}) == 1
        by_time = sorted(its_events, key=lambda event: event.time)
        sequence = [event.sequence for event in by_time]
        assert sequence == sorted({*sequence}), "each event of an order has its own sequence"
    whole = by_order[EXAMPLES["order.placed"]["subject"]]
    assert sorted(event.sequence for event in whole) == [*range(1, len(whole) + 1)], "no event is missing"


def test_fulfilments_returns_and_invoices_match_their_order():
    orders = {
        data.order_id: data
        for example in EXAMPLES.values()
        if isinstance(data := read_event(example).data, OrderData)
    }
    fitting = 0
    for example in EXAMPLES.values():
        data = read_event(example).data
        if isinstance(data, InvoiceData):
            assert data.total == orders[data.order_id].total
            fitting += 1
        if isinstance(data, FulfilmentData | ReturnData):
            sold = {line.sku: line for line in orders[data.order_id].lines}
            value = sum(sold[line.sku].unit_price.amount * line.quantity for line in data.lines)
            assert all(line.quantity <= sold[line.sku].quantity for line in data.lines)
            if isinstance(data, ReturnData):
                assert data.refund.amount == (value if data.status == "received" else 0)
            fitting += 1
    assert fitting == 4


def test_the_publishers_are_right():
    published = {kind.event_type(): service for service, kinds in PUBLISHED_BY.items() for kind in kinds}
    assert {kind: publisher for kind, (publisher, _) in WIRING.items()} == published


def test_the_subscribers_are_right():
    subscribed: dict[str, set[str]] = {kind: set() for kind in TYPES}
    for resource in read(ROOT / "template.yaml")["Resources"].values():
        if resource["Type"] == "AWS::SNS::Subscription":
            endpoint = str(resource["Properties"]["Endpoint"])
            (subscriber,) = (name for name in SERVICES if f"{name.capitalize()}.Outputs" in endpoint)
            for kind in resource["Properties"]["FilterPolicy"]["type"]:
                subscribed[kind].add(subscriber)
    assert {kind: subscribers for kind, (_, subscribers) in WIRING.items()} == subscribed
