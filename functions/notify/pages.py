"""The pages that an unsubscribe link opens; they load nothing from other hosts."""

from shared.http.routing import Html

_PAGE = (
    "<!doctype html><html lang=en><meta charset=utf-8><meta name=viewport content='width=device-width'>"
    "<meta name=robots content=noindex><title>{title}</title>"
    "<style>body{{font:18px/1.5 system-ui;margin:3rem auto;max-width:34rem;padding:0 1rem}}"
    "button{{font:inherit;padding:.5rem 1.5rem}}</style><h1>{title}</h1>{body}</html>"
)
_CONFIRM = (
    "<p>You will receive no more offers by email. We will still email you about your orders and your account."
    "<p lang=de>Sie erhalten dann keine Angebote mehr per E-Mail, wohl aber weiterhin Nachrichten zu Ihren"
    " Bestellungen und Ihrem Konto."
    "<form method=post><input type=hidden name=List-Unsubscribe value=One-Click>"
    "<button>Unsubscribe · Abmelden</button></form>"
)
_DONE = (
    "<p>You are unsubscribed and will receive no more offers by email."
    "<p lang=de>Sie sind abgemeldet und erhalten keine Angebote mehr per E-Mail."
)
# The URL contains the token, so it must not leak as a referrer, and no other page may frame the button.
_HEADERS = {
    "Content-Type": "text/html; charset=utf-8",
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; "
    "frame-ancestors 'none'; base-uri 'none'",
    "Referrer-Policy": "no-referrer",
}


def confirmation() -> Html:
    """Return the page with the button, which posts to the page's own URL."""
    return _page("Unsubscribe?", _CONFIRM)


def done() -> Html:
    return _page("Unsubscribed", _DONE)


def _page(title: str, body: str) -> Html:
    return Html(status=200, headers=_HEADERS, body=_PAGE.format(title=title, body=body))
