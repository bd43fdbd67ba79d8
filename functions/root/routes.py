"""The HTTP routes of root."""

from root import health
from root.document import DOCUMENT, docs_page
from root.health import Health
from shared.dynamodb.idempotency import HttpResponse
from shared.http.reading import JSON
from shared.http.routing import Html, Routes

routes = Routes()


@routes.get("/health")
def read_health() -> Health:
    """Get the health of every service."""
    return health.check_services()


@routes.get("/openapi.json")
def read_document() -> HttpResponse:
    """Get the OpenAPI 3.1 document of this API."""
    return HttpResponse(status=200, headers={"Content-Type": JSON}, body=DOCUMENT.read_text())


@routes.get("/docs")
def read_docs() -> Html:
    """Get a page that lists the operations of this API."""
    return Html(status=200, headers={"Content-Type": "text/html; charset=utf-8"}, body=docs_page())
