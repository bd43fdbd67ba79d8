"""AWS clients: one per service and set of options, one for all tables, and the User-Agent of each request."""

import platform
import time
from collections.abc import Iterator
from functools import partial
from typing import Any

import botocore
import pytest
from botocore import useragent
from botocore.awsrequest import AWSResponse
from botocore.validate import ParamValidationDecorator

from orders.tables.rows import CounterRow, IdempotencyRow, OrderRow
from shared.dynamodb.rows import connection_of
from shared.runtime import aws
from tests.support import run_concurrently


@pytest.fixture
def created(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The services for which the test created clients."""
    services: list[str] = []
    create = aws.session().create_client

    def create_client(service: str, *args: Any, **options: Any) -> Any:
        services.append(service)
        time.sleep(0.01)  # so that threads which do not wait create more
        return create(service, *args, **options)

    monkeypatch.setattr(aws.session(), "create_client", create_client)
    aws._client.cache_clear()
    return services


def test_the_tables_of_a_function_share_one_client_in_all_threads(created):
    models = (OrderRow, IdempotencyRow, CounterRow)
    clients = run_concurrently(
        *(partial(lambda model: connection_of(model).client, model) for model in models * 2)
    )
    assert len({id(client) for client in clients}) == 1
    assert created == ["dynamodb"]


def validates(client: Any) -> bool:
    return isinstance(client._serializer, ParamValidationDecorator)


def test_dynamodb_has_its_own_time_limits():
    client = connection_of(OrderRow).client
    config: Any = client.meta.config
    assert (config.connect_timeout, config.read_timeout) == (2, 8)
    assert config.retries == {"mode": "standard", "total_max_attempts": 3}
    assert not validates(client)


def test_a_client_is_created_once_for_each_set_of_options(created):
    run_concurrently(*(partial(aws.client, "sns") for _ in range(4)), partial(aws.client, "sns", attempts=1))
    assert created == ["sns", "sns"]
    assert validates(aws.client("sns"))


class Raw:
    """The body of a response."""

    def __init__(self, body: bytes) -> None:
        self.body = body

    def stream(self, **_: Any) -> list[bytes]:
        return [self.body]


@pytest.fixture
def requests(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Any]]:
    """The requests that the clients of the test send; each is answered with an empty response."""
    aws._client.cache_clear()
    sent: list[Any] = []

    def answer(request: Any, **_: Any) -> AWSResponse:
        sent.append(request)
        body = b"<PublishResponse><PublishResult/></PublishResponse>" if "sns" in request.url else b"{}"
        return AWSResponse(request.url, 200, {}, Raw(body))  # type: ignore[arg-type]

    clients: list[Any] = [connection_of(OrderRow).client, aws.client("sns"), aws.client("lambda")]
    for client in clients:
        client.meta.events.register_first("before-send", answer)
    yield sent
    aws._client.cache_clear()


def test_each_request_has_a_user_agent_that_botocore_does_not_build(requests, monkeypatch):
    def build(*_: Any, **__: Any) -> str:
        raise AssertionError("botocore built a User-Agent")

    for name in ("sanitize_user_agent_string_component", "RawStringUserAgentComponent"):
        monkeypatch.setattr(useragent, name, build)
    with pytest.raises(OrderRow.DoesNotExist):
        OrderRow.get("a guest", "ord_1")
    aws.client("sns").publish(TopicArn="arn:aws:sns:eu-west-1:123456789012:t", Message="m")
    aws.client("lambda").invoke(FunctionName="f")
    products = f"tillstack/test Botocore/{botocore.__version__} Python/{platform.python_version()}"
    assert [request.headers["User-Agent"] for request in requests] == [products.encode()] * 3
