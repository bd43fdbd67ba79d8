"""Rules for addresses, limits, preferences and the order of statuses."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from notify.domain.addresses import e164, recipient_key
from notify.domain.limits import daily, hourly
from notify.domain.messages import Category
from notify.domain.outcomes import Cause, Status, advances
from notify.domain.recipients import Block, Choice, Preferences, Recipient, sms_number, suppression_reason
from notify.domain.sms import sms_segments

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
BEFORE, AFTER = NOON - timedelta(seconds=1), NOON + timedelta(seconds=1)
EVERYTHING = Preferences(Choice(True, True), Choice(True, True))
NOTHING = Preferences(Choice(False, False), Choice(False, False))


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("+44 7700 900123", "+447700900123"),
        ("+44 (0)20 7946-0018", "+442079460018"),
        ("0044 20 7946 0018", "+442079460018"),
        ("+49.30/901820", "+4930901820"),
        ("07700 900123", None),
        ("7700900123", None),
        ("+0 7700 900123", None),
        ("+44", None),
        ("+1234567890123456", None),
        ("+44 7700 900123 ext 4", None),
        ("+44770090012٣", None),
        ("", None),
    ],
)
def test_a_number_without_a_country_code_is_rejected(text: str, number: str | None) -> None:
    assert e164(text) == number


@given(st.text("+0123456789 ()-./\n", max_size=30))
def test_a_normalized_number_consists_of_a_plus_and_digits(text: str) -> None:
    number = e164(text)
    assert number is None or (number[0] == "+" and number[1:].isdecimal() and 7 <= len(number) - 1 <= 15)
    assert number is None or e164(number) == number


@given(st.text(max_size=300))
@example("")
@example("a@b.example")
def test_any_text_has_a_recipient_key(text: str) -> None:
    assert 1 <= len(recipient_key(text).encode()) <= 1024
    assert recipient_key(recipient_key(text)) == recipient_key(text)


def test_look_alike_addresses_have_different_keys() -> None:
    real, alike = "ada@example.com", "ada@exаmple.com"  # the second а is Cyrillic
    assert recipient_key(real) != recipient_key(alike)
    assert recipient_key(alike).startswith("ada@xn--")
    assert recipient_key("ADA@Example.COM") == recipient_key(real)


@pytest.mark.parametrize(
    ("text", "count"),
    [
        *(("x" * 160, 1), ("x" * 161, 2), ("x" * 306, 2), ("x" * 307, 3), ("€" * 80, 1), ("€" * 81, 2)),
        *(("ж" * 70, 1), ("ж" * 71, 2), ("ж" * 134, 2), ("ж" * 135, 3), ("😀" * 35, 1), ("😀" * 36, 2)),
    ],
)
def test_the_segments_of_a_text_message_are_counted(text: str, count: int) -> None:
    assert sms_segments(text) == count


@pytest.mark.parametrize("category", Category)
def test_nothing_is_sent_to_an_address_that_bounced(category: Category) -> None:
    suppressed = suppression_reason(category, Recipient(True, None, EVERYTHING, {Block.BOUNCE: NOON}))
    assert suppressed and suppressed.cause is Cause.BOUNCE


@pytest.mark.parametrize("has_account", [True, False])
def test_after_a_complaint_only_security_and_internal_messages_are_sent(has_account: bool) -> None:
    complained = Recipient(has_account, None, EVERYTHING, {Block.COMPLAINT: NOON})
    allowed = {category for category in Category if suppression_reason(category, complained) is None}
    assert allowed == {Category.SECURITY, Category.INTERNAL}


def test_security_cannot_be_turned_off() -> None:
    allowed = {
        category
        for category in Category
        if suppression_reason(category, Recipient(True, None, NOTHING)) is None
    }
    assert allowed == {Category.SECURITY, Category.SERVICE, Category.INTERNAL}


def test_marketing_needs_the_consent_of_an_account_or_an_unblocked_address() -> None:
    marketing = Category.MARKETING
    assert suppression_reason(marketing, Recipient(has_account=True)) is not None
    assert suppression_reason(marketing, Recipient(has_account=True, preferences=EVERYTHING)) is None
    assert suppression_reason(marketing, Recipient(has_account=False)) is None
    assert (
        suppression_reason(marketing, Recipient(has_account=False, blocks={Block.MARKETING: NOON}))
        is not None
    )


@pytest.mark.parametrize(("since", "is_sent"), [(None, False), (BEFORE, False), (NOON, False), (AFTER, True)])
def test_the_later_of_consent_and_unsubscription_applies(since: datetime | None, is_sent: bool) -> None:
    recipient = Recipient(True, None, replace(EVERYTHING, marketing_since=since), {Block.MARKETING: NOON})
    assert (suppression_reason(Category.MARKETING, recipient) is None) == is_sent


def test_preferences_store_when_marketing_was_turned_on() -> None:
    on, off = Choice(orders=True, marketing=True), Choice(orders=True, marketing=False)
    first = Preferences().changed(on, off, None, BEFORE)
    assert (first.marketing_since, first.version) == (BEFORE, 1)
    second = first.changed(on, on, "de", NOON)
    assert (second.marketing_since, second.version, second.language) == (BEFORE, 2, "de")
    ended = second.changed(off, on, None, NOON)
    assert ended.marketing_since is None
    assert ended.changed(on, on, None, AFTER).marketing_since == AFTER


def test_text_messages_are_sent_to_recipients_who_opted_in() -> None:
    assert sms_number(Category.ORDERS, Recipient(True, "+447700900123")) is None
    opted_in = Recipient(True, "+447700900123", EVERYTHING)
    allowed = {category for category in Category if sms_number(category, opted_in)}
    assert allowed == {Category.ORDERS, Category.SECURITY, Category.MARKETING}
    assert sms_number(Category.ORDERS, Recipient(True, None, EVERYTHING)) is None


@given(st.lists(st.sampled_from([Status.DELIVERED, Status.BOUNCED, Status.COMPLAINED]), max_size=8))
def test_feedback_only_advances_a_status(reported: list[Status]) -> None:
    status = Status.SENT
    for report in reported:
        status = report if advances(status, None, report) else status
    assert status == max([Status.SENT, *reported], key=list(Status).index)


@given(st.permutations(["soft", "hard", "delivered", "soft"]), st.integers(1, 4))
def test_a_soft_bounce_ranks_below_a_delivery_and_a_hard_bounce_above_it(
    order: list[str], count: int
) -> None:
    ranks = {
        "sent": (Status.SENT, None),
        "soft": (Status.BOUNCED, Cause.SOFT_BOUNCE),
        "delivered": (Status.DELIVERED, None),
        "hard": (Status.BOUNCED, Cause.BOUNCE),
    }
    current = "sent"
    for report in order[:count]:
        current = report if advances(*ranks[current], ranks[report][0], is_soft=report == "soft") else current
    assert current == max(["sent", *order[:count]], key=list(ranks).index)


@pytest.mark.parametrize("before", [Status.SUPPRESSED, Status.FAILED])
@pytest.mark.parametrize("reported", [Status.DELIVERED, Status.BOUNCED, Status.COMPLAINED])
def test_unsent_notifications_ignore_feedback_unless_interrupted(before: Status, reported: Status) -> None:
    assert not advances(before, Cause.REJECTED, reported)
    assert advances(Status.FAILED, Cause.INTERRUPTED, reported)


@given(st.datetimes(datetime(2026, 1, 1), datetime(2027, 1, 1), timezones=st.just(UTC)))
def test_a_limit_ends_with_its_hour_or_day(now: datetime) -> None:
    hour, day = hourly("a", 1, now), daily("a", 1, now)
    assert now < hour.ends_at <= now + timedelta(hours=1)
    assert now < day.ends_at <= now + timedelta(days=1)
    assert hourly("a", 1, hour.ends_at).counter != hour.counter
    assert daily("a", 1, day.ends_at).counter != day.counter
