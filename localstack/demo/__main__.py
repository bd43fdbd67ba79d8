"""`make demo`: a shopper buys, narrated; with ORDERS=61 real sales are replayed and audited."""

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
from localstack.demo.shopper import ADDRESS, Shopper, staff_ships, until
from localstack.mail.mailbox import Mail, mails
from localstack.mail.templates import letter

COUPON = "WELCOME10"
WISHES = {"COF-HARBOUR-250": 2, "MUG-STONE-BLUE": 1, "KIT-FILTER-100": 1}


class Narrator:
    """Says each step as it is done, with what came of it and how long it took."""

    def __init__(self) -> None:
        self.began = time.perf_counter()
        self.number = 0

    def step(self, title: str, act: Callable[[], Any], tell: Callable[[Any], str]) -> Any:
        """Do a step and tell of its result. What it raises ends the story."""
        self.number += 1
        began = time.perf_counter()
        sys.stdout.write(f"{self.number:>3}  {title:<35}")
        sys.stdout.flush()
        result = act()
        took = (time.perf_counter() - began) * 1000
        print(f"ok {took:>7.0f} ms   {tell(result)}")
        return result

    def total(self) -> float:
        return time.perf_counter() - self.began


def money(value: dict[str, Any]) -> str:
    sign = "-" if value["amount"] < 0 else ""
    pounds, pence = divmod(abs(value["amount"]), 100)
    return f"{sign}£{pounds:,}.{pence:02}"


def buy(cloud: Cloud) -> None:
    """The main job from sign-up to the parcel."""
    url = cloud.api_url()
    say = Narrator()
    email = f"grace.{uuid4().hex[:8]}@example.com"
    stock = Shop.of(cloud, "staff")
    shelf = {sku: stock.expect(200, "GET", f"/stock/{sku}") for sku in WISHES}

    shopper = say.step(
        "signs up and signs in",
        lambda: Shopper.register(cloud, url, email, "Grace Hopper"),
        lambda shopper: shopper.email,
    )
    say.step(
        "browses the catalog",
        lambda: Shop(url).expect(200, "GET", "/products?limit=50"),
        lambda page: f"{len(page['items'])} products",
    )
    for sku, quantity in WISHES.items():
        say.step(
            f"puts {quantity} {sku} in the cart",
            partial(shopper.add, sku, quantity),
            lambda cart: f"{cart['item_count']} pieces, {money(cart['subtotal'])}",
        )
    say.step(
        f"puts the coupon {COUPON} on it",
        lambda: shopper.shop.expect(200, "PUT", "/cart/coupon", {"code": COUPON}),
        lambda cart: f"{money(cart['discount'])} off",
    )
    quote = say.step(
        "asks what it comes to",
        lambda: shopper.quote(ADDRESS),
        lambda quote: f"{money(quote['total'])}, {money(quote['shipping'])} of it shipping",
    )
    placed = say.step(
        "places the order",
        lambda: shopper.order(quote),
        lambda order: f"{order['order_id']} {order['status']}",
    )
    say.step(
        "pays with a test card",
        lambda: shopper.pay(placed),
        lambda intent: f"Stripe says {intent['status']}",
    )
    say.step(
        "waits for Stripe's webhook",
        lambda: shopper.order_when(placed["order_id"], "paid"),
        lambda order: f"order {order['status']}",
    )
    say.step(
        "finds the stock committed",
        lambda: until(lambda: _sold(stock, shelf), "the stock to be committed"),
        lambda sold: ", ".join(f"{sku} -{count}" for sku, count in sold.items()),
    )
    say.step(
        "finds the mails",
        lambda: until(lambda: _told(cloud, email, "welcome", "confirmed", "invoice"), "three mails"),
        lambda post: f"{len(post)} mails",
    )
    invoice = say.step(
        "opens the invoice",
        lambda: _invoice(shopper, placed),
        lambda opened: f"{opened[0]['invoice_number']}, {len(opened[1]):,} bytes of PDF",
    )[0]
    say.step(
        "the shop ships it",
        lambda: staff_ships(stock, placed),
        lambda order: f"order {order['status']}",
    )
    order = say.step(
        "sees the parcel",
        lambda: shopper.order_when(placed["order_id"], "shipped"),
        lambda order: f"{order['fulfilments'][0]['carrier']} {order['fulfilments'][0]['tracking']}",
    )
    post = say.step(
        "is told of it",
        lambda: until(lambda: _told(cloud, email, "shipped"), "the parcel's mail"),
        lambda post: f"{len(post)} mails",
    )
    print(f"\n{say.number} steps in {say.total():.1f} s\n")
    _show(order, invoice, shopper, post)


def _sold(stock: Shop, before: dict[str, Any]) -> dict[str, int] | None:
    now = {sku: stock.expect(200, "GET", f"/stock/{sku}") for sku in WISHES}
    sold = {sku: before[sku]["on_hand"] - now[sku]["on_hand"] for sku in WISHES}
    return sold if sold == WISHES else None


def _told(cloud: Cloud, email: str, *names: str) -> list[Mail] | None:
    """The shopper's mails, once these letters are among them."""
    found = mails(cloud, to=email)
    return found if {*names} <= {letter(mail.subject) for mail in found} else None


def _invoice(shopper: Shopper, order: dict[str, Any]) -> tuple[dict[str, Any], bytes]:
    """Where the invoice is, and its PDF."""
    where = shopper.shop.expect(200, "GET", f"/orders/{order['order_id']}/invoice")
    with urllib.request.urlopen(where["url"], timeout=30) as file:
        return where, file.read()


def _show(order: dict[str, Any], invoice: dict[str, Any], shopper: Shopper, post: list[Mail]) -> None:
    print(f"Order {order['number']} ({order['order_id']}), {order['status']}")
    for line in order["lines"]:
        print(f"  {line['quantity']:>3} x {line['title']:<40} {money(line['line_total']):>10}")
    for name in ("subtotal", "discount", "shipping", "tax", "total"):
        print(f"      {name:<40} {money(order[name]):>10}")
    print(f"\nInvoice {invoice['invoice_number']}, to be read for 15 minutes\n  {invoice['html_url']}")
    print("\nTimeline")
    for entry in shopper.shop.expect(200, "GET", f"/orders/{order['order_id']}/timeline"):
        print(f"  {entry['at']}  {entry['type']:<18} {entry['actor']:<30} {entry['detail'] or ''}")
    for mail in post:
        print(
            f"\nMail to {mail.to}: {mail.subject}\n"
            + "\n".join(f"  | {row}" for row in mail.text.splitlines())
        )


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m localstack.demo", description=__doc__)
    parser.add_argument("--name", default="dev")
    parser.add_argument("--orders", type=int, default=0, help="replay so many real sales instead (1 to 61)")
    options = parser.parse_args()
    try:
        cloud = Cloud.named(options.name)
        if options.orders:
            sys.exit(0 if replay.run(cloud, options.orders) else 1)
        buy(cloud)
    except LocalCloudError as error:
        sys.exit(f"\ndemo: {error}")


if __name__ == "__main__":
    main()
