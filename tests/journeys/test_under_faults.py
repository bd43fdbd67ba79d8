"""A load test under faults (LOAD_ORDERS=200): any call may be throttled or lose its response, every
webhook arrives twice, late or never, and emails fail. Afterwards the audit must be clean."""

import json
import os
import subprocess
import sys
import time
import urllib.request
from collections import Counter
from contextlib import contextmanager
from uuid import uuid4

import pytest

from infra.cloudformation import functions, read
from localstack.cloud import faults
from localstack.cloud.faults import NO_FAULTS, FaultRates
from localstack.cloud.local_cloud import ROOT
from ops.audit import as_table, audit, is_clean
from ops.redrive import count, dead_letter_queues, process_queue
from ops.snapshot import count_messages
from ops.stage import local_stage
from tests.journeys.client import Client
from tests.journeys.load import Load
from tests.journeys.test_expiry_and_webhooks import _emulator

ORDERS = int(os.environ.get("LOAD_ORDERS", "30"))
AT_ONCE = 8
SEED = 7
FAULTS = FaultRates(throttle=0.03, lost=0.01, slow=0.02, latency=0.4)
NO_EMAILS = FaultRates(error=1)
VISIBILITY_TIMEOUT = "10"  # five tries of a message then take one minute instead of fifteen
DEAD_LETTER_TIMEOUT = 120
IDLE_TIMEOUT = 300  # a notification waits for its lease if the response to its claim was lost
AUDIT_TIMEOUT = 30


def test_the_audit_is_clean_after_load_with_faults(local, url, staff, create_product, create_coupon, capsys):
    stage, retries, watch = local_stage(local.name), Counter[str](), Stopwatch()
    skus = [create_product(stock=4 * ORDERS, price=700 + 150 * n, title=f"Load goods {n}") for n in range(6)]
    load = Load(local, url, Client(staff, retries), skus, create_coupon(usage_limit=ORDERS), retries)
    with _short_visibility_timeouts(stage), faults.injected(local) as proxy:
        watch.lap("prepared")
        proxy.set(FAULTS, seed=SEED, ses=NO_EMAILS)
        _emulator(local, "chaos", {"duplicate": 1.0, "delay_max": 5, "drop": 0.1})
        _emulator(local, "faults", {"path": "/v1/payment_intents*", "times": 5, "drop_after": True})
        _emulator(local, "faults", {"path": "/v1/refunds", "times": 3, "status": 500})
        try:
            load.run(ORDERS, AT_ONCE)
            watch.lap("ran the load")
            _wait_for(
                lambda: _dead_letters(stage).total(), "emails to become dead letters", DEAD_LETTER_TIMEOUT
            )
        finally:
            _emulator(local, "chaos", {})
            proxy.set(NO_FAULTS)
        before = _dead_letters(stage)
        _run_schedules(local)
        _wait_for(lambda: _redrive_until_idle(stage), "the queues to be empty", IDLE_TIMEOUT)
        watch.lap("became idle")
        report = _wait_for(lambda: is_clean(r := audit(stage)) and r, "", AUDIT_TIMEOUT) or audit(stage)
        counts = proxy.counts()
        watch.lap("audited")
    watch.lap("restored")
    with capsys.disabled():
        print(_figures(load, counts, retries, local, before, _dead_letters(stage), report), watch, sep="\n")
    assert is_clean(report), as_table(report)
    _check_orders(load)
    assert before["tillstack-local-notify-dlq"], "the outage of SES had no effect"
    assert not +_dead_letters(stage)
    assert counts["dynamodb throttle"] and counts["dynamodb lost"]
    done = subprocess.run(
        [sys.executable, "-m", "ops.audit", "--name", local.name, "--json"], cwd=ROOT, capture_output=True
    )
    assert (done.returncode, json.loads(done.stdout)["clean"]) == (0, True)


class Stopwatch:
    """Measures the duration of each part."""

    def __init__(self) -> None:
        self.began, self.laps = time.monotonic(), dict[str, float]()

    def lap(self, name: str) -> None:
        self.laps[name] = time.monotonic() - self.began - sum(self.laps.values())

    def __str__(self) -> str:
        return ", ".join(f"{name} {seconds:.0f} s" for name, seconds in self.laps.items())


def _check_orders(load):
    """Check that each shopper has one order, with an expected status."""
    for order_id, expected in load.expected.items():
        (found,) = load.buyers[order_id].expect(200, "GET", "/orders")["items"]
        assert (found["order_id"], found["status"] in expected) == (order_id, True), (
            found["status"],
            expected,
        )


def _run_schedules(local):
    """Run every scheduled function once: missed webhooks are replaced, and unfinished work is completed."""
    scheduled = [
        name
        for name, properties in functions(read(ROOT / "template.yaml")).items()
        if any(event["Type"].startswith("Schedule") for event in properties.get("Events", {}).values())
    ]
    client = local.client("lambda")
    deployed = [
        function["FunctionName"]
        for page in client.get_paginator("list_functions").paginate()
        for function in page["Functions"]
    ]
    for name in scheduled:
        for function in deployed:
            if f"-{name}-" in function:
                answer = client.invoke(FunctionName=function, Payload=json.dumps({"id": str(uuid4())}))
                assert "FunctionError" not in answer, answer["Payload"].read()


@contextmanager
def _short_visibility_timeouts(stage):
    """Let failed messages become visible again soon."""
    sqs, known = stage.client("sqs"), {}
    for url in stage.queues().values():
        found = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["VisibilityTimeout"])["Attributes"]
        known[url] = found["VisibilityTimeout"]
        sqs.set_queue_attributes(QueueUrl=url, Attributes={"VisibilityTimeout": VISIBILITY_TIMEOUT})
    try:
        yield
    finally:
        for url, seconds in known.items():
            sqs.set_queue_attributes(QueueUrl=url, Attributes={"VisibilityTimeout": seconds})


def _redrive_until_idle(stage):
    """Redrive all dead-letter queues and return whether all queues are empty."""
    for dead, sources in dead_letter_queues(stage).items():
        process_queue(stage, dead, sources, dry_run=False)
    return not any(sum(counts.values()) for counts in count_messages(stage).values())


def _dead_letters(stage):
    return Counter({dead: count(stage, dead) for dead in dead_letter_queues(stage)})


def _wait_for(look, what, seconds):
    """Return the first true value of `look`. After `seconds`, fail if `what` is given, else return None."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if found := look():
            return found
        time.sleep(1)
    if what:
        pytest.fail(f"timed out after {seconds} s waiting for {what}")
    return None


def _figures(load, counts, retries, local, before, after, report):
    by_kind = Counter[str]()
    for name, times in counts.items():
        by_kind[name.rpartition(" ")[2]] += times
    webhooks = _deliveries(local)
    return "\n".join(
        [
            "",
            f"orders            {sum(load.counts.values())}: {dict(load.counts)}",
            f"calls to AWS      {dict(by_kind)}",
            f"webhooks          {webhooks}",
            f"clients' retries  {dict(retries)}",
            f"dead letters      {dict(+before)}, after redrive {dict(+after)}",
            as_table(report),
        ]
    )


def _deliveries(local):
    with urllib.request.urlopen(f"{local.stripe_url}/_emulator/deliveries", timeout=30) as answer:
        return json.load(answer)["counts"]
