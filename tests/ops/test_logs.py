"""Logs: the lines of one request in order, and new lines as they arrive."""

import json
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
import moto
import pytest

from ops import logs
from ops.stage import Stage, StageError
from tests.support import REGION

FUNCTIONS = "/tillstack/trial/functions"
NOW = datetime.now(UTC).replace(microsecond=0)
DAY_AGO = NOW - timedelta(days=1)


@pytest.fixture
def stage() -> Iterator[Stage]:
    with moto.mock_aws():
        session = boto3.Session(region_name=REGION)
        for group in logs.GROUPS:
            session.client("logs").create_log_group(logGroupName=f"/tillstack/trial/{group}")
        yield Stage("trial", session)


def write(stage: Stage, stream: str, *texts: str, at: datetime = NOW) -> None:
    """Write lines to a stream of the functions' log, all at the same time, as the local engine does."""
    client = stage.client("logs")
    if not client.describe_log_streams(logGroupName=FUNCTIONS, logStreamNamePrefix=stream)["logStreams"]:
        client.create_log_stream(logGroupName=FUNCTIONS, logStreamName=stream)
    events = [{"timestamp": int(at.timestamp() * 1000), "message": text} for text in texts]
    client.put_log_events(logGroupName=FUNCTIONS, logStreamName=stream, logEvents=events)


def entry(service: str, message: str, seconds: int = 0, **fields: Any) -> str:
    at = (NOW + timedelta(seconds=seconds)).isoformat(timespec="milliseconds")
    return json.dumps({"level": "INFO", "message": message, "timestamp": at, "service": service, **fields})


def test_the_lines_of_a_request_are_in_order_across_services(stage):
    write(stage, "notify", entry("notify", "event handled", 3, request_id="req-1"))
    write(
        stage,
        "orders",
        entry("orders", "request served", 2, request_id="req-1", status=201),
        entry("orders", "request served", 2, request_id="req-2"),
        entry("orders", "events published", 1, request_ids=["req-1"]),
    )
    lines = [str(line)[13:] for line in logs.find(stage, "req-1", DAY_AGO)]
    assert lines == [
        'orders    INFO     events published  request_ids=["req-1"]',
        "orders    INFO     request served  request_id=req-1 status=201",
        "notify    INFO     event handled  request_id=req-1",
    ]


def test_a_stack_trace_follows_its_line(stage):
    trace = "Traceback (most recent call last):\n  File …\nKeyError: 'sku'"
    write(stage, "cart", entry("cart", "request failed", request_id="req-1", exception=trace))
    (line,) = logs.find(stage, "req-1", DAY_AGO)
    assert str(line).splitlines()[1:] == [f"    {row}" for row in trace.splitlines()]


def test_following_returns_each_line_once_without_routine_lines(stage, tmp_path):
    stripe = tmp_path / "stripe.log"
    stripe.write_text("an old line\n")
    follower = logs.Follower(stage, NOW - timedelta(minutes=1), [stripe, tmp_path / "missing.log"])
    write(
        stage,
        "cart",
        "START RequestId: 1 Version: $LATEST\n",
        entry("cart", "request served"),
        json.dumps({"_aws": {}, "service": "cart"}),
        json.dumps({"type": "platform.report", "record": {"status": "success"}}),
        json.dumps({"type": "platform.report", "record": {"status": "timeout"}}),
        "Traceback of a module that cannot be imported\n",
    )
    assert [str(line).split()[1] for line in follower.poll()] == ["cart", "functions", "functions"]
    write(stage, "cart", entry("cart", "second", 1))
    with stripe.open("a") as log:
        log.write("POST /v1/refunds 200\n")
    assert sorted(line.fields["message"] for line in follower.poll()) == ["POST /v1/refunds 200", "second"]
    assert follower.poll() == []


def test_a_restarted_program_is_followed_from_the_start_of_its_log(stage, tmp_path):
    log = tmp_path / "stripe.log"
    log.write_text("a long line of the program that has ended\n")
    follower = logs.Follower(stage, NOW, [log])
    log.write_text("started\n")
    assert [line.text for line in follower.poll()] == ["started"]


def test_a_line_that_cloudwatch_delivers_late_is_returned(stage):
    follower = logs.Follower(stage, NOW - timedelta(minutes=1))
    write(stage, "cart", entry("cart", "new"))
    follower.poll()
    write(stage, "orders", entry("orders", "late", -20), at=NOW - timedelta(seconds=20))
    assert [line.fields["message"] for line in follower.poll()] == ["late"]


def test_a_stage_without_a_log_is_not_deployed(stage):
    with pytest.raises(StageError, match="nothing is deployed on the stage 'other'"):
        logs.find(Stage("other", stage.session), "req-1", DAY_AGO)


@pytest.mark.parametrize(
    ("wanted", "status"),
    [("req-1", None), ("req-2", "logs: no line of the last 24 hours contains req-2"), ('"', 2)],
)
def test_the_command_reports_an_id_without_lines(stage, monkeypatch, capsys, wanted, status):
    write(stage, "cart", entry("cart", "request served", request_id="req-1"))
    monkeypatch.setattr(logs, "stage_from_options", lambda options: stage)
    monkeypatch.setattr(sys, "argv", ["logs", "--stage", "trial", "--id", wanted])
    if status is None:
        logs.main()
        assert "request served" in capsys.readouterr().out
    else:
        with pytest.raises(SystemExit) as ended:
            logs.main()
        assert ended.value.code == status
