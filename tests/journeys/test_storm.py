"""Many orders on the worst of days (STORM_ORDERS=200): every call may be throttled or its answer lost, every
webhook comes twice, late or never, mails do not go out; and when it is over, all that there is agrees."""

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
from tests.journeys.storm import Storm
from tests.journeys.test_bad_days import _emulator

ORDERS = int(os.environ.get("STORM_ORDERS", "30"))
AT_ONCE = 8
SEED = 7
BAD = FaultRates(throttle=0.03, lost=0.01, slow=0.02, latency=0.4)
NO_MAIL = FaultRates(error=1)
VISIBILITY_SECONDS = "10"  # of a message that failed: five tries end within a minute, not within fifteen
GIVING_UP_SECONDS = 120
QUIET_SECONDS = 300  # a letter whose claim was answered to nobody is held for two minutes
SETTLING_SECONDS = 30


def test_when_the_storm_is_over_everything_agrees(local, url, staff, goods, coupon, capsys):
    stage, retries, watch = local_stage(local.name), Counter[str](), Stopwatch()
    skus = [goods(stock=4 * ORDERS, price=700 + 150 * n, title=f"Storm goods {n}") for n in range(6)]
    storm = Storm(local, url, Client(staff, retries), skus, coupon(usage_limit=ORDERS), retries)
    with _impatient_queues(stage), faults.injected(local) as proxy:
        watch.lap("prepared")
        proxy.set(BAD, seed=SEED, ses=NO_MAIL)
        _emulator(local, "chaos", {"duplicate": 1.0, "delay_max": 5, "drop": 0.1})
        _emulator(local, "faults", {"path": "/v1/payment_intents*", "times": 5, "drop_after": True})
        _emulator(local, "faults", {"path": "/v1/refunds", "times": 3, "status": 500})
        try:
            storm.run(ORDERS, AT_ONCE)
            watch.lap("stormed")
            _await(lambda: _given_up(stage).total(), "mails to be given up", GIVING_UP_SECONDS)
        finally:
            _emulator(local, "chaos", {})
            proxy.set(NO_FAULTS)
        before = _given_up(stage)
        _run_what_is_scheduled(local)
        _await(lambda: _is_quiet(stage), "the queues to be empty", QUIET_SECONDS)
        watch.lap("came to rest")
        report = _await(lambda: is_clean(r := audit(stage)) and r, "", SETTLING_SECONDS) or audit(stage)
        counts = proxy.counts()
        watch.lap("audited")
    watch.lap("put back")
    with capsys.disabled():
        print(_figures(storm, counts, retries, local, before, _given_up(stage), report), watch, sep="\n")
    assert is_clean(report), as_table(report)
    _each_shopper_got_what_they_wanted(storm)
    assert before["tillstack-local-notify-dlq"], "the outage was none"
    assert not +_given_up(stage)
    assert counts["dynamodb throttle"] and counts["dynamodb lost"]
    done = subprocess.run(
        [sys.executable, "-m", "ops.audit", "--name", local.name, "--json"], cwd=ROOT, capture_output=True
    )
    assert (done.returncode, json.loads(done.stdout)["clean"]) == (0, True)


class Stopwatch:
    """How long each part took."""

    def __init__(self) -> None:
        self.began, self.laps = time.monotonic(), dict[str, float]()

    def lap(self, name: str) -> None:
        self.laps[name] = time.monotonic() - self.began - sum(self.laps.values())

    def __str__(self) -> str:
        return ", ".join(f"{name} {seconds:.0f} s" for name, seconds in self.laps.items())


def _each_shopper_got_what_they_wanted(storm):
    """One order each, however often it was sent, and it came to its end."""
    for order_id, ends in storm.ends.items():
        (found,) = storm.buyers[order_id].expect(200, "GET", "/orders")["items"]
        assert (found["order_id"], found["status"] in ends) == (order_id, True), (found["status"], ends)


def _run_what_is_scheduled(local):
    """What the clock would start: what Stripe's webhooks did not tell is asked for, what is left is done."""
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
def _impatient_queues(stage):
    """What failed comes again soon."""
    sqs, known = stage.client("sqs"), {}
    for url in stage.queues().values():
        found = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["VisibilityTimeout"])["Attributes"]
        known[url] = found["VisibilityTimeout"]
        sqs.set_queue_attributes(QueueUrl=url, Attributes={"VisibilityTimeout": VISIBILITY_SECONDS})
    try:
        yield
    finally:
        for url, seconds in known.items():
            sqs.set_queue_attributes(QueueUrl=url, Attributes={"VisibilityTimeout": seconds})


def _is_quiet(stage):
    """Whether no queue holds anything; what was given up is sent back, also what is only now."""
    for dead, sources in dead_letter_queues(stage).items():
        process_queue(stage, dead, sources, dry_run=False)
    return not any(sum(counts.values()) for counts in count_messages(stage).values())


def _given_up(stage):
    return Counter({dead: count(stage, dead) for dead in dead_letter_queues(stage)})


def _await(look, what, seconds):
    """What `look` finds once it is something; after the time, a failure that says what was waited for."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if found := look():
            return found
        time.sleep(1)
    if what:
        pytest.fail(f"waited {seconds} s in vain for {what}")
    return None


def _figures(storm, counts, retries, local, before, after, report):
    by_kind = Counter[str]()
    for name, times in counts.items():
        by_kind[name.rpartition(" ")[2]] += times
    with_webhooks = _deliveries(local)
    return "\n".join(
        [
            "",
            f"orders            {sum(storm.told.values())}: {dict(storm.told)}",
            f"calls of AWS      {dict(by_kind)}",
            f"webhooks          {with_webhooks}",
            f"clients' retries  {dict(retries)}",
            f"given up          {dict(+before)}, after redrive {dict(+after)}",
            as_table(report),
        ]
    )


def _deliveries(local):
    with urllib.request.urlopen(f"{local.stripe_url}/_emulator/deliveries", timeout=30) as answer:
        return json.load(answer)["counts"]
