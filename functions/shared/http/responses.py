"""Responses that are no JSON view: pages, files and redirects."""

from typing import ClassVar

from shared.dynamodb.idempotency import HttpResponse


class Html(HttpResponse):
    """A response in HTML."""

    media_types = ("text/html",)


class Asset(HttpResponse):
    """A file of an HTML page. It has an ETag, and 304 answers an If-None-Match that names it."""

    media_types: ClassVar[tuple[str, ...]] = ("text/css", "text/javascript")


class JsonAsset(Asset):
    """A document in JSON that changes only with a deployment."""

    media_types = ("application/json",)


class Redirect(HttpResponse):
    """A redirect to the URL in the header Location."""

    media_types = ()
