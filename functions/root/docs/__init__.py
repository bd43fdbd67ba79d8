"""The documentation page: Swagger UI with this API's document, without content from other hosts."""

import hashlib
from functools import cache
from html import escape
from importlib.util import find_spec
from pathlib import Path
from string import Template

from root.document import document
from shared.errors import NotFound
from shared.http.responses import Asset, Html, Redirect

FOLDER = Path(__file__).parent
# It contains Swagger UI's files and license. It is not imported, because its `__init__.py` needs Django.
PACKAGE = "drf_spectacular_sidecar"

# Name in the URL → content type, and the file in this folder or in the package.
ASSETS = {
    "viewer.js": ("text/javascript; charset=utf-8", "swagger-ui-bundle.js"),
    "viewer.css": ("text/css; charset=utf-8", "swagger-ui.css"),
    "start.js": ("text/javascript; charset=utf-8", "start.js"),
    "page.css": ("text/css; charset=utf-8", "page.css"),
}
HEADERS = {
    "Content-Type": "text/html; charset=utf-8",
    # Swagger UI draws its icons from data: URLs. `connect-src` lets "Try it out" call this API only.
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; "
    "img-src 'self' data:; connect-src 'self'; form-action 'none'; frame-ancestors 'none'; base-uri 'none'",
    "Referrer-Policy": "no-referrer",
}
CACHED = "public, max-age=31536000, immutable"


def page() -> Html:
    """Return the page. Its links to the assets contain their versions."""
    info = document()["info"]
    values = {name.replace(".", "_"): f"docs/{name}?v={version(name)}" for name in ASSETS}
    text = Template((FOLDER / "page.html").read_text())
    title, description = escape(info["title"]), escape(info["summary"])
    body = text.substitute(values, title=title, description=description)
    return Html(status=200, headers=HEADERS, body=body)


def redirect(path: str) -> Redirect:
    """Return the redirect from the API's root, whose URL has this path, to the page.

    The Location is relative, so it is right behind a stage, a custom domain or a proxy. A relative URL
    replaces the text after the path's last slash: `/prod` and `/prod/` both lead to `/prod/docs`.
    """
    last = path.rpartition("/")[2]
    return Redirect(status=302, headers={"Location": f"{last}/docs" if last else "docs"}, body="")


def asset(name: str, wanted: str | None, known: str | None) -> Asset:
    """Return a file of the page.

    `wanted` is the version in the URL; `known` is the request's If-None-Match. Raises NotFound.
    """
    if name not in ASSETS:
        raise NotFound(f"The page has no file {name}.")
    etag = f'"{version(name)}"'
    headers = {"Content-Type": ASSETS[name][0], "ETag": etag}
    # During a deployment a new page may call an old function: its answer must not be kept as the new version.
    if wanted == version(name):
        headers["Cache-Control"] = CACHED
    if known and etag in known:
        return Asset(status=304, headers=headers, body="")
    return Asset(status=200, headers=headers, body=_path(name).read_text())


@cache
def version(name: str) -> str:
    """Return the version of an asset: the start of its checksum."""
    return hashlib.sha256(_path(name).read_bytes()).hexdigest()[:16]


def _path(name: str) -> Path:
    own = FOLDER / ASSETS[name][1]
    return own if own.exists() else _package() / ASSETS[name][1]


def _package() -> Path:
    spec = find_spec(PACKAGE)
    if spec is None or not spec.submodule_search_locations:
        raise FileNotFoundError(f"{PACKAGE} is not installed; root's requirements.txt pins it")
    return Path(spec.submodule_search_locations[0]) / "static" / PACKAGE / "swagger-ui-dist"
