"""The replay of one return: shipped, delivered, requested, approved, received, refunded."""

from localstack.demo.replay.returns import SaleReturn
from localstack.demo.replay.sales_replay import SalesReplay
from localstack.demo.shopper import ship_order, until
from localstack.mail.sent import count_by_kind


def replay_return(sales_run: SalesReplay, sale_return: SaleReturn) -> None:
    """Ship and deliver the order, return the goods and wait for the refund. Raises LocalCloudError.

    Each step waits for the previous step's email, because notify suppresses an email that a later event has
    superseded.
    """
    order = sales_run.orders[sale_return.sale.invoice]
    shopper, staff = sales_run.shoppers[sale_return.sale.customer], sales_run.staff
    path = f"/orders/{order['order_id']}"
    found = shopper.shop.expect(200, "GET", path)
    expected = count_by_kind(sales_run.cloud, shopper.email)

    def wait_for_email(name: str) -> None:
        expected[name] += 1
        until(
            lambda: count_by_kind(sales_run.cloud, shopper.email)[name] >= expected[name],
            f"the email '{name}' to {shopper.email}",
        )

    if found["status"] == "paid":
        ship_order(staff, order)
        wait_for_email("shipped")
        staff.expect(200, "PUT", f"{path}/status", {"status": "delivered"})
        wait_for_email("delivered")
    reason = f"real invoice {sale_return.invoice}"
    requested = shopper.request_return(order, dict(sale_return.pieces), reason)
    return_path = f"{path}/returns/{requested['return_id']}"
    staff.expect(200, "PUT", return_path, {"status": "approved"})
    wait_for_email("return approved")
    staff.expect(200, "PUT", return_path, {"status": "received", "restock": True})
    expected_refund = found["refunded"]["amount"] + sale_return.pence

    def refunded() -> bool:
        return bool(shopper.shop.expect(200, "GET", path)["refunded"]["amount"] >= expected_refund)

    until(refunded, f"a refund of {sale_return.pence} pence for {sale_return.invoice}")
