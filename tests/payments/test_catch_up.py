"""Catch-up of events that no webhook delivered: lost deliveries, outages, pages and concurrent runs."""

import json
import threading
import time
from collections.abc import Iterator
from datetime import datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import boto3
import pytest
from hypothesis import given
from hypothesis import strategies as st

from payments import stripe_lists
from payments.app import apply, catch_up, reads
from payments.domain.inbox import (
    FIRST_READING,
    HANDLED,
    OVERLAP,
    EventStatus,
    ListPosition,
    advance,
    first_position,
    list_since,
)
from payments.service import inbox_queue
from payments.service.catch_up import LATE_AFTER, requeue
from payments.stripe_gateway import StripeUnavailable
from payments.tables import inbox
from shared.runtime import clock
from tests.payments.payments_driver import PaymentsDriver, post_webhook
from tests.payments.test_function_imports import imported_packages
from tests.support import ENVIRONMENT, REGION, Context, call, sqs_event, staff


class AlmostTimedOut(Context):
    """Lambda's context with five seconds left."""

    def get_remaining_time_in_millis(self) -> int:
        return 5_000


def run_catch_up(context: Context | None = None) -> int:
    """Run the function; return the number of new events."""
    return catch_up.catch_up({}, context or Context())["stored"]


def create_events(driver: PaymentsDriver, count: int) -> set[str]:
    """Create events at Stripe; return the ids of all its events."""
    driver.cancel_intents(count)
    return {event["id"] for event in driver.stripe_events()}


def stored_objects(driver: PaymentsDriver) -> set[str]:
    """Return the ids of the Stripe objects that the stored events refer to."""
    return {row["object_id"]["S"] for row in driver.rows("PAYMENTS_INBOX_TABLE").values()}


def apply_all(driver: PaymentsDriver) -> None:
    for body in driver.queued_messages():
        assert apply.apply(sqs_event(body), Context()) == {"batchItemFailures": []}


