"""docs/scaling.md: how many orders per second each part handles, and which quota to raise first.

It is computed from what one order uses (counts.json, counted by the simulator), the quotas of AWS and Stripe
(quotas.py), the settings of template.yaml, and assumed durations.
"""

import textwrap

from infra.markdown import table
from infra.scaling import counts as counted
from infra.scaling import prose, quotas
from infra.scaling.capacity import HOT_ROW, HOT_SKU, Line, function_seconds, lines, seconds_per_run
from infra.scaling.counts import Counts, Lists
from infra.scaling.partitions import EXAMINED, PAGE

WIDTH = 118  # characters per line of the document
FIRST = 8  # lines of advice; the limits after them allow hundreds of orders per second
LONGEST = 6  # functions whose durations are shown


def document() -> str:
    """Return the text of docs/scaling.md."""
    read = counted.read()
    usage = read.order
    found = lines(usage)
    sections = {
        "What to raise first": _advice([line for line in found if line.step][:FIRST]),
        "Every limit": f"{prose.LIMITS}\n\n{_limits(found)}",
        "One product that everybody buys": _hot_sku(found),
        "Lists and searches": _lists(read.lists),
        "What one order uses": _counts(usage),
        "Quotas": _quotas(usage),
        "Assumed durations": _durations(usage),
    }
    return prose.INTRODUCTION + "".join(f"\n## {title}\n\n{text}" for title, text in sections.items())


def _advice(found: list[Line]) -> str:
    items = [
        f"{number}. **{_number(line.orders)} orders per second**: {line.part}. "
        f"With {_number(line.raised or 0)} {line.unit} it allows {_number(line.orders_raised)}: {line.step}."
        for number, line in enumerate(found, 1)
    ]
    return "".join(_wrapped(item, "   ") for item in items)


def _limits(found: list[Line]) -> str:
    rows = [
        (
            line.part,
            f"{_number(line.quota)} {line.unit} / {_number(line.used)}",
            _number(line.orders),
            f"{_number(line.raised)} / {_number(line.used)}" if line.raised else "–",
            _number(line.orders_raised) if line.raised else "–",
            line.excess,
        )
        for line in found
    ]
    return table(["part", "quota / count", "orders/s", "raised / count", "orders/s", "above"], rows)


def _hot_sku(found: list[Line]) -> str:
    by_part = {line.part: line for line in found}
    row, transactions = by_part[HOT_ROW], by_part[HOT_SKU]
    return _wrapped(
        prose.HOT_SKU.format(
            quota=_number(row.quota),
            units=_number(row.used),
            most=_number(row.orders),
            milliseconds=_milliseconds(quotas.TRANSACTION_SECONDS),
            orders=_number(transactions.orders),
        )
    )


def _lists(lists: Lists) -> str:
    quota = quotas.PARTITION_READS.default
    search_units = EXAMINED * lists.row_bytes / quotas.READ_UNIT / 2
    return _wrapped(
        prose.LISTS.format(
            quota=_number(quota),
            page=PAGE,
            bytes=_number(lists.row_bytes),
            units=_number(lists.page_units),
            pages=_number(quota / lists.page_units),
            examined=_number(EXAMINED),
            unit=_number(quotas.READ_UNIT),
            search_units=_number(search_units),
            searches=_number(quota / search_units),
        )
    )


def _counts(usage: Counts) -> str:
    rows = (
        ("API requests", usage.requests),
        ("runs of functions", usage.runs),
        ("calls of DynamoDB", _calls(usage, "dynamodb")),
        ("write units", usage.write_units),
        ("requests to Stripe", usage.stripe),
        ("emails", {"SES": usage.emails}),
        ("KMS requests", _calls(usage, "kms")),
    )
    text = ""
    for name, numbers in rows:
        items = f": {_items(numbers)}" if numbers else ""
        total = sum(numbers.values())
        named = name.removesuffix("s") if total == 1 else name
        text += _wrapped(f"- **{total} {named}**{items}.", "  ")
    signatures = usage.sign_in["kms"]
    quota = quotas.SIGNATURES.default
    sign_in = prose.SIGN_IN.format(
        signatures=signatures, quota=_number(quota), sign_ins=_number(quota / signatures)
    )
    return f"{text}\n{_wrapped(sign_in)}"


def _calls(usage: Counts, service: str) -> dict[str, int]:
    return {name: calls[service] for name, calls in usage.calls.items() if service in calls}


def _quotas(usage: Counts) -> str:
    rows = [
        (
            quota.name,
            f"{_number(quota.default)} {quota.unit}",
            f"{_number(quota.raised)}: {quota.how}" if quota.raised else "fixed",
        )
        for quota in quotas.QUOTAS
    ]
    sources = sorted({(quota.name.partition(":")[0], quota.source) for quota in quotas.QUOTAS})
    notes = (
        prose.SES.format(emails=_number(quotas.EMAILS.default)),
        prose.STRIPE.format(sandbox=quotas.STRIPE_SANDBOX),
        prose.QUEUES.format(published=sum(_calls(usage, "sns").values())),
    )
    return (
        table(["quota", "default", "raised to, as an example"], rows)
        + "\nSources:\n\n"
        + "".join(f"- {name}: <{source}>\n" for name, source in sources)
        + "".join(f"\n{_wrapped(note)}" for note in notes)
    )


def _durations(usage: Counts) -> str:
    runs = {name: seconds_per_run(usage, name) for name in usage.runs}
    longest = sorted(runs, key=lambda name: -runs[name])[:LONGEST]
    return _wrapped(
        prose.DURATIONS.format(
            calls=_all_milliseconds(quotas.SECONDS),
            own=_milliseconds(quotas.OWN_SECONDS),
            others=_all_milliseconds(quotas.OTHER_OWN_SECONDS),
            longest=_all_milliseconds({name: runs[name] for name in longest}),
            total=f"{function_seconds(usage):.1f}",
            units=_number(quotas.PARTITION.default),
        )
    )


def _all_milliseconds(seconds: dict[str, float]) -> str:
    return ", ".join(f"{name} {_milliseconds(each)}" for name, each in seconds.items())


def _milliseconds(seconds: float) -> str:
    return f"{seconds * 1000:.0f}"


def _items(numbers: dict[str, int]) -> str:
    return ", ".join(f"{name} {number}" for name, number in numbers.items())


def _wrapped(text: str, indent: str = "") -> str:
    broken = textwrap.wrap(
        text.strip(), WIDTH, break_long_words=False, break_on_hyphens=False, subsequent_indent=indent
    )
    return "\n".join(broken) + "\n"


def _number(value: float) -> str:
    """Return the number with about three digits: 1,234, 56.7, 8.90, 0.012."""
    digits = 0 if value >= 100 or value == int(value) else 1 if value >= 10 else 2 if value >= 1 else 3
    return f"{value:,.{digits}f}"
