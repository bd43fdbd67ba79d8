"""The pages that an unsubscribe link opens, in English and German; they load nothing from other hosts."""

from html import escape
from pathlib import Path
from string import Template
from typing import NamedTuple

from notify.domain.brand import Brand
from notify.settings import settings
from shared.errors import Invalid, Malformed, Problem
from shared.http.responses import Html

PAGE = Path(__file__).parent / "unsubscribe.html"


class Text(NamedTuple):
    """A page's text in one language. `$shop` is the shop's name, `$email` a link to its email address."""

    title: str
    text: str


CONFIRM = (
    Text(
        "Unsubscribe from offers?",
        "$shop will send you no more offers by email. You will still get emails about your orders and your"
        " account.",
    ),
    Text(
        "Angebote abbestellen?",
        "$shop sendet Ihnen dann keine Angebote mehr per E-Mail. Nachrichten zu Ihren Bestellungen und Ihrem"
        " Konto erhalten Sie weiterhin.",
    ),
)
DONE = (
    Text(
        "You are unsubscribed",
        "$shop will send you no more offers by email. You can close this page.",
    ),
    Text(
        "Sie sind abgemeldet",
        "$shop sendet Ihnen keine Angebote mehr per E-Mail. Sie können diese Seite schließen.",
    ),
)
BROKEN_LINK = (
    Text(
        "This link does not work",
        "A part of the link may be missing. Please open the email again and use its unsubscribe link, or copy"
        " the whole link. You can also write to $email, and we will unsubscribe you.",
    ),
    Text(
        "Dieser Link funktioniert nicht",
        "Vielleicht fehlt ein Teil des Links. Bitte öffnen Sie die E-Mail noch einmal und klicken Sie auf den"
        " Abmeldelink, oder kopieren Sie den ganzen Link. Sie können auch an $email schreiben; wir melden Sie"
        " dann ab.",
    ),
)
TRY_AGAIN = (
    Text(
        "Please try again",
        "A temporary fault occurred. Please reload this page in a minute. If that does not help, write to"
        " $email, and we will unsubscribe you.",
    ),
    Text(
        "Bitte versuchen Sie es noch einmal",
        "Es ist eine vorübergehende Störung aufgetreten. Bitte laden Sie diese Seite in einer Minute neu."
        " Hilft das nicht, schreiben Sie an $email; wir melden Sie dann ab.",
    ),
)
BUTTON = (
    "<form method=post><input type=hidden name=List-Unsubscribe value=One-Click>"
    "<button>Unsubscribe · Abmelden</button></form>"
)
# The URL contains the token, so it must not leak as a referrer, and no other page may frame the button.
HEADERS = {
    "Content-Type": "text/html; charset=utf-8",
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; "
    "frame-ancestors 'none'; base-uri 'none'",
    "Referrer-Policy": "no-referrer",
}


def confirmation() -> Html:
    """Return the page with the button, which posts to the page's own URL."""
    return _page(200, *CONFIRM, form=BUTTON)


def done() -> Html:
    return _page(200, *DONE)


def failure(problem: Problem) -> Html:
    """Return the page that says what to do after the problem."""
    texts = BROKEN_LINK if isinstance(problem, Malformed | Invalid) else TRY_AGAIN
    return _page(problem.status, *texts)


def _page(status: int, english: Text, german: Text, form: str = "") -> Html:
    shop, email = _brand(), escape(settings().notify_reply_to)
    words = {"shop": escape(shop.name), "email": f'<a href="mailto:{email}">{email}</a>'}
    body = Template(PAGE.read_text()).substitute(
        words,
        title=english.title,
        text=Template(english.text).substitute(words),
        title_de=german.title,
        text_de=Template(german.text).substitute(words),
        form=form,
        address=escape(shop.address),
        accent=shop.accent,
        on_accent=shop.on_accent,
        dark_accent=shop.dark_accent,
        on_dark_accent=shop.on_dark_accent,
    )
    return Html(status=status, headers=HEADERS, body=body)


def _brand() -> Brand:
    known = settings()
    address = ", ".join(known.notify_brand_address.split("|"))
    return Brand(known.notify_brand_name, known.notify_brand_colour, address, known.notify_shop_url)
