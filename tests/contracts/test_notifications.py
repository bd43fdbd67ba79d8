"""Notifications against the contracts of payments, SES's suppression list and the functions' time limits."""

import json
from dataclasses import replace
from typing import Any
from unittest.mock import ANY

from infra.cloudformation import functions, read
from notify import mailer, sms_client
from notify.domain import messages, orders, payments
from notify.domain.outcomes import UNDELIVERED
from payments.domain import domain_events
from payments.domain.payments import OrderRef, Payment, Replacement
from shared.contracts.events.payments import PaymentFailed
from shared.values.money import Money
from tests.notify.event_data import AT, event, paid
from tests.support import ROOT

TEMPLATE = read(ROOT / "template.yaml")


def test_a_decline_of_a_replacement_payment_is_sent_after_the_confirmation() -> None:
    opened = Payment(
        "pay_2",
        OrderRef("ord_1", "", "usr_1", "a@b.example"),
        Money(amount=100, currency="GBP"),
        2,
        AT,
        AT,
    )
    confirmation = orders.confirmation(paid()).id
    for replaced, is_superseded in ((None, True), ("pay_1", False)):
        before = replace(opened, replacement=Replacement(replaces=replaced))
        after = replace(before, decline_id="ch_1", reason="generic_decline", version=2)
        (data,) = [
            each.data
            for each in domain_events.derive(before, after)
            if each.event_class.event_type() == "payment.failed"
        ]
        published = event(PaymentFailed, data, "pay_2", 2).model_dump_json(exclude_none=True)
        received = PaymentFailed.model_validate_json(published)
        assert received.data.replaces == replaced
        assert (confirmation in payments.failed(received).superseded_by) == is_superseded


def test_the_suppression_list_of_the_account_holds_bounces_only() -> None:
    """After a complaint, security messages and alerts to staff are still sent, by the shop's own blocks."""
    properties = read(ROOT / "infra" / "notify.yaml")["Resources"]["ConfigurationSet"]["Properties"]
    assert properties["SuppressionOptions"] == {"SuppressedReasons": ["BOUNCE"]}


def test_the_relay_of_notify_runs_for_undelivered_notifications_only() -> None:
    (source,) = functions(TEMPLATE)["NotifyRelay"]["Events"].values()
    (condition,) = source["Properties"]["FilterCriteria"]["Filters"]
    pattern = json.loads(condition["Pattern"])["dynamodb"]
    assert pattern["NewImage"] == {"cause": {"S": ANY}}
    assert set(pattern["NewImage"]["cause"]["S"]) == UNDELIVERED


def test_the_concurrency_of_emails_is_a_parameter() -> None:
    (source,) = functions(TEMPLATE)["NotifyConsumer"]["Events"].values()
    assert source["Properties"]["ScalingConfig"] == {"MaximumConcurrency": {"Ref": "EmailConcurrency"}}


def max_seconds(client: Any) -> float:
    """Return how long one call may take if the other side hangs; botocore waits up to one second between
    two tries."""
    config = client.meta.config
    tries = config.retries["total_max_attempts"]
    return float(tries * (config.connect_timeout + config.read_timeout) + tries - 1)


def batch_size(name: str) -> int:
    (source,) = functions(TEMPLATE)[name]["Events"].values()
    return int(source["Properties"]["BatchSize"])


def test_a_batch_ends_within_the_functions_timeout_if_ses_or_sns_hangs() -> None:
    timeout = TEMPLATE["Globals"]["Function"]["Timeout"]
    email = max_seconds(mailer._ses())
    sms = max_seconds(sms_client._opt_out_client()) + max_seconds(sms_client._sns())
    for name, message in (("NotifyConsumer", max(email, sms)), ("NotifyFeedback", sms)):
        assert "Timeout" not in functions(TEMPLATE)[name]
        assert batch_size(name) * message < timeout, name
    assert timeout < messages.LEASE.total_seconds()
