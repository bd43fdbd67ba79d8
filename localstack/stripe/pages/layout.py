"""The layout of the pages: HTML without scripts or external files."""

import html
from typing import NamedTuple

_STYLE = """
:root{color-scheme:light dark;--ink:#1a1f36;--dim:#545969;--line:#8792a2;--paper:#fff;--ground:#f6f8fa;
--blue:#0b5cad;--bad:#b3093c}
@media(prefers-color-scheme:dark){:root{--ink:#e6e8ee;--dim:#b4bac7;--line:#7d8797;--paper:#1c2030;
--ground:#12141d;--blue:#7cb8ff;--bad:#ff8fa8}}
*{box-sizing:border-box}
body{font:16px/1.5 system-ui,sans-serif;color:var(--ink);background:var(--ground);margin:0;padding:1rem}
main{max-width:30rem;margin:1rem auto;background:var(--paper);border:1px solid var(--line);
border-radius:.5rem;padding:1.5rem}
h1{font-size:1.4rem;margin:0 0 1rem}
.test{display:inline-block;border:1px solid var(--line);border-radius:1rem;padding:0 .6rem;
font-size:.8rem;color:var(--dim);margin-bottom:.75rem}
table{width:100%;border-collapse:collapse;margin-bottom:1.25rem}
th,td{text-align:left;padding:.35rem 0;vertical-align:top;font-weight:400}
td:last-child,th:last-child{text-align:right;white-space:nowrap;padding-left:1rem}
tfoot th,tfoot td{border-top:1px solid var(--line);font-weight:700}
small,.hint{color:var(--dim);font-size:.875rem}
.row{display:flex;gap:1rem}.row>*{flex:1}
label{display:block;font-weight:600;margin-top:.75rem}
input{font:inherit;width:100%;padding:.55rem;border:1px solid var(--line);border-radius:.35rem;
color:inherit;background:transparent}
input[aria-invalid]{border-color:var(--bad);border-width:2px}
button{font:inherit;font-weight:600;width:100%;padding:.7rem;margin-top:1.25rem;border:0;border-radius:.35rem;
background:var(--blue);color:var(--paper);cursor:pointer}
button.plain{background:transparent;color:var(--blue);border:1px solid var(--blue);margin-top:.75rem}
:focus-visible{outline:3px solid var(--blue);outline-offset:2px}
a{color:var(--blue)}
fieldset{border:0;padding:0;margin:.75rem 0 0}legend{font-weight:600;padding:0}
fieldset label{font-weight:400;margin-top:.25rem}input[type=radio]{width:auto;margin:0 .4rem 0 0}
form:has([value=bacs_debit]:checked) .card,form:not(:has([value=bacs_debit]:checked)) .account{display:none}
.error{color:var(--bad);font-size:.875rem;margin:.2rem 0 0}
.alert{border:2px solid var(--bad);border-radius:.35rem;padding:.5rem .75rem;margin:0 0 1rem;color:var(--bad)}
code{white-space:nowrap}
"""


class Page(NamedTuple):
    """An HTML page, or a redirect to `location` with status 303."""

    status: int
    text: str = ""
    location: str | None = None


def document(status: int, title: str, content: str) -> Page:
    """Return a page with a heading and a note that this is test mode."""
    title = html.escape(title)
    return Page(
        status,
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1"><link rel="icon" href="data:,">'
        f"<title>{title}</title><style>{_STYLE}</style></head><body><main>"
        '<span class="test">Test mode: no bank, no money</span>'
        f"<h1>{title}</h1>{content}"
        "</main></body></html>",
    )


def redirect(location: str) -> Page:
    return Page(303, location=location)
