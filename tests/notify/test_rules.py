"""Where things may go, how often, and what is further than what: plain values."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from notify.domain.addresses import e164, recipient_of
from notify.domain.letters import Category
from notify.domain.limits import daily, hourly
from notify.domain.outcomes import Cause, Status, moves_on
from notify.domain.parts import parts
from notify.domain.readers import Block, Choice, Preferences, Reader, number_for, objection

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
BEFORE, AFTER = NOON - timedelta(seconds=1), NOON + timedelta(seconds=1)
EVERYTHING = Preferences(Choice(True, True), Choice(True, True))
NOTHING = Preferences(Choice(False, False), Choice(False, False))


@pytest.mark.parametrize(
    ("written", "number"),
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
def test_a_number_has_its_country_or_is_none(written: str, number: str | None) -> None:
    assert e164(written) == number


@given(st.text("+0123456789 ()-./\n", max_size=30))
def test_a_number_is_plus_and_digits(written: str) -> None:
    number = e164(written)
    assert number is None or (number[0] == "+" and number[1:].isdecimal() and 7 <= len(number) - 1 <= 15)
    assert number is None or e164(number) == number


@given(st.text(max_size=300))
@example("")
@example("a@b.example")
def test_a_recipient_is_always_a_key(written: str) -> None:
    assert 1 <= len(recipient_of(written).encode()) <= 1024
    assert recipient_of(recipient_of(written)) == recipient_of(written)


def test_look_alike_addresses_are_of_two_recipients() -> None:
    real, alike = "ada@example.com", "ada@exаmple.com"  # the second а is Cyrillic
    assert recipient_of(real) != recipient_of(alike)
    assert recipient_of(alike).startswith("ada@xn--")
    assert recipient_of("ADA@Example.COM") == recipient_of(real)


@pytest.mark.parametrize(
    ("text", "count"),
    [
        *(("x" * 160, 1), ("x" * 161, 2), ("x" * 306, 2), ("x" * 307, 3), ("€" * 80, 1), ("€" * 81, 2)),
        *(("ж" * 70, 1), ("ж" * 71, 2), ("ж" * 134, 2), ("ж" * 135, 3), ("😀" * 35, 1), ("😀" * 36, 2)),
    ],
)
def test_a_text_message_is_counted_as_networks_do(text: str, count: int) -> None:
    assert parts(text) == count


@pytest.mark.parametrize("category", Category)
def test_to_an_address_that_is_none_nothing_goes(category: Category) -> None:
    refusal = objection(category, Reader(True, None, EVERYTHING, {Block.BOUNCE: NOON}))
    assert refusal and refusal.cause is Cause.BOUNCE


@pytest.mark.parametrize("known", [True, False])
def test_who_complained_hears_of_security_alone(known: bool) -> None:
    complained = Reader(known, None, EVERYTHING, {Block.COMPLAINT: NOON})
    told = {category for category in Category if objection(category, complained) is None}
    assert told == {Category.SECURITY, Category.INTERNAL}


def test_security_cannot_be_switched_off() -> None:
    told = {category for category in Category if objection(category, Reader(True, None, NOTHING)) is None}
    assert told == {Category.SECURITY, Category.SERVICE, Category.INTERNAL}


def test_offers_need_a_yes_from_accounts_and_no_no_from_others() -> None:
    marketing = Category.MARKETING
    assert objection(marketing, Reader(known=True)) is not None
    assert objection(marketing, Reader(known=True, preferences=EVERYTHING)) is None
    assert objection(marketing, Reader(known=False)) is None
    assert objection(marketing, Reader(known=False, blocks={Block.MARKETING: NOON})) is not None


@pytest.mark.parametrize(
    ("asked_at", "is_told"), [(None, False), (BEFORE, False), (NOON, False), (AFTER, True)]
)
def test_of_a_yes_and_a_no_to_offers_the_later_counts(asked_at: datetime | None, is_told: bool) -> None:
    reader = Reader(True, None, replace(EVERYTHING, offers_since=asked_at), {Block.MARKETING: NOON})
    assert (objection(Category.MARKETING, reader) is None) == is_told


def test_a_choice_remembers_since_when_offers_are_wanted() -> None:
    yes, no = Choice(orders=True, marketing=True), Choice(orders=True, marketing=False)
    first = Preferences().changed(yes, no, None, BEFORE)
    assert (first.offers_since, first.version) == (BEFORE, 1)
    same = first.changed(yes, yes, "de", NOON)
    assert (same.offers_since, same.version, same.language) == (BEFORE, 2, "de")
    ended = same.changed(no, yes, None, NOON)
    assert ended.offers_since is None
    assert ended.changed(yes, yes, None, AFTER).offers_since == AFTER


def test_texts_go_to_those_who_asked_for_them() -> None:
    assert number_for(Category.ORDERS, Reader(True, "+447700900123")) is None
    asked = Reader(True, "+447700900123", EVERYTHING)
    told = {category for category in Category if number_for(category, asked)}
    assert told == {Category.ORDERS, Category.SECURITY, Category.MARKETING}
    assert number_for(Category.ORDERS, Reader(True, None, EVERYTHING)) is None


@given(st.lists(st.sampled_from([Status.DELIVERED, Status.BOUNCED, Status.COMPLAINED]), max_size=8))
def test_feedback_never_leads_back(heard: list[Status]) -> None:
    status = Status.SENT
    for said in heard:
        status = said if moves_on(status, None, said) else status
    assert status == max([Status.SENT, *heard], key=list(Status).index)


@given(st.permutations(["soft", "hard", "delivered", "soft"]), st.integers(1, 4))
def test_a_soft_bounce_ranks_below_a_delivery_and_that_below_a_hard_one(order: list[str], count: int) -> None:
    ranks = {
        "sent": (Status.SENT, None),
        "soft": (Status.BOUNCED, Cause.SOFT_BOUNCE),
        "delivered": (Status.DELIVERED, None),
        "hard": (Status.BOUNCED, Cause.BOUNCE),
    }
    known = "sent"
    for heard in order[:count]:
        known = heard if moves_on(*ranks[known], ranks[heard][0], is_soft=heard == "soft") else known
    assert known == max(["sent", *order[:count]], key=list(ranks).index)


@pytest.mark.parametrize("before", [Status.SUPPRESSED, Status.FAILED])
@pytest.mark.parametrize("heard", [Status.DELIVERED, Status.BOUNCED, Status.COMPLAINED])
def test_what_was_not_sent_hears_nothing_unless_its_sender_died(before: Status, heard: Status) -> None:
    assert not moves_on(before, Cause.REFUSED, heard)
    assert moves_on(Status.FAILED, Cause.DIED, heard)


@given(st.datetimes(datetime(2026, 1, 1), datetime(2027, 1, 1), timezones=st.just(UTC)))
def test_a_limit_ends_with_its_hour_or_day(now: datetime) -> None:
    hour, day = hourly("a", 1, now), daily("a", 1, now)
    assert now < hour.ends_at <= now + timedelta(hours=1)
    assert now < day.ends_at <= now + timedelta(days=1)
    assert hourly("a", 1, hour.ends_at).counter != hour.counter
    assert daily("a", 1, day.ends_at).counter != day.counter
