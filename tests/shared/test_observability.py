"""Log lines and metrics: their keys are a contract with alarms, `make logs` and operators."""

import json
import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import jsonschema_rs
import pytest

from shared.runtime import observability
from shared.runtime.observability import SERVICE, count, end, log, log_request
from tests.log_lines import log_lines, metrics
from tests.support import ROOT

KEYS = ["level", "location", "message", "timestamp", "service", "request_id"]

# https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
NAME = {"type": "string", "minLength": 1, "maxLength": 1024}
METRIC = {
    "type": "object",
    "required": ["Name"],
    "properties": {"Name": NAME, "Unit": {"enum": ["Count", "None"]}},
    "additionalProperties": False,
}
DIRECTIVE = {
    "type": "object",
    "required": ["Namespace", "Dimensions", "Metrics"],
    "properties": {
        "Namespace": NAME,
        "Dimensions": {
            "type": "array",
            "minItems": 1,
            "items": {"type": "array", "maxItems": 30, "items": NAME},
        },
        "Metrics": {"type": "array", "maxItems": 100, "items": METRIC},
    },
    "additionalProperties": False,
}
DOCUMENT = {
    "type": "object",
    "required": ["_aws"],
    "properties": {
        "_aws": {
            "type": "object",
            "required": ["Timestamp", "CloudWatchMetrics"],
            "properties": {
                "Timestamp": {"type": "integer", "minimum": 10**12, "maximum": 10**13},
                "CloudWatchMetrics": {"type": "array", "items": DIRECTIVE},
            },
        }
    },
}


@pytest.fixture(autouse=True)
def request_id():
    observability.begin("req-1")
    yield "req-1"
    observability.begin("")


def test_a_line_has_the_keys_of_the_contract(capsys):
    log.info("order read", extra={"order_id": "ord_1"})
    (line,) = log_lines(capsys)
    assert list(line) == [*KEYS, "order_id"]
    function, _, number = line["location"].partition(":")
    assert (function, number.isdecimal()) == ("test_a_line_has_the_keys_of_the_contract", True)
    at = datetime.fromisoformat(line["timestamp"])
    assert (at.utcoffset(), len(line["timestamp"])) == (timedelta(0), len("2026-11-28T12:00:00.000+00:00"))
    assert abs(datetime.now(UTC) - at) < timedelta(minutes=1)
    assert {name: line[name] for name in ("level", "message", "service", "request_id", "order_id")} == {
        "level": "INFO",
        "message": "order read",
        "service": SERVICE,
        "request_id": "req-1",
        "order_id": "ord_1",
    }


def test_a_line_without_a_request_has_no_request_id(capsys):
    observability.begin("")
    log.info("order read")
    assert list(log_lines(capsys)[0]) == KEYS[:-1]


def test_the_line_of_a_request_has_the_keys_of_all_lines(capsys):
    log_request(method="GET", route="/orders", status=200, ms=1.5)
    (line,) = log_lines(capsys)
    assert list(line) == [*KEYS, "method", "route", "status", "ms"]
    assert (line["level"], line["message"], line["location"][:12]) == (
        "INFO",
        "request served",
        "log_request:",
    )
    assert (line["method"], line["route"], line["status"], line["ms"]) == ("GET", "/orders", 200, 1.5)


def test_an_exception_has_its_name_its_traceback_and_its_frames(capsys):
    try:
        raise ValueError("bad")
    except ValueError:
        log.exception("message failed", extra={"message_id": "m1"})
    (line,) = log_lines(capsys)
    assert list(line) == [*KEYS, "message_id", "exception", "exception_name", "stack_trace"]
    assert (line["level"], line["exception_name"]) == ("ERROR", "ValueError")
    assert line["exception"].startswith("Traceback (most recent call last):\n")
    assert line["exception"].endswith("\nValueError: bad")
    stack = line["stack_trace"]
    assert (stack["type"], stack["value"], stack["module"]) == ("ValueError", "bad", "builtins")
    frame = stack["frames"][-1]
    assert frame["file"] == __file__
    assert (frame["function"], frame["statement"]) == (
        "test_an_exception_has_its_name_its_traceback_and_its_frames",
        'raise ValueError("bad")',
    )


def test_an_exception_may_be_passed_to_any_level(capsys):
    log.warning("response not stored", exc_info=KeyError("x"))
    assert log_lines(capsys)[0]["exception_name"] == "KeyError"
    log.exception("no exception is handled here")
    assert list(log_lines(capsys)[0]) == KEYS


def test_text_is_written_as_it_is(capsys):
    log.info("read", extra={"text": 'Zoë Łódź 🎁 Щука\n"quoted"'})
    output = capsys.readouterr().out
    assert "Zoë Łódź 🎁 Щука" in output and output.count("\n") == 1
    assert json.loads(output)["text"] == 'Zoë Łódź 🎁 Щука\n"quoted"'


