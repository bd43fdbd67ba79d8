"""Every answer to generated requests is documented, and none is a server error."""

from pathlib import Path

from tests.generated_requests import Requests, check_all
from tests.schemathesis_hooks import UNUSED_COUNTRY
from tests.simulator.gateway import Gateway
from tests.simulator.shopping import ADA, GUEST, open_shop, paid_order, placed_order, read
from tests.simulator.simulator import Simulator
from tests.support import Identity, staff

CALLERS = {"guest": GUEST, "customer": ADA, "staff": staff()}


def _known(simulator: Simulator, who: Identity, order_id: str) -> dict[str, list[str]]:
    order = read(simulator, who, order_id).json
    return {
        "order_id": [order_id],
        "payment_id": [order["payment_id"] or "pay_unknown"],
        "product_id": [order["lines"][0]["product_id"]],
        "sku": ["MUG"],
        "country": [UNUSED_COUNTRY],
        "method": ["generated"],
    }


def test_every_answer_is_documented_and_none_is_a_server_error(simulator: Simulator, tmp_path: Path) -> None:
    open_shop(simulator, {"MUG": 1_000})
    of_ada = _known(simulator, ADA, paid_order(simulator, ADA, "MUG", 3))
    of_guest = _known(simulator, GUEST, placed_order(simulator, GUEST, "MUG", 1))
    with Gateway(simulator, CALLERS) as gateway:
        check_all(
            gateway.url,
            tmp_path,
            # Root is not wired here, so its health check has no functions to invoke.
            Requests("nobody", None, of_ada, "fuzzing", 5, "/health"),
            Requests("guest", "guest", of_guest, "fuzzing", 5, "/health"),
            Requests("customer", "customer", of_ada, "fuzzing", 5, "/health"),
            Requests("staff", "staff", of_ada, "examples,coverage,fuzzing", 5, "/health"),
        )
