"""The API's errors, in Stripe's format.

Source: https://docs.stripe.com/api/errors and https://docs.stripe.com/error-codes
"""

from typing import Any

Object = dict[str, Any]


class StripeError(Exception):
    """An error response: the HTTP `status` and the fields of the body's `error` object."""

    def __init__(
        self,
        status: int,
        message: str,
        *,
        kind: str = "invalid_request_error",
        code: str | None = None,
        param: str | None = None,
        **more: Any,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.fields: Object = {"code": code, "message": message, "param": param, **more, "type": kind}

    def body(self) -> Object:
        """Return the JSON body. Like Stripe, it omits empty fields."""
        fields = {name: value for name, value in self.fields.items() if value is not None}
        if code := fields.get("code"):
            fields["doc_url"] = f"https://stripe.com/docs/error-codes/{str(code).replace('_', '-')}"
        return {"error": fields}


class CardError(StripeError):
    """A decline by the bank. Unlike other errors it does not roll back what was written."""

    def __init__(self, message: str, *, code: str, **more: Any) -> None:
        super().__init__(402, message, kind="card_error", code=code, **more)


def invalid(message: str, *, code: str | None = None, param: str | None = None, **more: Any) -> StripeError:
    """Return a 400 for an invalid request."""
    return StripeError(400, message, code=code, param=param, **more)


def unexpected_state(message: str, intent: Object) -> StripeError:
    """Return a 400 for an operation that the intent's status does not allow."""
    return invalid(message, code="payment_intent_unexpected_state", payment_intent=intent)
