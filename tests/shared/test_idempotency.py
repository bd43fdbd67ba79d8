"""Idempotent requests: repeated, concurrent, failed and interrupted."""

from datetime import timedelta

import boto3
import pytest

from shared.dynamodb import rows
from shared.dynamodb.idempotency import LEASE, IdempotencyRow, IdempotencyStore
from shared.errors import Conflict, Unavailable
from shared.http.api import Api
from shared.http.identity import GUEST, Caller
from shared.http.routing import Body, Routes, View
from shared.runtime import clock
from tests.support import REGION, call, guest, idempotency_headers, run_concurrently


class ClickRow(IdempotencyRow):
    class Meta:
        table_name = "clicks"
        region = REGION


class Click(Body):
    what: str = "buy"


class Effect(View):
    number: int


class SoldOut(Conflict):
    """There are no tickets left."""


effects: list[str] = []
fail: list[Exception] = []
routes = Routes()


@routes.post("/clicks", role=GUEST, status=201, idempotent=True, raises=(SoldOut,))
def click(caller: Caller, body: Click) -> Effect:
    if fail:
        raise fail.pop()
    effects.append(caller.user_id)
    return Effect(number=len(effects))


@pytest.fixture
def api(cloud):
    boto3.client("dynamodb", region_name=REGION).create_table(
        TableName="clicks",
        KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "pk", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    effects.clear()
    fail.clear()
    return Api(routes, idempotency=IdempotencyStore(ClickRow))


def test_a_repeated_request_gets_the_first_response(api):
    headers = idempotency_headers()
    first = call(api, "POST", "/clicks", body={}, caller=guest(), headers=headers)
    second = call(api, "POST", "/clicks", body={}, caller=guest(), headers=headers)
    assert (first.status, first.json) == (201, {"number": 1})
    assert (second.status, second.json, second.header("idempotent-replayed")) == (201, {"number": 1}, "true")
    assert first.header("idempotent-replayed") is None
    assert len(effects) == 1


def test_a_key_is_required_and_scoped_to_its_caller_and_body(api):
    assert call(api, "POST", "/clicks", body={}, caller=guest()).status == 400
    headers = idempotency_headers()
    call(api, "POST", "/clicks", body={}, caller=guest("gst_1"), headers=headers)
    assert call(api, "POST", "/clicks", body={}, caller=guest("gst_2"), headers=headers).json["number"] == 2
    reused = call(api, "POST", "/clicks", body={"what": "else"}, caller=guest("gst_1"), headers=headers)
    assert (reused.status, reused.json["type"]) == (422, "/problems/idempotency-key-reused")


def test_a_problem_is_replayed_too(api):
    headers = idempotency_headers()
    fail.append(SoldOut("There are no tickets left."))
    first = call(api, "POST", "/clicks", body={}, caller=guest(), headers=headers)
    second = call(api, "POST", "/clicks", body={}, caller=guest(), headers=headers)
    assert (first.status, second.status, second.json["type"]) == (409, 409, "/problems/sold-out")
    assert second.header("idempotent-replayed") == "true"
    assert not effects


@pytest.mark.parametrize("error", [RuntimeError("bug"), Unavailable("catalog is down")])
def test_after_a_server_error_a_retry_runs_the_request_again(api, error):
    headers = idempotency_headers()
    fail.append(error)
    assert call(api, "POST", "/clicks", body={}, caller=guest(), headers=headers).status in {500, 503}
    assert call(api, "POST", "/clicks", body={}, caller=guest(), headers=headers).status == 201
    assert len(effects) == 1


def test_concurrent_requests_have_one_effect(api):
    headers = idempotency_headers()

    def go():
        # One Api per process serves one request at a time on Lambda; here each thread is a process.
        own = Api(routes, idempotency=IdempotencyStore(ClickRow))
        return call(own, "POST", "/clicks", body={}, caller=guest(), headers=headers).status

    statuses = run_concurrently(*[go] * 8)
    assert len(effects) == 1
    assert set(statuses) <= {201, 409}
    assert 201 in statuses


def test_a_request_that_died_is_run_again_after_its_lease(api, monkeypatch):
    headers = idempotency_headers()
    fail.append(SystemExit())  # type: ignore[arg-type]
    monkeypatch.setattr(IdempotencyStore, "release", lambda *_: None)  # a process that dies releases nothing
    with pytest.raises(SystemExit):
        call(api, "POST", "/clicks", body={}, caller=guest(), headers=headers)
    running = call(api, "POST", "/clicks", body={}, caller=guest(), headers=headers)
    assert (running.status, running.json["type"]) == (409, "/problems/request-in-progress")
    assert int(running.header("retry-after") or 0) >= 1
    later = clock.now() + LEASE + timedelta(seconds=1)
    monkeypatch.setattr(clock, "now", lambda: later)
    assert call(api, "POST", "/clicks", body={}, caller=guest(), headers=headers).status == 201
    assert len(effects) == 1


def test_an_event_has_its_effect_once(api):
    idempotency = IdempotencyStore(ClickRow)
    with rows.transaction(ClickRow) as writes:
        idempotency.record_event(writes, "evt.1", clock.now())
    with pytest.raises(rows.ConditionFailed) as failed, rows.transaction(ClickRow) as writes:
        idempotency.record_event(writes, "evt.1", clock.now())
        writes.save(ClickRow(pk="effect", expires_at=1))
    assert failed.value.failed_at(0)
    with pytest.raises(ClickRow.DoesNotExist):
        ClickRow.get("effect")
