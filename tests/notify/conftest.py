"""A substitute for the function of orders that returns invoices."""

import io
import json
from base64 import b64encode
from collections.abc import Mapping
from typing import Any

import pytest
from botocore.exceptions import ReadTimeoutError

from shared.contracts.commands.invoices import FetchInvoice, IssuedInvoice
from shared.errors import NotFound
from shared.messaging import rpc
from tests.notify.event_data import AT
from tests.support import ENVIRONMENT, Context

PDF = b"%PDF-1.7\n" + bytes(range(256)) + b"\n%%EOF\n"


class NoInvoice(NotFound):
    """The problem that orders returns."""


class InvoiceFunction:
    """A function that returns invoices. If it is `down`, invocations time out; if it `crashes`, they fail."""

    def __init__(self) -> None:
        self.invoices = {"ord_1": "2026-000123"}
        self.requested: list[str] = []
        self.down = self.crashes = False
        self.commands = rpc.Commands()
        self.commands.on(FetchInvoice)(self.fetch)

    def fetch(self, command: FetchInvoice) -> IssuedInvoice:
        if command.order_id not in self.invoices:
            raise NoInvoice("The order has no invoice.")
        number = self.invoices[command.order_id]
        return IssuedInvoice(invoice_number=number, issued_at=AT, pdf=b64encode(PDF).decode())

    def invoke(self, *, FunctionName: str, Payload: bytes) -> Mapping[str, Any]:
        assert FunctionName == ENVIRONMENT["ORDERS_INVOICES"]
        self.requested.append(json.loads(Payload)["input"]["order_id"])
        if self.down:
            raise ReadTimeoutError(endpoint_url="https://lambda.test")
        if self.crashes:
            failure = json.dumps({"errorType": "KeyError", "errorMessage": "'pdf'"})
            return {"FunctionError": "Unhandled", "Payload": io.BytesIO(failure.encode())}
        response = self.commands.handle(json.loads(Payload), Context())
        return {"Payload": io.BytesIO(json.dumps(response).encode())}


@pytest.fixture
def orders(monkeypatch: pytest.MonkeyPatch) -> InvoiceFunction:
    function = InvoiceFunction()
    # moto runs Lambda functions in Docker only.
    monkeypatch.setattr(rpc, "client", lambda *_, **__: function)
    return function
