"""The texts of the public document that no code contains: conventions, tags, roles and fields."""

from typing import Any

INFO: dict[str, Any] = {
    "title": "Tillstack",
    "version": "1",
    "summary": "An online shop: users, catalog, cart, orders, payments, notifications.",
    "description": """\
The API of an online shop. A purchase takes five requests: `POST /users/guest` (or `/users/login`),
`POST /cart/items`, `POST /cart/quote`, `POST /orders`, `POST /payments`.

## Data
Bodies are JSON. Times are RFC 3339 in UTC. Ids are opaque text with a prefix, such as `ord_…`; they sort by
creation time. Responses may gain fields, so ignore those that you do not know. Requests with unknown fields
are rejected.

**Money** is `{"amount": 1299, "currency": "GBP"}`: an integer in the minor unit of the currency (ISO 4217),
here £12.99. Every sum is exact. Only query parameters are bare numbers.

## Access
Send `Authorization: Bearer <access token>`. Tokens come from `POST /users/login`, `POST /users/guest` and
`POST /users/token`; an access token is valid for 15 minutes. A role includes the permissions of those before
it: `guest`, `customer`, `staff`, `admin`. Resources of other users are answered with 404, as if they did not
exist.

## Problems
Errors are `application/problem+json` (RFC 9457). `type` identifies the problem and never changes; `detail`
says what was wrong and what would be right; `request_id` equals the header `X-Request-Id`. A request that
cannot be parsed is 400. A well-formed request with invalid values is 422, with a JSON pointer (RFC 6901) for
each invalid field in `errors`. A method that a path does not have is 405, with the header `Allow`.

## Retries
Every POST accepts an `Idempotency-Key`; some require one. A repeated request with the same key and the same
body has no second effect for 24 hours: it gets the first response, with `Idempotent-Replayed: true`. With
another body it is 422; while the first request is still running, it is 409 with `Retry-After`. POST requests
that return tokens or quotes are harmless to repeat, and their responses are not stored. After 429 and 503
wait for `Retry-After` seconds.

## Versions
A resource that can change has a `version`, which is also its `ETag`. Send the ETag as `If-Match` with PUT,
PATCH or DELETE, and the change is rejected with 412 if somebody else has changed the resource since.

## Lists
`?limit=` is 1 to 100, by default 20. `next_cursor` is the `?cursor=` of the next page; it is null on the last
page. A page may be shorter than the limit, or empty, and still have a `next_cursor`: it has at most 4 MB, and
a search or filter examines a limited number of entries per request. A cursor belongs to its list and filters;
any other is 400.
""",
}

SERVERS: list[dict[str, Any]] = [
    {
        "url": "https://{api}.execute-api.{region}.amazonaws.com/{stage}",
        "description": "A stage on API Gateway. The document that a stage serves names that stage instead.",
        "variables": {
            "api": {"default": "abcdefghij", "description": "The id of the REST API."},
            "region": {"default": "eu-west-1", "description": "The AWS region."},
            "stage": {"default": "prod", "description": "The name of the stage."},
        },
    }
]

# Service (a package) → the name and the description of its tag.
TAGS = {
    "users": ("Users", "Accounts, sessions, guests, and the keys that verify access tokens."),
    "catalog": ("Catalog", "Products, their variants, categories and stock."),
    "cart": ("Cart", "The caller's cart, quotes, coupons, shipping methods and tax rates."),
    "orders": ("Orders", "Orders, their fulfilments, returns and invoices."),
    "payments": ("Payments", "Payments by Stripe, refunds, the ledger, webhooks and reconciliations."),
    "notify": ("Notifications", "Emails and text messages, and what people want to receive."),
    "root": ("System", "The health of the shop, and this document."),
}

# The role that a route requires → the sentence in its description.
ROLES = {
    "PUBLIC": "Needs no access token.",
    "GUEST": "Requires an access token of any role, including `guest`.",
    "CUSTOMER": "Requires the role `customer`.",
    "STAFF": "Requires the role `staff`.",
    "ADMIN": "Requires the role `admin`.",
}

# View whose body's bytes are signed → the description of that body.
SIGNED = {"receive_webhook": "Stripe's event object (https://docs.stripe.com/api/events/object)."}

# `field` or `Schema.field` → its description, for fields that the code does not describe.
FIELDS = {
    "access_token": "The token for the header Authorization.",
    "amount": "The amount in the minor unit of the currency: 1299 GBP is £12.99.",
    "available": "The pieces that can be ordered now.",
    "carrier": "The carrier's name.",
    "cart_version": "The version of the cart that was priced.",
    "category": "The id of the category.",
    "category_id": "The id of the category, derived from its first name.",
    "country": "The country (ISO 3166-1 alpha-2).",
    "currency": "The currency (ISO 4217).",
    "cursor": "The `next_cursor` of the page before.",
    "delta": "The pieces to add; negative to subtract.",
    "expires_in": "Seconds until the access token expires.",
    "from": "The first time or day of placement.",
    "inclusive": "Whether prices include the tax.",
    "in_stock": "Whether to list only products with an available variant.",
    "limit": "The largest number of items on the page.",
    "max_price": "The highest price, in minor units.",
    "min_price": "The lowest price, in minor units.",
    "mfa_enabled": "Whether the account has a second factor.",
    "next_cursor": "The cursor of the next page; null on the last page.",
    "number": "The order number that people use.",
    "on_hand": "The pieces in the warehouse, including reserved ones.",
    "phone": "The phone number; with a leading + if it includes the country code.",
    "position": "The place among the categories, from 0.",
    "q": "Words that the product's title or description must contain.",
    "quote_token": "The signed quote, for `POST /orders`.",
    "rate_bp": "The rate in basis points: 2000 is 20 %.",
    "refresh_token": "The token for `POST /users/token` and `POST /users/logout`; each is used once.",
    "region": "The state, province or county.",
    "request_id": "The value of X-Request-Id.",
    "reserved": "The pieces that are reserved for orders.",
    "sku": "The SKU of the variant.",
    "sort": "The order of the list; `-price` is descending.",
    "stock": "The initial stock in pieces.",
    "tax_inclusive": "Whether the prices include the tax.",
    "to": "The last time or day of placement.",
    "token": "The token of the unsubscribe link.",
    "tracking": "The carrier's tracking number.",
    "used": "The number of orders that use the coupon.",
    "user_id": "The id of the account or of the guest.",
    "v": "The version of the file.",
    "version": "Increases with each change; the ETag of the resource.",
    "InvalidField.detail": "What is wrong with the value.",
    "InvalidField.pointer": "The JSON pointer (RFC 6901) to the value; `/query/…` for a query parameter.",
    "LedgerEntry.version": "The version of the payment after the change.",
    "SendEmail.to": "The email address.",
    "SendSms.to": "The phone number, with its country code.",
    "ServiceHealth.version": "The deployed version of the code.",
    "Notification.to": "The address or number that the message was sent to.",
}
