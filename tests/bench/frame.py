"""An API that does nothing, to weigh the frame alone: routing, parsing, presenting, logging."""

from typing import Any

from shared.http.api import Api
from shared.http.identity import GUEST, Caller
from shared.http.routing import Routes, View

routes = Routes()


class Empty(View):
    order_id: str


@routes.get("/orders/{order_id}", role=GUEST)
def framed(caller: Caller, order_id: str) -> Empty:
    return Empty(order_id=order_id)


api = Api(routes)


def raw(event: dict[str, Any], context: object) -> dict[str, Any]:
    """The same without the frame."""
    view = Empty(order_id=event["pathParameters"]["order_id"])
    return {"statusCode": 200, "headers": {}, "body": view.model_dump_json()}
