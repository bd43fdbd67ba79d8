"""What came back, as a shop takes it: shipped, delivered, asked for, approved, received, refunded."""

from localstack.demo.replay.returns import Parcel
from localstack.demo.replay.selling import Selling
from localstack.demo.shopper import staff_ships, until
from localstack.mail.templates import letters


def send_back(selling: Selling, parcel: Parcel) -> None:
    """One parcel's way to the customer and back, until the money is. Raises LocalCloudError.

    Days lie between these steps in a shop. Here each waits for the letter about the one before, since what
    says that something is to come is not sent once it has come.
    """
    order = selling.orders[parcel.sale.invoice]
    shopper, staff = selling.shoppers[parcel.sale.customer], selling.staff
    path = f"/orders/{order['order_id']}"
    found = shopper.shop.expect(200, "GET", path)
    told = letters(selling.cloud, shopper.email)

    def await_letter(name: str) -> None:
        told[name] += 1
        until(
            lambda: letters(selling.cloud, shopper.email)[name] >= told[name],
            f"{shopper.email} to be told: {name}",
        )

    if found["status"] == "paid":
        staff_ships(staff, order)
        await_letter("shipped")
        staff.expect(200, "PUT", f"{path}/status", {"status": "delivered"})
        await_letter("delivered")
    asked = shopper.send_back(order, dict(parcel.pieces), f"as by the real invoice {parcel.invoice}")
    settle = f"{path}/returns/{asked['return_id']}"
    staff.expect(200, "PUT", settle, {"status": "approved"})
    await_letter("return approved")
    staff.expect(200, "PUT", settle, {"status": "received", "restock": True})
    back = found["refunded"]["amount"] + parcel.pence

    def refunded() -> bool:
        return bool(shopper.shop.expect(200, "GET", path)["refunded"]["amount"] >= back)

    until(refunded, f"{parcel.pence} pence to go back for {parcel.invoice}")
