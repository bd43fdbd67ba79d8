"""An API that does nothing, to measure the framework: routing, parsing, presenting, logging."""

from typing import Any

from shared.http.api import Api
from shared.http.identity import GUEST, Caller
from shared.http.routing import Routes, View

routes = Routes()


class OrderView(View):
    order_id: str


@routes.get("/orders/{order_id}", role=GUEST)
def read_order(caller: Caller, order_id: str) -> OrderView:
    return OrderView(order_id=order_id)


api = Api(routes)


def raw(event: dict[str, Any], context: object) -> dict[str, Any]:
    """Return the same response without the framework."""
    view = OrderView(order_id=event["pathParameters"]["order_id"])
    return {"statusCode": 200, "headers": {}, "body": view.model_dump_json()}
