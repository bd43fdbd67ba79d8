"""No request reads more because the shop has more rows, and no page of a list exceeds its size."""

from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qsl, urlsplit
from uuid import uuid4

import pytest

from infra.openapi.declared import routes
from notify.domain.messages import Category
from notify.unsubscribe_links import Unsubscription, link
from shared.dynamodb import pages
from shared.http import paging
from shared.http.identity import PUBLIC, STAFF
from shared.http.routing import Route
from tests.contracts.code_graph import code_graph
from tests.simulator import shopping
from tests.simulator.growth import SIZES, Reads, Shop, counted, growth, unknown_rows
from tests.simulator.shopping import ADA, BOB, gbp
from tests.simulator.simulator import Simulator
from tests.support import Identity, Reply, customer, staff

# Root's routes read no table.
ROUTES = [(name, route) for name, route in routes() if name != "RootApi"]
PLANTED = "a search without bounds"
# Route → the queries with which it is called; each filter occurs in one of them.
QUERIES: dict[str, list[str]] = {
    "list_products": [
        *("", "?limit=100", "?category=mugs", "?sort=price", "?category=mugs&sort=-price"),
        *("?q=mug", "?q=nothing", "?category=mugs&q=nothing", "?q=nothing&sort=price"),
        *("?min_price=1&max_price=2", "?sort=price&min_price=1&max_price=2", "?in_stock=true&q=nothing"),
    ],
    "list_all_orders": [
        *("", "?limit=100", "?status=paid", "?status=expired", "?number={number}"),
        *("?user_id=usr_ada", "?user_id=usr_ada&status=expired", "?user_id=usr_bob"),
        *("?from=2020-01-01&to=2020-01-02", "?user_id=usr_ada&from=2020-01-01&to=2020-01-02"),
    ],
    "list_notifications": ["", "?recipient=ada@example.com"],
    "list_payments": ["?order_id={order_id}"],
    "list_webhooks": ["", "?status=applied", "?status=failed"],
    "show_unsubscribe": ["?token={token}"],
}
EVE = customer("usr_eve")  # stands for the registered account
CALLERS = {"list_orders": [ADA, BOB], "read_me": [EVE]}  # Bob's orders were never placed


class Subject:
    """A shop in which everything that a route reads exists, with three of everything that a route changes."""

    def __init__(self, simulator: Simulator) -> None:
        self.simulator = simulator
        shopping.open_shop(simulator, {"MUG": 1_000})
        for name in ("Mugs", *(f"Empty {n}" for n in range(3))):
            self.staff("catalog", "POST", "/categories", {"name": name, "parent_id": None})
        self.products = [self.product(f"CUP-{n}") for n in range(4)]
        for method in ("express", "pick-up"):
            rates = [{"min_subtotal": gbp(0), "price": gbp(100)}]
            terms = {"name": method, "countries": ["GB"], "rates": rates}
            self.staff("cart", "PUT", f"/shipping-methods/{method}", terms)
        self.staff("cart", "PUT", "/tax-rates/GB", {"rate_bp": 2_000, "inclusive": True})
        account = {"email": "eve@example.com", "password": "a long password", "name": "Eve"}
        self.account = self.ok("users", "POST", "/users/register", account).json["user_id"]
        simulator.pump()
        self.order_id = shopping.paid_order(simulator, ADA, "MUG", 1, "read")
        order = shopping.read(simulator, ADA, self.order_id).json
        self.payment_id = order["payment_id"]
        self.staff("payments", "POST", f"/payments/{self.payment_id}/refunds", {"amount": gbp(1)})
        simulator.pump()
        run = self.staff("payments", "POST", "/admin/reconciliations", {}).json
        simulator.pump()
        token = link(Unsubscription("user", "usr_eve", Category.MARKETING)).partition("token=")[2]
        self.values = {
            "order_id": self.order_id,
            "number": order["number"],
            "payment_id": self.payment_id,
            "product_id": self.products[0],
            "reconciliation_id": run["reconciliation_id"],
            "sku": "MUG",
            "code": shopping.COUPON,
            "method": "standard",
            "country": "GB",
            "token": token,
        }
        self.unpaid = [shopping.placed_order(simulator, ADA, "MUG", 1, f"unpaid {n}") for n in range(3)]
        self.paid = [shopping.paid_order(simulator, ADA, "MUG", 1, f"paid {n}") for n in range(12)]
        self.returns = [self.approved_return(order_id) for order_id in self.paid[:3]]
        simulator.capture = "manual"
        self.authorized = [shopping.paid_order(simulator, ADA, "MUG", 1, f"auth {n}") for n in range(3)]

    def ok(
        self, service: str, method: str, path: str, body: Any = None, who: Identity | None = None
    ) -> Reply:
        """Send a request, which must succeed."""
        key = str(uuid4()) if method == "POST" else None
        reply = self.simulator.call(service, method, path, body, who, key)
        assert reply.status < 300, reply.text
        return reply

    def staff(self, service: str, method: str, path: str, body: Any = None) -> Reply:
        return self.ok(service, method, path, body, staff())

    def product(self, sku: str) -> str:
        product_id: str = self.staff("catalog", "POST", "/products", self.content(sku)).json["product_id"]
        return product_id

    def content(self, sku: str) -> dict[str, Any]:
        variants = [{"sku": sku, "price": gbp(500), "stock": 5}]
        return {"title": "A cup", "status": "active", "category_ids": ["mugs"], "variants": variants}

    def approved_return(self, order_id: str) -> str:
        shopping.set_status(self.simulator, order_id, "shipped")
        requested = shopping.request_return(
            self.simulator, ADA, order_id, {"MUG": 1}, f"return {order_id}"
        ).json
        shopping.decide_return(self.simulator, order_id, requested["return_id"], "approved")
        return str(requested["return_id"])

    def payment_of(self, order_id: str) -> str:
        return str(shopping.read(self.simulator, ADA, order_id).json["payment_id"])

    def get(self, function: str, route: Route, query: str, who: Identity | None) -> Reply:
        """Send a GET request with the values of this shop in its path and query."""
        who = customer(self.account) if who == EVE else who
        path = (route.path + query).format_map(self.values)
        service = route.view.__module__.partition(".")[0]
        return self.simulator.call(service, "GET", path, None, who)


