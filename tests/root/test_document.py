"""The API document as root serves it."""

from urllib.parse import urljoin

from root.app import api
from root.document import document
from tests.support import call


def test_the_document_names_its_own_deployment_as_the_server():
    served = call(api, "GET", "/openapi.json").json
    assert served == document() | {"servers": served["servers"]}
    (server,) = served["servers"]
    for base in ("https://abc.execute-api.eu-west-1.amazonaws.com/prod/", "https://api.shop.example/"):
        assert urljoin(f"{base}openapi.json", server["url"]) == base


def test_caches_may_keep_the_document_and_ask_whether_it_changed():
    first = call(api, "GET", "/openapi.json")
    assert (first.header("Content-Type"), first.header("Cache-Control")) == (
        "application/json",
        "public, max-age=300",
    )
    etag = first.header("ETag") or ""
    again = call(api, "GET", "/openapi.json", headers={"If-None-Match": f'"other", {etag}'})
    assert (again.status, again.text, again.header("ETag")) == (304, "", etag)
    assert again.header("Cache-Control") == first.header("Cache-Control")
    assert call(api, "GET", "/openapi.json", headers={"If-None-Match": '"other"'}).text == first.text
