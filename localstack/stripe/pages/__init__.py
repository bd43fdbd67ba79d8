"""The HTML pages for shoppers: 3-D Secure authentication and hosted checkout."""

import html
import re
from urllib.parse import parse_qs

from localstack.stripe.errors import StripeError
from localstack.stripe.pages import bank, checkout
from localstack.stripe.pages.layout import Page, document
from localstack.stripe.unit import Unit

__all__ = ["Page", "owns", "show"]

_AUTHENTICATE = re.compile(r"/_pages/authenticate/(pi_\w+)/(\w+)")
_CHECKOUT = re.compile(r"/c/pay/(cs_test_\w+)")


def owns(path: str) -> bool:
    return path.startswith(("/_pages/", "/c/pay/"))


def show(unit: Unit, method: str, path: str, body: str) -> Page:
    """Return the page at a path, or the result of its form. Needs a transaction."""
    form = {name: values[0] for name, values in parse_qs(body, keep_blank_values=True).items()}
    try:
        if found := _AUTHENTICATE.fullmatch(path):
            if method == "POST":
                return bank.submit(unit, found[1], found[2], form)
            return bank.show(unit, found[1], found[2], path)
        if found := _CHECKOUT.fullmatch(path):
            session = unit.get("checkout.session", found[1])
            if method == "POST":
                return checkout.pay(unit, session, path, form)
            return checkout.show(unit, session, path)
    except StripeError as error:
        return document(error.status, "Page not found", f"<p>{html.escape(str(error))}</p>")
    return document(404, "Page not found", "<p>There is no page at this address.</p>")
