"""The audit: a consistent shop passes, and each inconsistency is found by exactly one check."""

import json
import sys
from datetime import timedelta

import boto3
import pytest

from ops import audit
from ops.checks import CHECKS
from ops.checks.results import CheckResult
from ops.records import EVENTS
from orders.domain.timeline import PUBLISHED
from orders.relay import EVENTS as EVENTS_OF_ORDERS
from tests.ops.tampering import TAMPERED
from tests.support import REGION, STAGE


def test_a_consistent_shop_passes(shop):
    report = shop.audit()
    assert shop.differing() == {}
    assert not [name for name, result in report.items() if not result.checked]


@pytest.mark.parametrize("name", TAMPERED)
def test_each_inconsistency_is_found_by_one_check(shop, name):
    expected, tamper = TAMPERED[name]
    subject = tamper(shop)
    found = shop.differing()
    assert list(found) == [expected], found
    assert [subject] == found[expected]


def test_each_check_has_an_inconsistency():
    assert {check.name for check in CHECKS} == {expected for expected, _ in TAMPERED.values()}


def test_an_email_sent_twice_is_a_note_not_a_difference(shop):
    duplicate = next(iter(shop.snapshot().emails.values()))
    report = shop.audit(emails={"another id": duplicate})
    assert audit.is_clean(report)
    assert any("sent twice" in note for note in report["sent emails are in the mailbox"].notes)


def test_without_a_mailbox_sent_emails_are_not_checked(shop):
    result = audit.audit(shop.stage, now=shop.simulator.now)["sent emails are in the mailbox"]
    assert (result.checked, len(result.notes)) == (0, 1)


def test_changes_within_the_grace_period_are_ignored(shop):
    for row in shop.rows("notifications"):
        shop.delete("notifications", row)
    assert "events have notifications" in shop.differing()
    recent = audit.audit(shop.stage, grace_period=timedelta(days=1), now=shop.simulator.now)
    assert not recent["events have notifications"].differences


def test_only_differences_found_twice_are_confirmed():
    first, second = CheckResult(), CheckResult()
    first.add("early", "is not there")
    for subject in ("early", "late"):
        second.add(subject, "is not there")
    report = audit.confirmed({"a check": first}, {"a check": second})
    assert [each.subject for each in report["a check"].differences] == ["early"]


def test_the_table_shows_the_next_step_and_the_number_of_hidden_differences(shop):
    for row in shop.rows("notifications"):
        shop.delete("notifications", row)
    report = shop.audit()
    table = audit.as_table(report)
    assert "→ Redrive the notify queue" in table
    more = len(report["events have notifications"].differences) - audit.MAX_SHOWN
    assert f"… and {more} more" in table
    assert table.endswith("The audit found differences.")
    parsed = json.loads(audit.as_json(report))
    assert (parsed["clean"], len(parsed["checks"])) == (False, len(CHECKS))
    assert len(parsed["checks"]["events have notifications"]["differences"]) == audit.MAX_SHOWN + more


def test_tables_are_read_to_their_last_page(shop):
    table = boto3.resource("dynamodb", region_name=REGION).Table(f"tillstack-{STAGE}-notifications")
    before = len(shop.rows("notifications"))
    for n in range(3):  # a page of a Scan is at most 1 MB
        table.put_item(Item={"pk": f"large {n}", "filling": "x" * 390_000})
    assert len(shop.rows("notifications")) == before + 3


def test_the_audits_events_are_those_that_orders_publishes():
    assert {kind.value: event.event_type() for kind, (event, _) in EVENTS_OF_ORDERS.items()} == EVENTS
    assert {kind.value for kind in PUBLISHED} == set(EVENTS)


def _exit_code(monkeypatch, shop, *options):
    monkeypatch.setattr(sys, "argv", ["audit", "--stage", STAGE, "--minutes", "0", *options])
    monkeypatch.setattr(audit, "stage_from_options", lambda options: shop.stage)
    with pytest.raises(SystemExit) as end:
        audit.main()
    return end.value.code


def test_the_exit_code_is_zero_only_if_the_audit_is_clean(shop, monkeypatch, capsys):
    """The audit uses the machine's time here, so the order that awaits payment is overdue and is removed."""
    shop.delete("orders", shop.row("orders", order_id=shop.orders["waiting"]))
    for row in [r for r in shop.rows("catalog") if r["pk"].endswith(shop.orders["waiting"])]:
        shop.delete("catalog", row)
    variant = shop.row("catalog", sku="B")
    shop.put("catalog", variant | {"reserved": 0})
    assert _exit_code(monkeypatch, shop) == 0, capsys.readouterr().out
    assert "The audit is clean." in capsys.readouterr().out
    shop.put("catalog", variant | {"reserved": 7})
    assert _exit_code(monkeypatch, shop, "--json") == 1
    assert json.loads(capsys.readouterr().out)["clean"] is False


def test_a_local_cloud_that_is_not_up_is_reported(monkeypatch):
    monkeypatch.setattr(sys, "argv", ["audit", "--name", "nosuch"])
    with pytest.raises(SystemExit, match="'nosuch' is not up"):
        audit.main()
