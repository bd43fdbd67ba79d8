"""Examples of request bodies: name of the schema → an example that is valid for it."""

from typing import Any

_ADDRESS = {
    "name": "Ada Lovelace",
    "line1": "12 St James's Square",
    "city": "London",
    "postal_code": "SW1Y 4JH",
    "country": "GB",
}
_SESSION = "ses_01JD8X3N5V9YQ2T4K6M8P0R2S4.secret"

EXAMPLES: dict[str, dict[str, Any]] = {
    "AddCartItem": {"sku": "MUG-RED", "quantity": 2},
    "AdjustStock": {"delta": -2, "reason": "broken in the warehouse"},
    "CapturePayment": {"amount": {"amount": 1299, "currency": "GBP"}},
    "CreateCoupon": {
        "code": "SPRING-26",
        "kind": "percentage",
        "value": 10,
        "min_subtotal": {"amount": 2000, "currency": "GBP"},
        "ends_at": "2026-06-01T00:00:00Z",
    },
    "DecideReturn": {"status": "received", "restock": True},
    "FulfilOrder": {
        "lines": [{"sku": "MUG-RED", "quantity": 1}],
        "carrier": "Royal Mail",
        "tracking": "AB123456789GB",
    },
    "Login": {"email": "ada@example.com", "password": "correct horse battery staple"},
    "Logout": {"refresh_token": _SESSION},
    "MergeCarts": {"guest_token": "eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiJnc3RfMSJ9.c2lnbmF0dXJl"},
    "OpenPayment": {"order_id": "ord_01JD8X3N5V9YQ2T4K6M8P0R2S4", "method": "payment_intent"},
    "PlaceOrder": {
        "quote_token": "eyJhbGciOiJIUzI1NiJ9.eyJxdW90ZSI6e319.c2lnbmF0dXJl",
        "email": "ada@example.com",
    },
    "PutCouponOnCart": {"code": "SPRING-26"},
    "PutShippingMethod": {
        "name": "Standard (2 to 4 days)",
        "countries": ["GB"],
        "rates": [
            {"min_subtotal": {"amount": 0, "currency": "GBP"}, "price": {"amount": 395, "currency": "GBP"}},
            {"min_subtotal": {"amount": 5000, "currency": "GBP"}, "price": {"amount": 0, "currency": "GBP"}},
        ],
    },
    "PutTaxRate": {"rate_bp": 2000, "inclusive": True},
    "RefreshTokens": {"refresh_token": _SESSION},
    "RefundPayment": {"amount": {"amount": 500, "currency": "GBP"}, "reason": "damaged on arrival"},
    "Register": {
        "email": "ada@example.com",
        "password": "correct horse battery staple",
        "name": "Ada Lovelace",
    },
    "ReplaceCoupon": {"kind": "fixed", "value": {"amount": 500, "currency": "GBP"}, "usage_limit": 100},
    "RequestQuote": {"shipping_address": _ADDRESS, "shipping_method": "standard"},
    "RequestReturn": {"lines": [{"sku": "MUG-RED", "quantity": 1}], "reason": "The handle is broken."},
    "SaveCategory": {"name": "Mugs", "position": 1},
    "SaveProduct": {
        "title": "Mug",
        "description": "Holds 300 ml.",
        "category_ids": ["mugs"],
        "status": "active",
        "attributes": {"material": "stoneware"},
        "variants": [
            {
                "sku": "MUG-RED",
                "title": "Red",
                "options": {"colour": "red"},
                "price": {"amount": 1299, "currency": "GBP"},
                "stock": 40,
            }
        ],
    },
    "SendEmail": {
        "to": "ada@example.com",
        "subject": "Your question about order 4P8HX-4B1AN",
        "text": "The mug holds 300 ml.",
    },
    "SendSms": {"to": "+44 7911 123456", "message": "Your order is ready to be collected."},
    "SetCartItem": {"quantity": 3},
    "SetOrderStatus": {"status": "shipped", "carrier": "Royal Mail", "tracking": "AB123456789GB"},
    "SetStock": {"on_hand": 40},
    "UpdatePreferences": {
        "email": {"orders": True, "marketing": False},
        "sms": {"orders": True, "marketing": False},
        "language": "en",
    },
}
