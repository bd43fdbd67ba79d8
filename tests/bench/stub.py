"""A local DynamoDB that returns one order, and the request for that order."""

import json
import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

from orders.domain import paying, placing
from orders.domain.orders import Order
from orders.domain.terms import agree
from orders.tables.packing import to_row
from tests.orders.samples import ADDRESS, NOW, payment_update, quote
from tests.support import customer, gateway_event

API = "OrdersApi"
SHOPPER = customer()
ORDER_ID = "ord_01J9ZB0H3K8Q7W6E5R4T3Y2U1I"


def event() -> dict[str, Any]:
    """Return the event of API Gateway for GET of the order; it is the same in each process."""
    routes = SimpleNamespace(routes=["/orders/{order_id}"])
    created = gateway_event(routes, "GET", f"/orders/{ORDER_ID}", caller=SHOPPER)
    created["requestContext"]["requestId"] = "c1b7b6a0-0000-4000-8000-000000000001"
    return created


def order() -> Order:
    """Return a paid order of three lines."""
    terms = agree(quote(user_id=SHOPPER.user_id), ADDRESS, "ada@example.com", NOW, timedelta(minutes=30))
    placed = placing.place(placing.open_order(ORDER_ID, SHOPPER.user_id, NOW), terms)
    return paying.apply_payment(
        placed, payment_update(terms.total.amount, "pay_01J9ZB0H3K8Q7W6E5R4T3Y2U1I"), NOW
    )


class Server(socketserver.ThreadingTCPServer):
    """Answers each request with one item, and counts the requests.

    Each response is one write, so that a client reads it in the same steps each time.
    """

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Connection)
        self.requests = 0
        body = json.dumps({"Item": to_row(order()).serialize()}).encode()
        head = "HTTP/1.1 200 OK\r\nContent-Type: application/x-amz-json-1.0\r\nContent-Length: {}\r\n\r\n"
        self.response = head.format(len(body)).encode() + body

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


class Connection(socketserver.StreamRequestHandler):
    disable_nagle_algorithm = True
    server: Server

    def handle(self) -> None:
        while self.rfile.readline().strip():
            length = 0
            while header := self.rfile.readline().strip():
                name, _, value = header.partition(b":")
                length = int(value) if name.lower() == b"content-length" else length
            self.rfile.read(length)
            self.server.requests += 1
            self.wfile.write(self.server.response)


@contextmanager
def dynamodb() -> Iterator[Server]:
    """Run the server on a free local port, in a thread."""
    with Server() as server:
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        yield server
        server.shutdown()
