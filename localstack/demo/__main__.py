"""`make demo`: run one purchase step by step, or replay and audit real sales (ORDERS=61)."""

import argparse
import sys
import time
import urllib.request
from collections.abc import Callable
from functools import partial
from typing import Any
from uuid import uuid4

from localstack.cloud.local_cloud import Cloud, LocalCloudError
from localstack.cloud.shop import Shop
from localstack.demo import replay
from localstack.demo.shopper import ADDRESS, Shopper, ship_order, until
from localstack.mail import mailbox
from localstack.mail.mailbox import Email
from localstack.mail.sent import kinds_of

COUPON = "WELCOME10"
MAX_SALES = 61  # the file's sales that can be replayed
WISHES = {"COF-HARBOUR-250": 2, "MUG-STONE-BLUE": 1, "KIT-FILTER-100": 1}


class StepPrinter:
    """Runs steps and prints each with its result and duration."""

    def __init__(self) -> None:
        self.started_at = time.perf_counter()
        self.number = 0

    def step(self, title: str, run: Callable[[], Any], describe: Callable[[Any], str]) -> Any:
        """Run a step, print its result as `describe` puts it, and return it."""
        self.number += 1
        started_at = time.perf_counter()
        sys.stdout.write(f"{self.number:>3}  {title:<38}")
        sys.stdout.flush()
        result = run()
        duration = (time.perf_counter() - started_at) * 1000
        print(f"ok {duration:>7.0f} ms   {describe(result)}")
        return result

    def total(self) -> float:
        return time.perf_counter() - self.started_at


def money(value: dict[str, Any]) -> str:
    sign = "-" if value["amount"] < 0 else ""
    pounds, pence = divmod(abs(value["amount"]), 100)
    return f"{sign}£{pounds:,}.{pence:02}"


def buy(cloud: Cloud) -> None:
    """Run one purchase from registration to fulfilment and print the order, its timeline and its emails."""
    url = cloud.api_url()
    steps = StepPrinter()
    email = f"grace.{uuid4().hex[:8]}@example.com"
    staff = Shop.of(cloud, "staff")
    stock_before = {sku: staff.expect(200, "GET", f"/stock/{sku}") for sku in WISHES}

    shopper = steps.step(
        "register and sign in",
        lambda: Shopper.register(cloud, url, email, "Grace Hopper"),
        lambda shopper: shopper.email,
    )
    steps.step(
        "list the catalog",
        lambda: Shop(url).expect(200, "GET", "/products?limit=50"),
        lambda page: f"{len(page['items'])} products",
    )
    for sku, quantity in WISHES.items():
        steps.step(
            f"add {quantity} x {sku} to the cart",
            partial(shopper.add, sku, quantity),
            lambda cart: f"{cart['item_count']} items, {money(cart['subtotal'])}",
        )
    steps.step(
        f"apply the coupon {COUPON}",
        lambda: shopper.shop.expect(200, "PUT", "/cart/coupon", {"code": COUPON}),
        lambda cart: f"{money(cart['discount'])} off",
    )
    quote = steps.step(
        "request a quote",
        lambda: shopper.quote(ADDRESS),
        lambda quote: f"{money(quote['total'])}, including {money(quote['shipping'])} shipping",
    )
    placed = steps.step(
        "place the order",
        lambda: shopper.order(quote),
        lambda order: f"{order['order_id']} {order['status']}",
    )
    steps.step(
        "pay with a test card",
        lambda: shopper.pay(placed),
        lambda intent: f"PaymentIntent {intent['status']}",
    )
    steps.step(
        "wait for the Stripe webhook",
        lambda: shopper.wait_for_order(placed["order_id"], "paid"),
        lambda order: f"order {order['status']}",
    )
    steps.step(
        "check the stock",
        lambda: until(lambda: _sold(staff, stock_before), "the stock to be committed"),
        lambda sold: ", ".join(f"{sku} -{count}" for sku, count in sold.items()),
    )
    steps.step(
        "check the emails",
        lambda: until(lambda: _received(cloud, email, "welcome", "confirmed", "invoice"), "the emails"),
        lambda emails: f"{len(emails)} emails",
    )
    invoice = steps.step(
        "open the invoice",
        lambda: _invoice(shopper, placed),
        lambda opened: f"{opened[0]['invoice_number']}, {len(opened[1]):,} bytes of PDF",
    )[0]
    steps.step(
        "create the fulfilment (as staff)",
        lambda: ship_order(staff, placed),
        lambda order: f"order {order['status']}",
    )
    order = steps.step(
        "see the fulfilment",
        lambda: shopper.wait_for_order(placed["order_id"], "shipped"),
        lambda order: f"{order['fulfilments'][0]['carrier']} {order['fulfilments'][0]['tracking']}",
    )
    emails = steps.step(
        "check the shipping email",
        lambda: until(lambda: _received(cloud, email, "shipped"), "the shipping email"),
        lambda emails: f"{len(emails)} emails",
    )
    print(f"\n{steps.number} steps in {steps.total():.1f} s\n")
    _show(order, invoice, shopper, emails)


