"""The hosted checkout in a real browser.

Screenshots are saved in the folder SCREENSHOTS, or else in pytest's temporary folder.
"""

import os
import shutil
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

Shot = Callable[[str], None]
NAMES = ("chromium", "chromium-browser", "google-chrome")
LINES = [("Tea cup, blue", 2, 1250), ("Kettle with a rather long name that needs two lines", 1, 3499)]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    found = next(filter(None, map(shutil.which, NAMES)), None)
    if found is None:
        # In CI no test may be skipped, so a missing browser is a failure.
        (pytest.fail if os.environ.get("CI") else pytest.skip)(f"none of {', '.join(NAMES)} is installed")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found)
        yield browser
        browser.close()


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """Return a page in a new browser context."""
    context = browser.new_context(viewport={"width": 900, "height": 1000})
    context.set_default_timeout(5000)
    yield context.new_page()
    context.close()


@pytest.fixture(scope="module")
def site() -> Iterator[str]:
    """Serve the shop's pages, to which the checkout redirects, and return their base URL."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"<!doctype html><title>The shop</title>")

        def log_message(self, format: str, *args: Any) -> None:
            """Log nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def session(shop: Any, site: str) -> Any:
    items = [
        {
            "price_data": {"currency": "gbp", "unit_amount": price, "product_data": {"name": name}},
            "quantity": quantity,
        }
        for name, quantity, price in LINES
    ]
    thanks = f"{site}/thanks?session={{CHECKOUT_SESSION_ID}}"
    return shop.v1.checkout.sessions.create(
        {"line_items": items, "success_url": thanks, "cancel_url": f"{site}/basket"}
    )


@pytest.fixture
def shot(tmp_path: Path, page: Page) -> Shot:
    folder = Path(os.environ.get("SCREENSHOTS", tmp_path))

    def take(name: str) -> None:
        page.screenshot(path=folder / f"{name}.png", full_page=True)

    return take


def fill(page: Page, number: str = "4242 4242 4242 4242") -> None:
    for label, value in (
        ("E-mail", "ada@example.com"),
        ("Card number", number),
        ("Expiry (MM / YY)", "12 / 40"),
        ("Security code", "123"),
        ("Name", "Ada Lovelace"),
    ):
        page.get_by_label(label, exact=True).fill(value)


def pay(page: Page) -> None:
    page.get_by_role("button", name="Pay 59.99 GBP").click()


def await_thanks(page: Page, session: Any) -> None:
    page.wait_for_url(f"**/thanks?session={session.id}")


def test_a_person_pays(shop: Any, session: Any, page: Page, shot: Shot) -> None:
    page.goto(session.url)
    expect(page.get_by_role("heading", name="Pay 59.99 GBP")).to_be_visible()
    expect(page.get_by_role("row", name="2 × Tea cup, blue 25.00 GBP")).to_be_visible()
    page.get_by_text("Test cards").click()
    expect(page.get_by_text("4000 0000 0000 3220").last).to_be_visible()
    shot("checkout")
    fill(page)
    pay(page)
    await_thanks(page, session)
    paid = shop.v1.checkout.sessions.retrieve(session.id)
    assert (paid.payment_status, paid.customer_details.name) == ("paid", "Ada Lovelace")


def test_a_person_pays_with_the_keyboard_only(shop: Any, session: Any, page: Page) -> None:
    page.goto(session.url)
    # The second field is the choice between card and account, which is not changed.
    for typed in ("ada@example.com", "", "4242424242424242", "1240", "123", "Ada Lovelace"):
        page.keyboard.press("Tab")
        page.keyboard.type(typed)
    page.keyboard.press("Enter")
    await_thanks(page, session)
    assert shop.v1.checkout.sessions.retrieve(session.id).payment_status == "paid"


def test_errors_are_shown_next_to_their_fields(session: Any, page: Page, shot: Shot) -> None:
    page.goto(session.url)
    fill(page, "4242 4242 4242 4241")
    page.get_by_label("Security code").fill("1")
    pay(page)
    number = page.get_by_label("Card number")
    expect(number).to_be_focused()
    expect(number).to_have_accessible_description("Your card number is incorrect.")
    expect(page.get_by_label("Security code")).to_have_accessible_description(
        "Enter the 3 digits of the security code."
    )
    expect(page.get_by_role("alert")).to_contain_text("Nothing was charged yet.")
    expect(page.get_by_label("Name", exact=True)).to_have_value("Ada Lovelace")
    shot("mistakes")


def test_a_person_pays_with_another_card_after_a_decline(
    shop: Any, session: Any, page: Page, shot: Shot
) -> None:
    page.goto(session.url)
    fill(page, "4000 0000 0000 9995")
    pay(page)
    expect(page.get_by_role("alert")).to_have_text("Your card has insufficient funds.")
    shot("declined")
    fill(page)
    pay(page)
    await_thanks(page, session)
    assert [intent.status for intent in shop.v1.payment_intents.list().data] == ["succeeded"]


def test_a_person_fails_and_then_completes_the_authentication(
    shop: Any, session: Any, page: Page, shot: Shot
) -> None:
    page.goto(session.url)
    fill(page, "4000 0000 0000 3220")
    pay(page)
    expect(page.get_by_role("heading", name="Your bank asks")).to_be_visible()
    shot("bank")
    page.get_by_role("button", name="No, fail it").click()
    expect(page.get_by_role("alert")).to_contain_text("failed authentication")
    fill(page, "4000 0000 0000 3220")
    pay(page)
    page.get_by_role("button", name="Yes, complete it").click()
    await_thanks(page, session)
    assert shop.v1.checkout.sessions.retrieve(session.id).payment_status == "paid"


def test_a_person_pays_from_a_bank_account(shop: Any, session: Any, page: Page, shot: Shot) -> None:
    page.goto(session.url)
    expect(page.get_by_label("Sort code")).to_be_hidden()
    page.get_by_label("Bank account").check()
    expect(page.get_by_label("Card number")).to_be_hidden()
    page.get_by_label("E-mail").fill("ada@example.com")
    page.get_by_label("Name", exact=True).fill("Ada Lovelace")
    page.get_by_label("Sort code").fill("10-88-00")
    page.get_by_label("Account number").fill("1")
    pay(page)
    expect(page.get_by_label("Account number")).to_be_focused()
    shot("account")
    page.get_by_label("Account number").fill("00012345")
    pay(page)
    await_thanks(page, session)
    assert shop.v1.checkout.sessions.retrieve(session.id).status == "complete"


def test_two_windows_pay_once(shop: Any, session: Any, page: Page) -> None:
    other = page.context.new_page()
    for window in (page, other):
        window.goto(session.url)
        fill(window)
    for window in (page, other):
        pay(window)
        await_thanks(window, session)
    assert len(shop.v1.charges.list().data) == 1


def test_an_expired_session_links_back_to_the_shop(shop: Any, session: Any, page: Page, shot: Shot) -> None:
    page.goto(session.url)
    shop.v1.checkout.sessions.expire(session.id)
    fill(page)
    pay(page)
    expect(page.get_by_text("Nothing was charged.")).to_be_visible()
    shot("expired")
    page.get_by_role("link", name="Back to the shop").click()
    page.wait_for_url("**/basket")


def test_the_page_fits_a_phone_screen(session: Any, page: Page, shot: Shot) -> None:
    page.set_viewport_size({"width": 320, "height": 640})
    page.goto(session.url)
    shot("telephone")
    assert page.evaluate("document.documentElement.scrollWidth") <= 320
