"""The pages that a link in a mail leads to, whole without anything from elsewhere."""

from shared.http.routing import Html

_PAGE = (
    "<!doctype html><html lang=en><meta charset=utf-8><meta name=viewport content='width=device-width'>"
    "<meta name=robots content=noindex><title>{title}</title>"
    "<style>body{{font:18px/1.5 system-ui;margin:3rem auto;max-width:34rem;padding:0 1rem}}"
    "button{{font:inherit;padding:.5rem 1.5rem}}</style><h1>{title}</h1>{body}</html>"
)
_ASK = (
    "<p>You will get no more offers from us by mail. Mails about your orders and your account still come."
    "<p lang=de>Sie erhalten dann keine Angebote mehr per E-Mail, wohl aber weiterhin Nachrichten zu Ihren"
    " Bestellungen und Ihrem Konto."
    "<form method=post><input type=hidden name=List-Unsubscribe value=One-Click>"
    "<button>Unsubscribe · Abmelden</button></form>"
)
_DONE = (
    "<p>You will get no more offers from us by mail."
    "<p lang=de>Sie sind abgemeldet und erhalten keine Angebote mehr per E-Mail."
)
# The token in the address is a key: no other site is told of it, and no other page may frame the button.
_HEADERS = {
    "Content-Type": "text/html; charset=utf-8",
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; "
    "frame-ancestors 'none'; base-uri 'none'",
    "Referrer-Policy": "no-referrer",
}


def asking() -> Html:
    """The page with the button; it posts to its own address."""
    return _page("Unsubscribe?", _ASK)


def done() -> Html:
    return _page("Unsubscribed", _DONE)


def _page(title: str, body: str) -> Html:
    return Html(status=200, headers=_HEADERS, body=_PAGE.format(title=title, body=body))