def _sold(staff: Shop, before: dict[str, Any]) -> dict[str, int] | None:
    """Return the quantities by which the stock fell, once these are the quantities bought."""
    now = {sku: staff.expect(200, "GET", f"/stock/{sku}") for sku in WISHES}
    sold = {sku: before[sku]["on_hand"] - now[sku]["on_hand"] for sku in WISHES}
    return sold if sold == WISHES else None


def _received(cloud: Cloud, email: str, *names: str) -> list[Email] | None:
    """Return the shopper's emails once all of `names` have arrived."""
    found = mailbox.emails(cloud, to=email)
    return found if {*names} <= {kind for mail in found for kind in kinds_of(mail)} else None


def _invoice(shopper: Shopper, order: dict[str, Any]) -> tuple[dict[str, Any], bytes]:
    """Return the API's invoice object and the PDF."""
    invoice = shopper.shop.expect(200, "GET", f"/orders/{order['order_id']}/invoice")
    with urllib.request.urlopen(invoice["url"], timeout=30) as file:
        return invoice, file.read()


def _show(order: dict[str, Any], invoice: dict[str, Any], shopper: Shopper, emails: list[Email]) -> None:
    print(f"Order {order['number']} ({order['order_id']}), {order['status']}")
    for line in order["lines"]:
        print(f"  {line['quantity']:>3} x {line['title']:<40} {money(line['line_total']):>10}")
    for name in ("subtotal", "discount", "shipping", "tax", "total"):
        print(f"      {name:<40} {money(order[name]):>10}")
    print(f"\nInvoice {invoice['invoice_number']}, link valid for 15 minutes\n  {invoice['html_url']}")
    print("\nTimeline")
    for entry in shopper.shop.expect(200, "GET", f"/orders/{order['order_id']}/timeline"):
        print(f"  {entry['at']}  {entry['type']:<18} {entry['actor']:<30} {entry['detail'] or ''}")
    for mail in emails:
        print(
            f"\nEmail to {mail.to}: {mail.subject}\n"
            + "\n".join(f"  | {row}" for row in mail.text.splitlines())
        )


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m localstack.demo", description=__doc__)
    parser.add_argument("--name", default="dev")
    parser.add_argument(
        "--orders", type=int, help=f"replay this number of real sales instead (1 to {MAX_SALES})"
    )
    options = parser.parse_args()
    if options.orders is not None and not 1 <= options.orders <= MAX_SALES:
        sys.exit(f"make demo: ORDERS is a number from 1 to {MAX_SALES}, not {options.orders}")
    try:
        cloud = Cloud.load(options.name)
        if options.orders:
            sys.exit(0 if replay.run(cloud, options.orders) else 1)
        buy(cloud)
    except LocalCloudError as error:
        sys.exit(f"\nmake demo: {error}")


if __name__ == "__main__":
    main()
