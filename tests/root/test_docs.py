"""The documentation page, its files and the redirect to it."""

import json
import re
from urllib.parse import urljoin

import pytest

from root.app import api
from root.docs import ASSETS
from tests.support import Context, Reply, call, gateway_event

PAGE_URL = "https://api.example/prod/docs"
LAMBDA_LIMIT = 6 * 2**20  # bytes of a response as JSON


def links() -> dict[str, str]:
    """Return the links of the page: name of the file → URL below /docs."""
    found = re.findall(r'(?:src|href)="(docs/([^"?]+)[^"]*)"', call(api, "GET", "/docs").text)
    return {name: f"/{url}" for url, name in found}


def test_the_page_shows_the_title_and_names_the_document_without_javascript():
    reply = call(api, "GET", "/docs")
    assert (reply.status, reply.header("Content-Type")) == (200, "text/html; charset=utf-8")
    title = json.loads(call(api, "GET", "/openapi.json").text)["info"]["title"]
    assert f"<title>{title} API</title>" in reply.text
    (without_javascript,) = re.findall(r"<noscript>(.*?)</noscript>", reply.text, re.DOTALL)
    assert 'href="openapi.json"' in without_javascript
    assert 'name="viewport" content="width=device-width' in reply.text
    assert "$" not in reply.text


def test_the_policy_allows_only_the_pages_own_files():
    policy = call(api, "GET", "/docs").header("Content-Security-Policy") or ""
    directives = dict(part.strip().split(" ", 1) for part in policy.split(";"))
    assert directives["default-src"] == directives["frame-ancestors"] == directives["base-uri"] == "'none'"
    assert directives["script-src"] == directives["style-src"] == directives["connect-src"] == "'self'"
    assert "unsafe" not in policy


def test_the_page_has_no_inline_script_and_loads_only_its_own_files():
    text = call(api, "GET", "/docs").text
    assert re.findall(r"<script[^>]*>([^<]+)</script>|<style|\son\w+=|\sstyle=", text) == []
    assert set(links()) == set(ASSETS)
    assert re.findall(r'(?:src|href)="(?:https?:)?//', text) == []


@pytest.mark.parametrize("name", ASSETS)
def test_a_file_is_cached_under_its_version(name):
    reply = call(api, "GET", links()[name])
    assert reply.status == 200
    assert reply.header("Content-Type") == (
        "text/css; charset=utf-8" if name.endswith("css") else "text/javascript; charset=utf-8"
    )
    assert reply.header("Cache-Control") == "public, max-age=31536000, immutable"
    assert len(json.dumps({"headers": dict(reply.headers), "body": reply.text})) < LAMBDA_LIMIT * 0.9


def test_the_files_are_swagger_ui():
    assert "SwaggerUIBundle" in call(api, "GET", links()["viewer.js"]).text
    assert ".swagger-ui" in call(api, "GET", links()["viewer.css"]).text


@pytest.mark.parametrize("query", ["", "?v=0123456789abcdef"])
def test_a_file_is_not_cached_under_another_version(query):
    reply = call(api, "GET", f"/docs/start.js{query}")
    assert (reply.status, reply.header("Cache-Control")) == (200, "no-store")


def test_a_known_file_is_not_sent_again():
    url = links()["start.js"]
    first = call(api, "GET", url)
    etag = first.header("ETag") or ""
    again = call(api, "GET", url, headers={"If-None-Match": f'W/"other", {etag}'})
    assert (again.status, again.text, again.header("ETag")) == (304, "", etag)
    assert again.header("Cache-Control") == first.header("Cache-Control")
    assert call(api, "GET", url, headers={"If-None-Match": '"other"'}).status == 200


@pytest.mark.parametrize("name", ["nothing.js", "page.html", "__init__.py", "..%2F..%2Fapp.py", "LICENSE"])
def test_no_other_file_is_served(name):
    reply = call(api, "GET", f"/docs/{name}")
    assert (reply.status, reply.json["type"]) == (404, "/problems/not-found")


@pytest.mark.parametrize(
    ("path", "url"),
    [
        ("/prod/", "https://api.example/prod/docs"),
        ("/prod", "https://api.example/prod/docs"),
        ("/", "https://api.example/docs"),
        ("/v1", "https://api.example/v1/docs"),
    ],
)
def test_the_root_redirects_to_the_page_behind_any_path(path, url):
    event = gateway_event(api, "GET", "/")
    event["requestContext"]["path"] = path
    response = api(event, Context())
    reply = Reply(response["statusCode"], response["headers"], response["body"])
    assert reply.status == 302
    assert urljoin(f"https://api.example{path}", reply.header("Location") or "") == url
