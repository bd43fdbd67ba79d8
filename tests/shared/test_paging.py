"""Pages: how much a request reads and returns, and where the next page continues."""

import json
import threading
from contextvars import ContextVar
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cart.tables.rows import CouponRow
from shared.dynamodb import pages
from shared.dynamodb.pages import Found, page_of, read_page
from shared.dynamodb.rows import connection_of
from shared.errors import Malformed
from shared.http import paging
from shared.http.paging import Cursors, Page
from shared.http.routing import View
from shared.runtime import clock, observability
from shared.runtime.parallel import in_parallel

CURSORS = Cursors(lambda: "a test key of 32 bytes or more, for cursors")


@pytest.fixture
def coupons(cloud):
    """Two hundred coupons; the version of every fiftieth is 2."""
    for n in range(200):
        CouponRow(
            pk=f"coupon#{n:03}",
            code=f"{n:03}",
            listed="coupon",
            version=1 + (n % 50 == 49),
            updated_at=clock.now(),
        ).save()


def read(limit: int, start: Any = None, version: int | None = 2, page_size: int = 10) -> Found[str]:
    query = CouponRow.by_code.query(
        "coupon",
        filter_condition=CouponRow.version == version if version else None,
        page_size=page_size,
        last_evaluated_key=start,
    )
    return read_page(query, CouponRow, limit).map(lambda row: row.code)


def read_all(limit: int, **options: Any) -> list[list[str]]:
    found: list[list[str]] = []
    start = None
    while not found or start:
        page = read(limit, start, **options)
        found.append([*page.items])
        start = page.last
    return found


def test_an_unfiltered_page_is_one_query_and_ends_exactly(coupons):
    assert read_all(100, version=None, page_size=101) == [
        [f"{n:03}" for n in range(100)],
        [f"{n:03}" for n in range(100, 200)],
    ]


def test_a_filtered_page_continues_until_it_is_full(coupons):
    assert read_all(3) == [["049", "099", "149"], ["199"]]
    assert read_all(4) == [["049", "099", "149", "199"]]


def test_a_page_ends_early_when_it_examined_many_rows(coupons, monkeypatch):
    monkeypatch.setattr(pages, "MAX_EXAMINED", 60)
    assert read_all(3, page_size=60) == [["049"], ["099"], ["149"], ["199"]]
    assert read_all(3, version=3, page_size=60) == [[], [], [], []], "no row matches"


def test_a_page_ends_early_after_many_queries(coupons, monkeypatch):
    monkeypatch.setattr(pages, "MAX_QUERIES", 1)
    assert [code for page in read_all(2) for code in page] == ["049", "099", "149", "199"]
    assert len(read_all(2)) == 21, "20 Queries read all rows, and the last key leads to none"


def test_further_queries_read_the_rest_at_once(coupons):
    sizes = []

    def note(params: Any, **_: Any) -> None:
        sizes.append(json.loads(params["body"])["Limit"])

    events = connection_of(CouponRow).client.meta.events
    events.register("before-call.dynamodb.Query", note)
    read(3)
    events.unregister("before-call.dynamodb.Query", note)
    assert sizes == [10, pages.MAX_EXAMINED - 10]


class Thing(View):
    """A thing with a text."""

    text: str


def listed(texts: list[str], start: int) -> Any:
    numbered = list(enumerate(texts))[start:]
    return CURSORS.listed(page_of(numbered, 100, lambda each: {"after": each[0]}), "things")


def bodies(texts: list[str]) -> list[str]:
    """Return the JSON of all pages, following their cursors."""
    found, start = [], 0
    while True:
        page = Page[Thing].of_items(listed(texts, start), lambda each: Thing(text=each[1]))
        found.append(page.fitting_json())
        cursor = json.loads(found[-1])["next_cursor"]
        if cursor is None:
            return found
        start = (CURSORS.read(cursor, "things") or {})["after"] + 1


@given(st.lists(st.text('a"é漢😀\\\x01', max_size=300), max_size=30))
def test_pages_have_a_maximum_size_and_contain_every_item_once(texts):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(paging, "MAX_PAGE_BYTES", 1_500)
        patch.setattr(paging, "_FRAME", 200)
        found = bodies(texts)
    items = [json.loads(body)["items"] for body in found]
    assert [item["text"] for page in items for item in page] == texts
    for body, page in zip(found, items, strict=True):
        size = len(json.dumps({"body": body}, ensure_ascii=False).encode()) - len('{"body": }')
        assert size <= 1_500 or len(page) == 1


def test_a_page_of_ordinary_size_is_serialized_once(monkeypatch):
    page = Page[Thing].of_items(listed(["a"] * 100, 0), lambda each: Thing(text=each[1]))
    monkeypatch.setattr(paging, "_size", None)
    assert len(json.loads(page.fitting_json())["items"]) == 100


def test_a_cursor_of_another_list_is_malformed():
    cursor = listed(["a", "b"], 0).cursor_after(1)
    assert CURSORS.read(cursor, "things") == {"after": 0}
    with pytest.raises(Malformed):
        CURSORS.read(cursor, "others")


def test_parallel_calls_run_at_once_in_order_and_in_their_context():
    variable: ContextVar[str] = ContextVar("variable")
    variable.set("caller's")
    observability.begin("req-1")
    barrier = threading.Barrier(8, timeout=10)

    def work(number: int) -> tuple[int, str, str]:
        barrier.wait()  # fails unless eight calls run at once
        return number, variable.get(), observability.request_id()

    assert in_parallel(work, range(8)) == [(number, "caller's", "req-1") for number in range(8)]


def test_parallel_calls_raise_what_one_of_them_raises():
    def work(number: int) -> int:
        if number == 2:
            raise ValueError("two")
        return number

    with pytest.raises(ValueError, match="two"):
        in_parallel(work, range(4))
