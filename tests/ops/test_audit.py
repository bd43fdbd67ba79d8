"""A shop at rest passes; each thing that is not so is found by the check for it, and by no other."""

import json
import sys
from datetime import timedelta

import boto3
import pytest

from ops import audit
from ops.checks import CHECKS
from ops.checks.tally import Tally
from ops.records import SAID
from orders.domain.timeline import PUBLISHED
from orders.relay import EVENTS as EVENTS_OF_ORDERS
from tests.ops.tampering import TAMPERED
from tests.support import REGION, STAGE


def test_a_shop_where_all_is_well_passes(shop):
    report = shop.audit()
    assert shop.differing() == {}
    assert not [name for name, tally in report.items() if not tally.looked]


@pytest.mark.parametrize("name", TAMPERED)
def test_what_is_not_so_is_found_by_the_check_for_it_alone(shop, name):
    expected, tamper = TAMPERED[name]
    subject = tamper(shop)
    found = shop.differing()
    assert list(found) == [expected], found
    assert [subject] == found[expected]


def test_no_check_is_without_a_way_to_fail():
    assert {check.name for check in CHECKS} == {expected for expected, _ in TAMPERED.values()}


def test_a_mail_that_went_out_twice_is_named_and_allowed(shop):
    twin = next(iter(shop.books().mail.values()))
    report = shop.audit(mail={"another id": twin})
    assert audit.is_clean(report)
    assert any("went out twice" in note for note in report["the mailbox"].notes)


def test_where_nobody_sees_the_mailbox_what_is_noted_is_believed(shop):
    tally = audit.audit(shop.stage, now=shop.simulator.now)["the mailbox"]
    assert (tally.looked, len(tally.notes)) == (0, 1)


def test_what_is_young_may_be_under_way(shop):
    for row in shop.rows("notifications"):
        shop.delete("notifications", row)
    assert "letters" in shop.differing()
    young = audit.audit(shop.stage, patience=timedelta(days=1), now=shop.simulator.now)
    assert not young["letters"].differences


def test_what_differs_once_and_not_again_was_under_way():
    first, second = Tally(), Tally()
    first.look("early", "is not there")
    for subject in ("early", "late"):
        second.look(subject, "is not there")
    report = audit.confirmed({"a check": first}, {"a check": second})
    assert [each.subject for each in report["a check"].differences] == ["early"]


def test_the_table_says_what_to_do_next_and_how_many_more(shop):
    for row in shop.rows("notifications"):
        shop.delete("notifications", row)
    report = shop.audit()
    told = audit.as_table(report)
    assert "→ Redrive the notify queue" in told
    more = len(report["letters"].differences) - audit.SHOWN
    assert f"… and {more} more" in told
    assert told.endswith("The audit found differences.")
    said = json.loads(audit.as_json(report))
    assert (said["clean"], len(said["checks"])) == (False, len(CHECKS))
    assert len(said["checks"]["letters"]["differences"]) == audit.SHOWN + more


def test_tables_are_read_to_their_last_page(shop):
    table = boto3.resource("dynamodb", region_name=REGION).Table(f"tillstack-{STAGE}-notifications")
    before = len(shop.rows("notifications"))
    for n in range(3):  # a page of a Scan is a megabyte
        table.put_item(Item={"pk": f"large {n}", "filling": "x" * 390_000})
    assert len(shop.rows("notifications")) == before + 3


def test_what_the_audit_takes_for_said_is_what_orders_says():
    assert {kind.value: event.event_type() for kind, (event, _) in EVENTS_OF_ORDERS.items()} == SAID
    assert {kind.value for kind in PUBLISHED} == set(SAID)


def _exit_code(monkeypatch, shop, *options):
    monkeypatch.setattr(sys, "argv", ["audit", "--stage", STAGE, "--minutes", "0", *options])
    monkeypatch.setattr(audit, "chosen", lambda options: shop.stage)
    with pytest.raises(SystemExit) as end:
        audit.main()
    return end.value.code


def test_the_exit_code_says_whether_all_agrees(shop, monkeypatch, capsys):
    """Of the machine's own time: in the house's, nothing is late."""
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


def test_a_local_cloud_that_is_not_up_is_said_so(monkeypatch):
    monkeypatch.setattr(sys, "argv", ["audit", "--name", "nosuch"])
    with pytest.raises(SystemExit, match="'nosuch' is not up"):
        audit.main()
