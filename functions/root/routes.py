"""The HTTP routes of root."""

from typing import Annotated

from pydantic import Field

from root import docs, health
from root.document import asset
from root.health import Health
from shared.errors import NotFound
from shared.http.responses import Asset, Html, JsonAsset, Redirect
from shared.http.routing import Body, Raw, Routes

routes = Routes()


class DocsFileQuery(Body):
    """`v`: the version of the file that the page links to."""

    v: Annotated[str, Field(max_length=64)] | None = None


@routes.get("/", status=302)
def redirect_to_docs(request: Raw) -> Redirect:
    """Redirect to the documentation page."""
    return docs.redirect(request.path)


@routes.get("/health")
def read_health() -> Health:
    """Get the health of every service."""
    return health.check_services()


@routes.get("/openapi.json")
def read_document(request: Raw) -> JsonAsset:
    """Get the OpenAPI 3.1 document of this API."""
    return asset(request.headers.get("if-none-match"))


@routes.get("/docs")
def read_docs() -> Html:
    """Get the documentation page, which shows this API's operations and calls them."""
    return docs.page()


@routes.get("/docs/{file}", raises=(NotFound,))
def read_docs_file(file: str, query: DocsFileQuery, request: Raw) -> Asset:
    """Get a file of the documentation page."""
    return docs.asset(file, query.v, request.headers.get("if-none-match"))
