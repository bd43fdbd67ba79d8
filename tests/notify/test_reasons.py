"""The sentences for reason codes in every language."""

import json
import re
from functools import cache

import pytest
from jinja2 import nodes

from localstack.mail.samples import samples
from notify.domain import alerts, orders, payments
from notify.domain.languages import LANGUAGES
from notify.domain.messages import Message
from notify.rendering import GENERAL, REASON_TABLES, TEMPLATES, environment, render, render_sms
from payments.domain.reconciliation.differences import Kind
from shared.contracts.reasons import CONFIDENTIAL_DECLINES, CancelReason, RefundReason
from tests.notify import stripe_codes
from tests.notify.event_data import (
    AT,
    cancelled,
    capture_failed,
    declined,
    disputed,
    refund_failed,
    unreconciled,
)
from tests.notify.html_page import Page
from tests.notify.test_rendering import BRAND

CODES: dict[str, set[str]] = {
    "cancellation": set(CancelReason),
    "refund": set(RefundReason),
    "payment": {*stripe_codes.DECLINE_CODES, *stripe_codes.ERROR_CODES},
    "refund_failure": set(stripe_codes.REFUND_FAILURES),
    "dispute": set(stripe_codes.DISPUTE_REASONS),
    "dispute_status": set(stripe_codes.DISPUTE_STATUSES),
    "difference": set(Kind),
}
every_language = pytest.mark.parametrize("language", list(LANGUAGES))
every_table = pytest.mark.parametrize("table", REASON_TABLES)


def sentences(language: str, table: str) -> dict[str, str]:
    return dict(json.loads((TEMPLATES / language / "reasons.json").read_text())[table])


def sentence(language: str, name: str, code: str) -> str:
    return str(environment(language, "text", BRAND).filters[name](code))


@every_language
@every_table
def test_every_code_has_a_sentence_in_every_language(table: str, language: str) -> None:
    found = sentences(language, table)
    assert set(found) == CODES[table] | {GENERAL}
    for text in found.values():
        assert re.fullmatch(r"[A-ZÄÖÜ].+\.", text)


@every_language
@pytest.mark.parametrize("name", [*REASON_TABLES, "decline"])
def test_an_unknown_code_has_the_general_sentence(name: str, language: str) -> None:
    table = "payment" if name == "decline" else name
    assert sentence(language, name, "unknown_code") == sentences(language, table)[GENERAL]


@every_language
@pytest.mark.parametrize("code", sorted(CONFIDENTIAL_DECLINES))
def test_cardholders_do_not_learn_a_confidential_reason(code: str, language: str) -> None:
    confidential, generic = (
        render(payments.failed(declined(reason=reason)), language) for reason in (code, "generic_decline")
    )
    assert confidential == generic
    assert render_sms(payments.failed(declined(reason=code)), language) == render_sms(
        payments.failed(declined(reason="generic_decline")), language
    )


@every_language
@pytest.mark.parametrize("code", sorted(CODES["payment"] - CONFIDENTIAL_DECLINES))
def test_cardholders_learn_any_other_reason(code: str, language: str) -> None:
    email = render(payments.failed(declined(reason=code)), language)
    assert sentences(language, "payment")[code] in " ".join(email.text.split())


@every_language
@pytest.mark.parametrize("code", sorted(CONFIDENTIAL_DECLINES))
def test_staff_learn_a_confidential_reason(code: str, language: str) -> None:
    email = render(alerts.capture_failed(capture_failed(reason=code)), language)
    assert sentences(language, "payment")[code] in " ".join(email.text.split())


def messages_with_each_reason() -> list[Message]:
    messages = [
        *(orders.cancelled(cancelled(reason=code)) for code in [*CancelReason, "unknown"]),
        *(payments.failed(declined(reason=code)) for code in [*CODES["payment"], "unknown"]),
        *(alerts.capture_failed(capture_failed(reason=code)) for code in [*CODES["payment"], "unknown"]),
        *(alerts.refund_failed(refund_failed(reason=code)) for code in [*CODES["refund_failure"], "unknown"]),
        *(alerts.dispute(disputed("lost", reason=code), AT) for code in [*CODES["dispute"], "unknown"]),
        *(alerts.unreconciled(unreconciled(kind=code)) for code in [*CODES["difference"], "unknown"]),
    ]
    return [message for message in messages if message]


@cache
def english_sentences() -> set[str]:
    """Return the fixed texts of the English templates that have three words or more."""
    found = {text.rstrip(".") for table in REASON_TABLES for text in sentences("en", table).values()}
    for path in (TEMPLATES / "en").glob("*.j2"):
        tree = environment("en", "text", BRAND).parse(path.read_text())
        texts = [node.data for node in tree.find_all(nodes.TemplateData)]
        texts += [str(node.value) for node in tree.find_all(nodes.Const)]
        for text in texts:
            found |= {" ".join(part.split()) for part in re.split(r"[.:?!,\n]", text)}
    return {text for text in found if len(text.split()) >= 3}


def test_german_messages_contain_no_english_sentence() -> None:
    assert len(english_sentences()) > 100
    for message in [*(sample.message for sample in samples()), *messages_with_each_reason()]:
        email = render(message, "de")
        for body in (email.subject, email.text, Page(email.html).text, render_sms(message, "de") or ""):
            text = " ".join(body.split())
            assert not [english for english in english_sentences() if english in text]


def test_german_sentences_differ_from_the_english_ones() -> None:
    for table in REASON_TABLES:
        assert not set(sentences("en", table).values()) & set(sentences("de", table).values())
