"""Notify's letters against what others say and what Amazon holds: reasons, declines, suppression, time."""

from dataclasses import replace
from typing import Any

from infra.cloudformation import functions, read
from notify import mailer, texter
from notify.domain import letters, orders, payments
from payments.domain import domain_events
from payments.domain.payments import OrderRef, Payment, Replacement
from shared.contracts.events import PaymentData
from shared.values.money import Money
from tests.notify.event_data import AT, order
from tests.support import ROOT

TEMPLATE = read(ROOT / "template.yaml")


def test_a_decline_of_a_payment_that_stands_in_for_another_is_told_after_the_confirmation() -> None:
    opened = Payment(
        "pay_2",
        OrderRef("ord_1", "", "usr_1", "a@b.example"),
        Money(amount=100, currency="GBP"),
        2,
        AT,
        AT,
    )
    confirmed = orders.confirmation(order()).id
    for replaced, is_overtaken in ((None, True), ("pay_1", False)):
        before = replace(opened, replacement=Replacement(replaces=replaced))
        after = replace(before, decline_id="ch_1", reason="generic_decline", version=2)
        (data,) = [
            each.data
            for each in domain_events.derive(before, after)
            if each.event_class.event_type() == "payment.failed"
        ]
        heard = PaymentData.model_validate_json(data.model_dump_json(exclude_none=True))
        assert heard.replaces == replaced
        assert (confirmed in payments.failed(heard, "e").overtaken_by) == is_overtaken


def test_the_list_that_the_account_keeps_holds_bounces_alone() -> None:
    """Who complained still hears of security and staff of disputes: the shop decides, by its own list."""
    kept = read(ROOT / "infra" / "notify.yaml")["Resources"]["MailSet"]["Properties"]
    assert kept["SuppressionOptions"] == {"SuppressedReasons": ["BOUNCE"]}


def longest(client: Any) -> float:
    """Seconds that one call takes at the most where its other side hangs; botocore waits up to one between
    two tries."""
    known = client.meta.config
    tries = known.retries["total_max_attempts"]
    return float(tries * (known.connect_timeout + known.read_timeout) + tries - 1)


def batch(name: str) -> int:
    """How many messages the function takes at once."""
    (source,) = functions(TEMPLATE)[name]["Events"].values()
    return int(source["Properties"]["BatchSize"])


def test_a_batch_ends_within_the_functions_time_where_ses_or_sns_hangs() -> None:
    limit = TEMPLATE["Globals"]["Function"]["Timeout"]
    a_mail = longest(mailer._ses())
    a_text = longest(texter._check()) + longest(texter._sns())
    for name, message in (("NotifyConsumer", max(a_mail, a_text)), ("NotifyFeedback", a_text)):
        assert "Timeout" not in functions(TEMPLATE)[name]
        assert batch(name) * message < limit, name
    assert limit < letters.LEASE.total_seconds()
