"""An API that does nothing, to weigh the frame alone: routing, parsing, presenting, logging."""

from typing import Any

from shared.http import Api, Routes, View
from shared.identity import GUEST, Caller

routes = Routes()


class Nothing(View):
    order_id: str


@routes.get("/orders/{order_id}", role=GUEST)
def framed(caller: Caller, order_id: str) -> Nothing:
    return Nothing(order_id=order_id)


api = Api(routes)


def raw(event: dict[str, Any], context: object) -> dict[str, Any]:
    """The same without the frame."""
    view = Nothing(order_id=event["pathParameters"]["order_id"])
    return {"statusCode": 200, "headers": {}, "body": view.model_dump_json()}
