"""The documentation page in a real browser, at desktop and phone width.

Screenshots are saved in the folder SCREENSHOTS, or else in pytest's temporary folder.
"""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

CHROMIUMS = ("chromium", "chromium-browser", "google-chrome")
SIZES = {"desktop": (1280, 800), "phone": (390, 844)}


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    found = next(filter(None, map(shutil.which, CHROMIUMS)), None)
    if found is None:
        # In CI no test may be skipped, so a missing browser is a failure.
        (pytest.fail if os.environ.get("CI") else pytest.skip)(f"none of {', '.join(CHROMIUMS)} is installed")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture(params=SIZES)
def size(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def page(browser: Browser, size: str, url: str) -> Iterator[Page]:
    """Return the open page. At the end, check that it reported no error and called no other host."""
    width, height = SIZES[size]
    context = browser.new_context(
        viewport={"width": width, "height": height}, is_mobile=size == "phone", has_touch=size == "phone"
    )
    page = context.new_page()
    page.set_default_timeout(20_000)
    reported: list[str] = []
    hosts: set[str] = set()
    # A violation of the Content-Security-Policy is a message of the console too.
    page.on("console", lambda message: reported.append(message.text) if message.type != "info" else None)
    page.on("pageerror", lambda error: reported.append(str(error)))
    page.on("request", lambda request: hosts.add(urlsplit(request.url).netloc))
    page.goto(f"{url}/")
    yield page
    context.close()
    assert reported == []
    assert hosts - {""} == {urlsplit(url).netloc}


def test_the_root_leads_to_the_page_and_it_fits_the_screen(
    page: Page, url: str, size: str, tmp_path: Path, anonymous: Any
) -> None:
    assert page.url == f"{url}/docs"
    document = anonymous.expect(200, "GET", "/openapi.json")
    expect(page.get_by_role("heading", name=document["info"]["title"])).to_be_visible()
    operations = sum(len(operations) for operations in document["paths"].values())
    expect(page.locator(".opblock")).to_have_count(operations)
    page.screenshot(path=Path(os.environ.get("SCREENSHOTS", tmp_path)) / f"docs-{size}.png")
    assert page.evaluate("document.documentElement.scrollWidth") <= SIZES[size][0]


def test_the_search_finds_operations_by_summary_and_path(page: Page) -> None:
    field = page.get_by_placeholder("Search operations")
    field.fill("place order")
    expect(page.locator(".opblock")).to_have_count(1)
    expect(page.locator(".opblock")).to_contain_text("/orders")
    field.fill("/cart/items delete")
    expect(page.locator(".opblock .opblock-summary-method")).to_have_text(["DELETE"])
    field.fill("no such operation")
    expect(page.locator(".opblock")).to_have_count(0)


def test_a_public_operation_can_be_called(page: Page, url: str, size: str, tmp_path: Path) -> None:
    operation = page.locator(".opblock", has=page.locator('[data-path="/health"]'))
    operation.locator(".opblock-summary-control").click()
    operation.get_by_role("button", name="Try it out").click()
    operation.get_by_role("button", name="Execute").click()
    live = operation.locator(".live-responses-table")
    # The health check starts every service.
    expect(live.locator(".response-col_status").last).to_contain_text("200", timeout=60_000)
    expect(operation.locator(".request-url")).to_contain_text(f"{url}/health")
    expect(live).to_contain_text('"status": "ok"')
    page.screenshot(path=Path(os.environ.get("SCREENSHOTS", tmp_path)) / f"docs-{size}-health.png")
    assert page.evaluate("document.documentElement.scrollWidth") <= SIZES[size][0]


def test_without_javascript_the_page_names_the_document(browser: Browser, url: str) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(f"{url}/docs")
    expect(page.get_by_role("link", name="openapi.json")).to_have_attribute("href", "openapi.json")
    context.close()