CYCLE: dict[str, Any] = {}
CYCLE["self"] = CYCLE


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (Decimal("1.10"), "1.10"),
        ([Decimal("1.10"), 2], ["1.10", 2]),
        (datetime(2026, 1, 2, tzinfo=UTC), "2026-01-02 00:00:00+00:00"),
        ({1}, "{1}"),
        ({("a", "b"): 1}, "{('a', 'b'): 1}"),
        (float("nan"), "nan"),
        (CYCLE, "{'self': {...}}"),
        ("half \ud83c", "half \ud83c"),
    ],
)
def test_a_value_without_json_is_written_as_text(capsys, value, written):
    log.info("read", extra={"value": value})
    (line,) = log_lines(capsys)
    assert (line["message"], line["value"]) == ("read", written)


def test_a_value_that_cannot_be_written_does_not_stop_the_request(capsys):
    class Broken:
        def __str__(self) -> str:
            raise RuntimeError

    log.info("read", extra={"value": Broken()})
    written = capsys.readouterr()
    assert (written.out, "Message: 'read'" in written.err) == ("", True)


def test_metrics_are_a_document_in_the_embedded_metric_format(capsys):
    for name, value in (("Failures", 1), ("WebhooksCaughtUp", 7), ("Failures", 1)):
        count(name, value)
    assert capsys.readouterr().out == ""
    end()
    (line,) = log_lines(capsys)
    jsonschema_rs.validate(DOCUMENT, line)
    ((directive,), other) = line["_aws"]["CloudWatchMetrics"], {k: v for k, v in line.items() if k != "_aws"}
    assert (directive["Namespace"], directive["Dimensions"]) == ("Tillstack", [["service"]])
    assert {metric["Name"]: metric["Unit"] for metric in directive["Metrics"]} == {
        "Failures": "Count",
        "WebhooksCaughtUp": "Count",
    }
    assert other == {"service": SERVICE, "Failures": 2, "WebhooksCaughtUp": 7}
    end()
    assert log_lines(capsys) == []


def test_more_metrics_than_a_line_may_have_are_several_lines(capsys):
    for number in range(250):
        count(f"Metric{number}")
    end()
    written = capsys.readouterr().out
    for line in written.splitlines():
        jsonschema_rs.validate(DOCUMENT, json.loads(line))
    assert written.count("\n") == 3
    print(written, end="")
    assert metrics(capsys) == {f"Metric{number}": 1 for number in range(250)}


def run(script: str, **environment: str) -> list[dict[str, Any]]:
    """Run the script in a process of its own; return its lines."""
    command = [sys.executable, "-c", script]
    variables = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT / "functions"), **environment}
    done = subprocess.run(command, env=variables, capture_output=True, text=True, check=True)
    return [json.loads(line) for line in done.stdout.splitlines()]


EACH_LEVEL = """
from shared.runtime import observability
for level in (10, 20, 30, 40):
    observability.log.log(level, "x")
observability.log_request(status=200)
"""


@pytest.mark.parametrize(
    ("level", "written"),
    [
        ("DEBUG", ["DEBUG", "INFO", "WARNING", "ERROR", "INFO"]),
        ("INFO", ["INFO", "WARNING", "ERROR", "INFO"]),
        ("warning", ["WARNING", "ERROR"]),
        ("ERROR", ["ERROR"]),
    ],
)
def test_log_level_selects_the_lines(level, written):
    assert [line["level"] for line in run(EACH_LEVEL, LOG_LEVEL=level)] == written


SERVICES_LINES = """
from shared.runtime import observability
observability.log.info("x")
observability.count("Failures")
observability.end()
"""


def test_the_service_is_the_one_of_the_environment():
    lines = run(SERVICES_LINES, SERVICE_NAME="orders")
    assert [line["service"] for line in lines] == ["orders", "orders"]


LIBRARIES = """
import logging, sys
logging.basicConfig(format="not JSON: %(message)s", stream=sys.stdout)  # as Lambda does
from shared.runtime import observability
observability.begin("req-1")
logging.getLogger("botocore.credentials").warning("slow: %s", "é")
logging.getLogger("urllib3.connectionpool").info("not a warning")
observability.log.info("own")
"""


def test_warnings_of_libraries_have_the_keys_of_all_lines_on_lambda():
    lines = run(LIBRARIES, AWS_LAMBDA_FUNCTION_NAME="OrdersApi")
    assert [line["message"] for line in lines] == ["slow: é", "own"]
    assert [list(line) for line in lines] == [KEYS, KEYS]