@pytest.fixture
def webhook_server(driver: PaymentsDriver) -> Iterator[None]:
    """Serve the webhook on a port and register its URL at Stripe."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(post_webhook(body, self.headers["Stripe-Signature"]).status)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    types: Any = [*HANDLED]
    endpoint = driver.stripe.webhook_endpoints.create(
        {"url": f"http://127.0.0.1:{server.server_port}/", "enabled_events": types}
    )
    boto3.client("secretsmanager", region_name=REGION).put_secret_value(
        SecretId=ENVIRONMENT["PAYMENTS_WEBHOOK_SECRET_ARN"],
        SecretString=json.dumps({"current": endpoint.secret}),
    )
    yield
    server.shutdown()
    server.server_close()


def test_an_event_whose_delivery_was_lost_is_stored_and_applied(driver, webhook_server):
    driver.order()
    opened = driver.pay().json
    driver.control_stripe("chaos", drop=1)
    driver.confirm(opened["provider_id"])
    driver.control_stripe("chaos")
    [later] = driver.cancel_intents(1)
    deadline = time.monotonic() + 30
    while later not in stored_objects(driver):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    assert driver.payment(opened["payment_id"]).captures.captured == 0

    assert run_catch_up() > 0
    assert set(driver.inbox()) == {event["id"] for event in driver.stripe_events()}
    apply_all(driver)
    assert driver.status(opened["payment_id"]) == "succeeded"
    assert run_catch_up() == 0


def test_hours_of_missed_events_are_read_page_by_page(driver, monkeypatch):
    monkeypatch.setattr(stripe_lists, "PAGE_SIZE", 3)
    create_events(driver, 4)
    driver.control_stripe("advance", seconds=6 * 3600)
    all_ids = create_events(driver, 6)
    assert len(all_ids) == 10
    assert run_catch_up() == 10
    assert set(driver.inbox()) == all_ids


def test_a_run_continues_where_the_last_one_ran_out_of_time(driver, monkeypatch):
    monkeypatch.setattr(stripe_lists, "PAGE_SIZE", 3)
    all_ids = create_events(driver, 8)
    assert run_catch_up(AlmostTimedOut()) == 3
    later = create_events(driver, 2) - all_ids
    assert run_catch_up(AlmostTimedOut()) == 3
    assert run_catch_up(AlmostTimedOut()) == 2
    assert set(driver.inbox()) == all_ids
    assert run_catch_up() == 2
    assert set(driver.inbox()) == all_ids | later


def test_a_position_that_stripe_no_longer_knows_restarts_the_list(driver, monkeypatch):
    all_ids = create_events(driver, 2)
    long_ago = clock.epoch(clock.now()) - 40 * 24 * 3600
    assert inbox.save_position(ListPosition(long_ago, long_ago + 60, "evt_forgotten"))
    assert run_catch_up() == 2
    assert set(driver.inbox()) == all_ids


def test_stored_events_are_neither_written_nor_queued_again(driver):
    create_events(driver, 2)
    assert run_catch_up() == 2
    rows = driver.rows("PAYMENTS_INBOX_TABLE")
    assert run_catch_up() == 0
    after = driver.rows("PAYMENTS_INBOX_TABLE")
    assert {key: row for key, row in after.items() if key != inbox.POSITION} == {
        key: row for key, row in rows.items() if key != inbox.POSITION
    }


def test_an_event_that_a_webhook_delivers_meanwhile_is_stored_once(driver, monkeypatch):
    driver.order()
    opened = driver.pay().json
    driver.confirm(opened["provider_id"])
    read = stripe_lists.events

    def list_then_deliver_webhooks(*arguments):
        found = read(*arguments)
        for event in driver.stripe_events():
            driver.post_event(event)
        apply_all(driver)
        return found

    monkeypatch.setattr(stripe_lists, "events", list_then_deliver_webhooks)
    monkeypatch.setattr(inbox, "stored", lambda ids: {})  # an eventually consistent read
    assert run_catch_up() == 0
    assert set(driver.inbox().values()) == {"applied"}
    assert driver.queued_messages() == []


def test_two_concurrent_runs_skip_no_event(driver, monkeypatch):
    monkeypatch.setattr(stripe_lists, "PAGE_SIZE", 2)
    all_ids = create_events(driver, 5)
    read, started = stripe_lists.events, list[bool]()

    def run_another_first(*arguments):
        if not started:
            started.append(True)
            assert run_catch_up() == 5
        return read(*arguments)

    monkeypatch.setattr(stripe_lists, "events", run_another_first)
    assert run_catch_up() == 0
    assert set(driver.inbox()) == all_ids
    found = inbox.list_position()
    assert found is not None
    assert (found.after, found.newest) == (None, None)


def test_no_event_is_lost_while_stripe_is_unavailable(driver):
    all_ids = create_events(driver, 2)
    driver.break_stripe(path="/v1/events", method="GET", times=1, status=403)
    with pytest.raises(StripeUnavailable):
        run_catch_up()
    driver.break_stripe(path="/v1/events", method="GET", times=1, status=429)
    assert run_catch_up() == 0
    assert driver.inbox() == {}
    driver.control_stripe("advance", seconds=3 * 3600)
    assert run_catch_up() == 2
    assert set(driver.inbox()) == all_ids


def test_an_unreadable_event_does_not_block_the_others(driver, monkeypatch):
    all_ids = create_events(driver, 2)
    read = stripe_lists.events

    def list_with_unreadable_event(*arguments):
        found = read(*arguments)
        unreadable = stripe_lists.ListedEvent("evt_odd", found.items[0].created, b'{"id": "evt_odd"}')
        return stripe_lists.Listed([found.items[0], unreadable, *found.items[1:]], found.more)

    monkeypatch.setattr(stripe_lists, "events", list_with_unreadable_event)
    assert run_catch_up() == 2
    assert set(driver.inbox()) == all_ids


def test_an_event_that_was_not_applied_is_queued_again_once_it_is_late(driver):
    driver.order()
    driver.confirm(driver.pay().json["provider_id"])
    [paid] = driver.new_events()
    driver.post_event(paid)
    driver.queued_messages()  # lost
    driver.advance(minutes=3)
    assert run_catch_up() == 0
    assert requeue(driver.now() + timedelta(hours=1)) == 0, "not late yet"
    driver.advance(minutes=2)
    assert run_catch_up() == 0
    [late] = driver.get("/admin/webhooks?status=received", staff()).json["items"]
    assert late["event_id"] == paid["id"]
    assert catch_up.catch_up({}, Context()) == {"stored": 0, "requeued": 1}
    driver.apply_events()
    assert driver.inbox() == {paid["id"]: EventStatus.APPLIED}
    assert catch_up.catch_up({}, Context()) == {"stored": 0, "requeued": 0}


def test_a_run_that_ends_before_it_queues_an_event_leaves_it_to_the_next(driver, monkeypatch):
    [event_id] = create_events(driver, 1)
    with monkeypatch.context() as patch:
        patch.setattr(inbox_queue, "send", lambda events: 1 / 0 if events else None)
        with pytest.raises(ZeroDivisionError):
            run_catch_up()
    driver.advance(minutes=5)
    assert catch_up.catch_up({}, Context()) == {"stored": 0, "requeued": 1}
    [body] = driver.queued_messages()
    assert json.loads(body)["event_id"] == event_id


def test_every_event_is_listed_again_when_it_is_late():
    """A run lists from ten minutes before the newest event that the run before it listed."""
    interval = timedelta(minutes=5)  # the schedule of PaymentsCatchUp
    assert LATE_AFTER < interval <= OVERLAP - interval


def test_the_list_position_is_not_shown_as_an_event(driver):
    create_events(driver, 1)
    run_catch_up()
    assert call(reads.api, "POST", f"/admin/webhooks/{inbox.POSITION}/replay", caller=staff()).status == 404
    listed = driver.get("/admin/webhooks", staff()).json["items"]
    assert inbox.POSITION not in {event["event_id"] for event in listed}


def test_the_catch_up_function_loads_the_stripe_sdk():
    assert {"stripe", "requests"} <= imported_packages("payments.app.catch_up")


def test_the_first_run_lists_the_events_of_one_day():
    now = datetime.fromisoformat("2026-03-01T12:00:00+00:00")
    assert list_since(first_position(now)) == clock.epoch(now - FIRST_READING - OVERLAP)


@given(st.data())
def test_interrupted_runs_read_all_events_even_late_ones(data):
    """Read a growing list in which events appear up to ten minutes late."""
    overlap, size = int(OVERLAP.total_seconds()), 3
    now, listed, read = 10_000, list[tuple[int, str]](), set[str]()
    position = ListPosition(since=now)
    for _ in range(data.draw(st.integers(0, 30))):
        for _ in range(data.draw(st.integers(0, 4))):
            created = now - data.draw(st.integers(0, overlap))
            listed.append((max(created, 10_000 - overlap), f"evt_{len(listed):03}"))
        now += data.draw(st.integers(0, 2000))
        position = _read_page(position, listed, read, size)
    for _ in range(2 * len(listed) + 2):
        position = _read_page(position, listed, read, size)
    assert read == {event_id for _, event_id in listed}


def _read_page(
    position: ListPosition, listed: list[tuple[int, str]], read: set[str], size: int
) -> ListPosition:
    newest_first = sorted((each for each in listed if each[0] >= list_since(position)), reverse=True)
    if position.after:
        last_read = next(each for each in listed if each[1] == position.after)
        newest_first = [each for each in newest_first if each < last_read]
    page = newest_first[:size]
    read |= {event_id for _, event_id in page}
    newest, last = (page[0][0], page[-1][1]) if page else (None, None)
    return advance(position, newest, last, more=len(newest_first) > size)
