"""DynamoDB in process without HTTP: botocore's requests go straight to moto's operations.

moto's own way takes ten times as long, because it signs, builds, matches and parses a request and looks up
each attribute of a response under several names. The request's parameters, the operation, the errors, the
retries and the parsing of the response stay those of botocore and moto.
"""

import json
import threading
from base64 import b64decode, b64encode
from typing import Any

import pytest
from botocore import xform_name
from botocore.awsrequest import AWSResponse
from botocore.endpoint import Endpoint
from botocore.model import OperationModel
from moto.core.botocore_stubber import MockRawResponse
from moto.core.models import botocore_stubber
from moto.dynamodb.responses import DynamoHandler
from werkzeug.exceptions import HTTPException

from tests.support import ACCOUNT, REGION

# Operations on rows; the others are rare and have answers with timestamps.
OPERATIONS = {
    "BatchGetItem",
    "BatchWriteItem",
    "DeleteItem",
    "GetItem",
    "PutItem",
    "Query",
    "Scan",
    "TransactGetItems",
    "TransactWriteItems",
    "UpdateItem",
}


class DirectRequest(dict[str, Any]):
    """A request that is never sent; it can be repeated."""

    def reset_stream(self) -> None:
        """Do nothing: the body is not a stream."""


def call_dynamodb_directly(patch: pytest.MonkeyPatch, lock: threading.RLock) -> None:
    """Pass botocore's requests to DynamoDB to moto's operations, one at a time."""
    create, respond = Endpoint.create_request, Endpoint._do_get_response  # type: ignore[attr-defined]

    def create_request(self: Endpoint, params: Any, operation: OperationModel | None = None) -> Any:
        direct = _is_direct(operation, params)
        return DirectRequest(params) if direct else create(self, params, operation)

    def do_get_response(self: Any, request: Any, operation: OperationModel, context: Any) -> Any:
        if not isinstance(request, DirectRequest):
            return respond(self, request, operation, context)
        try:
            with lock:
                status, headers, body = _run(operation, request)
        except Exception as error:
            return None, error
        response = AWSResponse(request["url"], status, headers, MockRawResponse(body))  # type: ignore[arg-type]
        parser = self._response_parser_factory.create_parser(operation.service_model.resolved_protocol)
        wire = {"headers": headers, "status_code": status, "body": response.content}
        parsed = parser.parse(wire, operation.output_shape)
        if status >= 300:
            self._add_modeled_error_fields(wire, parsed, operation, parser)
        return (response, parsed), None

    patch.setattr(Endpoint, "create_request", create_request)
    patch.setattr(Endpoint, "_do_get_response", do_get_response)


def _is_direct(operation: OperationModel | None, request: Any) -> bool:
    """Return whether the request is one to AWS that moto answers, and whether its operation is supported."""
    return (
        botocore_stubber.enabled
        and operation is not None
        and operation.service_model.service_name == "dynamodb"
        and operation.name in OPERATIONS
        and ".amazonaws.com/" in request["url"]
    )


def _run(operation: OperationModel, request: DirectRequest) -> tuple[int, dict[str, Any], bytes]:
    """Run the operation in moto; return the response's status, headers and body."""
    handler = DynamoHandler()
    handler.body = handler.params = json.loads(request["body"], object_hook=_with_bytes)
    handler.current_account, handler.region = ACCOUNT, REGION
    try:
        result = getattr(handler, xform_name(operation.name))().result
    except HTTPException as error:
        return int(error.code or 500), dict(error.get_headers()), str(error.description).encode()
    return 200, {}, json.dumps(result, default=_as_base64).encode()


def _with_bytes(value: dict[str, Any]) -> dict[str, Any]:
    """Return a parsed JSON object in which a binary attribute value holds bytes."""
    if len(value) == 1:
        if isinstance(text := value.get("B"), str):
            return {"B": b64decode(text)}
        if isinstance(texts := value.get("BS"), list):
            return {"BS": [b64decode(text) for text in texts]}
    return value


def _as_base64(value: Any) -> str:
    if isinstance(value, bytes):
        return b64encode(value).decode()
    raise TypeError(f"{value!r} is not JSON")
