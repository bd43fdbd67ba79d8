"""Notify's letters against what others say and what Amazon holds: reasons, declines, suppression, time."""

import ast
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from infra.cloudformation import functions, read
from notify import mailer, texter
from notify.domain import letters, orders, payments
from notify.domain.languages import LANGUAGES
from notify.rendering import pages
from payments.domain import telling
from payments.domain.payments import Payment
from shared.contracts.events import PaymentData
from shared.values.money import Money
from tests.notify.event_data import AT, order
from tests.notify.test_rendering import BRAND
from tests.support import ROOT

TEMPLATE = read(ROOT / "template.yaml")
# Of these no letter gives a reason: one that was refused was never placed, and an expiry is its own.
UNTOLD = {"refused", "not paid in time"}


def reasons_of_orders() -> set[str]:
    """Every sentence that orders gives an order as its `reason`, found in its rules."""
    found: set[str] = set()
    for path in sorted((ROOT / "functions" / "orders" / "domain").glob("*.py")):
        tree = ast.parse(path.read_text())
        for scope in tree.body:
            found |= {said for given in _given(scope) for said in _sentences(given, (scope, tree), path.name)}
    return found


def _given(scope: ast.stmt) -> Iterator[ast.expr]:
    """What an order gets as its reason: by name, or among changes."""
    for node in ast.walk(scope):
        if isinstance(node, ast.Call) and getattr(node.func, "attr", "") in {"moved", "changed", "replace"}:
            yield from (word.value for word in node.keywords if word.arg == "reason")
        if isinstance(node, ast.Dict):
            keys = [key.value if isinstance(key, ast.Constant) else None for key in node.keys]
            yield from (value for key, value in zip(keys, node.values, strict=True) if key == "reason")
        if isinstance(node, ast.Assign) and any(map(_is_reason, node.targets)):
            yield node.value


def _is_reason(target: ast.expr) -> bool:
    """Whether it is `changes["reason"]`."""
    return (
        isinstance(target, ast.Subscript)
        and isinstance(target.slice, ast.Constant)
        and target.slice.value == "reason"
    )


def _sentences(given: ast.expr, scopes: tuple[ast.AST, ...], where: str) -> set[str]:
    """The sentences that an expression can be; one that is not fixed cannot be told in any language."""
    if isinstance(given, ast.Constant):
        return {str(given.value)}
    if isinstance(given, ast.IfExp):
        return _sentences(given.body, scopes, where) | _sentences(given.orelse, scopes, where)
    if isinstance(given, ast.Name):
        for scope in scopes:
            values = [
                node.value
                for node in ast.walk(scope)
                if isinstance(node, ast.Assign)
                and any(isinstance(name, ast.Name) and name.id == given.id for name in node.targets)
            ]
            if values:
                return set().union(*(_sentences(value, scopes, where) for value in values))
    raise AssertionError(f"{where}:{given.lineno}: this reason is not a fixed sentence")


def test_the_reasons_of_orders_are_found() -> None:
    found = reasons_of_orders()
    assert found >= UNTOLD | {"cancelled by the customer", "the hold on the card ended before it was shipped"}


@pytest.mark.parametrize("language", list(LANGUAGES))
def test_every_reason_of_orders_has_words_in_every_language(language: str) -> None:
    words: Any = pages(language, "text", BRAND).globals["words"]
    assert set(words.reasons) == reasons_of_orders() - UNTOLD


def test_a_decline_of_a_payment_that_stands_in_for_another_is_told_after_the_confirmation() -> None:
    opened = Payment("pay_2", "ord_1", "usr_1", "a@b.example", Money(amount=100, currency="GBP"), 2, AT, AT)
    confirmed = orders.confirmation(order()).id
    for replaced, is_overtaken in ((None, True), ("pay_1", False)):
        before = replace(opened, replaces=replaced)
        after = replace(before, decline_id="ch_1", reason="Your card was declined.", version=2)
        (data,) = [
            data for kind, _, data in telling.told(before, after) if kind.event_type() == "payment.failed"
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