# The n-th request of each route that changes something and reads with a Query.
WRITES: dict[str, Callable[[Subject, int], Reply]] = {
    "create_category": lambda s, n: s.staff("catalog", "POST", "/categories", {"name": f"New {n}"}),
    "replace_category": lambda s, n: s.staff("catalog", "PUT", "/categories/mugs", {"name": f"Mugs {n}"}),
    "drop_category": lambda s, n: s.staff("catalog", "DELETE", f"/categories/empty-{n}"),
    "create_product": lambda s, n: s.staff("catalog", "POST", "/products", s.content(f"NEW-{n}")),
    "replace_product": lambda s, n: s.staff(
        "catalog", "PUT", f"/products/{s.products[0]}", s.content("CUP-0") | {"title": f"Cup {n}"}
    ),
    "archive_product": lambda s, n: s.staff("catalog", "DELETE", f"/products/{s.products[n + 1]}"),
    "fulfil_order": lambda s, n: shopping.ship(s.simulator, s.paid[3 + n], f"ship {n}"),
    "set_order_status": lambda s, n: shopping.set_status(s.simulator, s.paid[6 + n], "shipped"),
    "decide_return": lambda s, n: shopping.decide_return(
        s.simulator, s.paid[n], s.returns[n], "received", True
    ),
    "open_payment": lambda s, n: shopping.open_payment(s.simulator, ADA, s.unpaid[n], f"open {n}"),
    "capture_payment": lambda s, n: s.staff(
        "payments", "POST", f"/payments/{s.payment_of(s.authorized[n])}/capture", {}
    ),
    "refund_payment": lambda s, n: s.staff(
        "payments", "POST", f"/payments/{s.payment_of(s.paid[9 + n])}/refunds", {"amount": gbp(1)}
    ),
    "unsubscribe": lambda s, n: s.ok(
        "notify", "POST", f"/notifications/unsubscribe?token={s.values['token']}"
    ),
}


def _variants(route: Route) -> list[tuple[str, Identity | None]]:
    """Return the queries and callers with which the route is called."""
    name = route.view.__name__
    default = None if route.role == PUBLIC else staff() if route.role >= STAFF else ADA
    callers = CALLERS.get(name, [default])
    if name == "list_notifications":
        return [("", ADA), *((query, staff()) for query in QUERIES[name] if query)]
    return [(query, who) for query in QUERIES.get(name, [""]) for who in callers]


