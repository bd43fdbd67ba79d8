"""The response of GET /orders/{order_id}, built from a row with nothing but the standard library."""

import json
from datetime import UTC, datetime
from typing import Any


def document(row: dict[str, Any]) -> dict[str, Any]:
    """Return the document that the API returns. `row` maps column names to texts and numbers."""
    terms = json.loads(row["terms"])
    subtotal, discount, shipping, tax, _, total = terms["s"]
    refunded = sum(json.loads(row.get("refunded", "{}")).values())

    def money(amount: int) -> dict[str, Any]:
        return {"amount": amount, "currency": terms["c"]}

    def line(
        sku: str, product_id: str, title: str, quantity: int, price: int, tax: int = 0, discount: int = 0
    ) -> dict[str, Any]:
        return {
            "sku": sku,
            "product_id": product_id,
            "title": title,
            "quantity": quantity,
            "unit_price": money(price),
            "line_total": money(price * quantity),
            "discount": money(discount),
            "tax": money(tax),
            "fulfilled": 0,
            "returned": 0,
        }

    return {
        "order_id": row["order_id"],
        "number": row["number"],
        "user_id": row["user_id"],
        "status": row["status"],
        "lines": [line(*packed) for packed in terms["l"]],
        "subtotal": money(subtotal),
        "discount": money(discount),
        "shipping": money(shipping),
        "tax": money(tax),
        "tax_inclusive": not terms["x"],
        "total": money(total),
        "refunded": money(refunded),
        "coupon": terms["k"],
        "shipping_method": terms["m"],
        "shipping_address": {"line2": None, "region": None, "phone": None} | terms["a"],
        "email": terms["e"],
        "placed_at": datetime.fromtimestamp(terms["at"][0] / 1000, UTC).isoformat().replace("+00:00", "Z"),
        "expires_at": row.get("expires_at"),
        "payment_id": row.get("payment_id"),
        "invoice_number": json.loads(row["invoice"])[0] if "invoice" in row else None,
        "reason": row.get("reason"),
        "fulfilments": [],
        "returns": [],
        "version": int(row["version"]),
    }
