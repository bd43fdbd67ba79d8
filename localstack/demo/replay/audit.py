"""The audit of a replay: every expected figure next to the figure found."""

import time
from collections import Counter
from collections.abc import Sequence
from typing import Any

from localstack.demo.replay import evidence
from localstack.demo.replay.returns import SaleReturn
from localstack.demo.replay.sales_replay import SalesReplay

Figure = tuple[str, int, int]
GRACE_SECONDS = 2  # to wait for an email too many


def audit(sales_run: SalesReplay, returns: Sequence[SaleReturn], before: dict[str, Any]) -> bool:
    """Print the expected and found figures, and return whether all agree."""
    invoiced = evidence.wait_for(
        lambda: evidence.orders_of(sales_run), lambda found: all(o["invoice_number"] for o in found.values())
    )
    figures = [
        *_orders(sales_run, returns, invoiced),
        *_money(sales_run, returns, invoiced),
        *_goods(sales_run, returns, before),
        *_invoices(sales_run, invoiced),
        *_emails(sales_run, returns),
    ]
    print(f"\n{'audit':<48}{'expected':>12}{'found':>12}")
    for name, expected, found in figures:
        print(f"{name:<48}{expected:>12,}{found:>12,}   {'ok' if expected == found else 'WRONG'}")
    clean = all(expected == found for _, expected, found in figures)
    print("\nThe audit is clean." if clean else "\nThe audit found differences.")
    return clean


def _orders(sales_run: SalesReplay, returns: Sequence[SaleReturn], orders: dict[str, Any]) -> list[Figure]:
    delivered = {sale_return.sale.invoice for sale_return in returns}
    statuses = Counter(order["status"] for order in orders.values())
    returned = sum(sum(sale_return.pieces.values()) for sale_return in returns)
    found = sum(line["returned"] for order in orders.values() for line in order["lines"])
    received = [
        return_ for o in orders.values() for return_ in o["returns"] if return_["status"] == "received"
    ]
    return [
        ("orders", len(sales_run.sales), len(orders)),
        ("paid orders", len(sales_run.sales) - len(delivered), statuses["paid"]),
        ("delivered orders", len(delivered), statuses["delivered"]),
        ("received returns", len(returns), len(received)),
        ("pieces returned, in orders", returned, found),
    ]


def _money(sales_run: SalesReplay, returns: Sequence[SaleReturn], orders: dict[str, Any]) -> list[Figure]:
    """Return the amounts in pence, at Stripe and in the orders."""
    sold, returned = (
        sum(sale.total for sale in sales_run.sales),
        sum(sale_return.pence for sale_return in returns),
    )
    intents = {
        intent["id"]: intent
        for intent in evidence.at_stripe(sales_run.cloud, "payment_intents")
        if intent["metadata"].get("order_id") in orders
    }
    captured: Counter[str] = Counter()
    refunded: Counter[str] = Counter()
    for intent in intents.values():
        captured[intent["metadata"]["order_id"]] += intent["amount_received"]
    refunds = [r for r in evidence.at_stripe(sales_run.cloud, "refunds") if r["payment_intent"] in intents]
    for refund in refunds:
        refunded[intents[refund["payment_intent"]]["metadata"]["order_id"]] += refund["amount"]
    succeeded = sum(intent["status"] == "succeeded" for intent in intents.values())
    agree = sum(
        (order["total"]["amount"], order["refunded"]["amount"]) == (captured[key], refunded[key])
        for key, order in orders.items()
    )
    return [
        ("sum of the orders' totals, pence", sold, sum(o["total"]["amount"] for o in orders.values())),
        ("succeeded PaymentIntents", len(sales_run.sales), succeeded),
        ("captured at Stripe, pence", sold, captured.total()),
        ("refunds at Stripe", len(returns), len(refunds)),
        ("refunded at Stripe, pence", returned, refunded.total()),
        ("captured less refunded, pence", sold - returned, captured.total() - refunded.total()),
        ("orders that agree with Stripe", len(sales_run.sales), agree),
    ]


def _goods(sales_run: SalesReplay, returns: Sequence[SaleReturn], before: dict[str, Any]) -> list[Figure]:
    sold: Counter[str] = Counter()
    returned: Counter[str] = Counter()
    for sale in sales_run.sales:
        sold.update(sale.quantities)
    for sale_return in returns:
        returned.update(sale_return.pieces)

    def decrease(now: dict[str, Any]) -> dict[str, int]:
        return {sku: before[sku]["on_hand"] - now[sku]["on_hand"] for sku in before}

    net = {sku: sold[sku] - returned[sku] for sku in sold}
    after = evidence.wait_for(
        lambda: evidence.stock(sales_run.staff, before),
        lambda now: decrease(now) == net and not any(entry["reserved"] for entry in now.values()),
    )
    decreased = decrease(after)
    return [
        ("SKUs", len(sold), len(decreased)),
        ("pieces sold less pieces returned", sold.total() - returned.total(), sum(decreased.values())),
        ("SKUs whose stock fell by exactly that", len(net), sum(decreased[sku] == net[sku] for sku in net)),
        ("pieces still reserved", 0, sum(entry["reserved"] for entry in after.values())),
    ]


def _invoices(sales_run: SalesReplay, orders: dict[str, Any]) -> list[Figure]:
    """Check that invoice numbers are unique and gapless; orders outside the replay may have some of them."""
    ours = [order["invoice_number"] for order in orders.values() if order["invoice_number"]]
    others = [
        order["invoice_number"]
        for order in evidence.orders_during(sales_run)
        if order["invoice_number"] and order["order_id"] not in orders
    ]
    span = number_range(ours)
    of_others = len(span.intersection(others))
    return [
        ("orders with an invoice", len(sales_run.sales), len(ours)),
        ("distinct invoice numbers", len(sales_run.sales), len({*ours})),
        (
            f"numbers from first to last{f', {of_others} not ours' if of_others else ''}",
            len(span),
            len(span.intersection([*ours, *others])),
        ),
    ]


def number_range(numbers: Sequence[str]) -> set[str]:
    """Return every invoice number from the first to the last of each year: `2026-000001` …"""
    years: dict[str, list[int]] = {}
    for number in numbers:
        year, _, place = number.partition("-")
        years.setdefault(year, []).append(int(place))
    return {
        f"{year}-{place:06}"
        for year, places in years.items()
        for place in range(min(places), max(places) + 1)
    }


def _emails(sales_run: SalesReplay, returns: Sequence[SaleReturn]) -> list[Figure]:
    sales = Counter(sale.customer for sale in sales_run.sales)
    expected = {c: Counter({"welcome": 1, "confirmed": n, "invoice": n}) for c, n in sales.items()}
    for customer, _ in {(sale_return.sale.customer, sale_return.sale.invoice) for sale_return in returns}:
        expected[customer].update(["shipped", "delivered"])
    for sale_return in returns:
        expected[sale_return.sale.customer].update(["return approved", "return received", "refunded"])
    all_expected = sum(expected.values(), Counter())
    evidence.wait_for(
        lambda: evidence.emails(sales_run), lambda now: sum(now.values(), Counter()) >= all_expected
    )
    time.sleep(GRACE_SECONDS)
    received = evidence.emails(sales_run)
    found = sum(received.values(), Counter())
    return [
        *((f"emails: {name}", all_expected[name], found[name]) for name in sorted(all_expected | found)),
        (
            "customers with exactly the expected emails",
            len(expected),
            sum(received[c] == expected[c] for c in expected),
        ),
    ]