def _measure(subject: Subject, read: Callable[[], Reads], number: int) -> dict[str, Reads]:
    """Return the reads of each request."""
    found = {}
    for function, route in ROUTES:
        if route.method != "GET":
            continue
        for query, who in _variants(route):
            read()
            reply = subject.get(function, route, query, who)
            label = f"GET {route.path}{query} {who.user_id if who else ''}"
            found[label] = read()
            assert reply.status == 200, f"{label}: {reply.text}"
    for name, write in WRITES.items():
        read()
        reply = write(subject, number)
        found[name] = read()
        assert reply.status < 300, f"{name}: {reply.text}"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pages, "MAX_EXAMINED", 10**9)
        patch.setattr(pages, "MAX_QUERIES", 10**9)
        read()
        subject.simulator.call("catalog", "GET", "/products?q=nothing")
        found[PLANTED] = read()
    return found


def test_no_request_reads_more_in_a_larger_shop(simulator: Simulator) -> None:
    subject = Subject(simulator)
    assert not unknown_rows(), "state in GROWING or NOT_LISTED whether requests list these rows"
    shop = Shop()
    measured = []
    with counted() as read:
        for number, size in enumerate(SIZES):
            shop.grow(size)
            measured.append(_measure(subject, read, number))
            if size == SIZES[0]:
                _check_that_pages_are_cut(subject)
    found = {
        label: text
        for label in measured[0]
        if (text := growth({size: each[label] for size, each in zip(SIZES, measured, strict=True)}))
    }
    assert PLANTED in found, "the measurement does not find a search that reads all products"
    del found[PLANTED]
    assert not found, "\n".join(f"{label}: {text}" for label, text in found.items())


def _check_that_pages_are_cut(subject: Subject) -> None:
    """Check that each list ends its page before MAX_PAGE_BYTES, and continues with the next item."""
    for function, route in ROUTES:
        if route.query is None or "cursor" not in route.query.model_fields:
            continue
        query, who = _variants(route)[0]
        joined = "&" if query else "?"
        whole = subject.get(function, route, f"{query}{joined}limit=3", who).json["items"]
        assert len(whole) >= 2, f"the shop has too few rows for {route.path}"
        found: list[Any] = []
        more = ""
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(paging, "MAX_PAGE_BYTES", 1)
            while len(found) < len(whole):
                page = subject.get(function, route, f"{query}{joined}limit=100{more}", who).json
                assert len(page["items"]) == 1, f"{route.path} does not use Page.of_items"
                found += page["items"]
                more = f"&cursor={page['next_cursor']}"
        assert found == whole, route.path


def test_every_filter_of_a_list_occurs_in_a_query() -> None:
    for _, route in ROUTES:
        if route.method == "GET" and route.query:
            fields = {field.alias or name for name, field in route.query.model_fields.items()}
            used = {
                name
                for query in QUERIES.get(route.view.__name__, [])
                for name, _ in parse_qsl(urlsplit(query).query)
            }
            assert fields - {"cursor", "limit"} <= used, f"add {fields - used} of {route.path} to QUERIES"


def test_every_write_that_queries_is_measured() -> None:
    for _, route in ROUTES:
        place = (route.view.__module__, route.view.__qualname__)
        names = code_graph(place[0].partition(".")[0]).reachable(place)
        if route.method != "GET" and names & {"query", "scan"}:
            assert route.view.__name__ in WRITES, f"add {route.method} {route.path} to WRITES"


@pytest.mark.parametrize(
    ("calls", "rows", "grows"),
    [
        ((1, 1, 1), (21, 21, 21), False),
        ((1, 1, 1), (100, 2_000, 2_000), False),
        ((2, 4, 4), (100, 2_000, 2_000), False),
        ((1, 1, 2), (100, 2_000, 10_000), True),
        ((1, 20, 100), (1, 1, 1), True),
        ((9, 9, 10), (9, 9, 10), True),
    ],
)
def test_growth_is_more_calls_or_rows_beyond_the_bounds(calls, rows, grows) -> None:
    reads = {
        size: Reads(["dynamodb.Query"] * n, read) for size, n, read in zip(SIZES, calls, rows, strict=True)
    }
    assert bool(growth(reads)) is grows
