"""The fault proxy injects faults at the given rates, with each service's own errors."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import ClassVar

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError, ConnectionClosedError

from localstack.cloud.faults import NO_FAULTS, FaultRates, ProxyClient, running

THROTTLED = {
    "dynamodb": ("list_tables", 400, "ProvisionedThroughputExceededException"),
    "sqs": ("list_queues", 400, "RequestThrottled"),
    "sns": ("list_topics", 400, "Throttling"),
    "ses": ("get_send_quota", 400, "Throttling"),
    "lambda": ("get_account_settings", 429, "TooManyRequestsException"),
    "kms": ("list_keys", 400, "ThrottlingException"),
    "s3": ("list_buckets", 503, "SlowDown"),
}


class Engine(BaseHTTPRequestHandler):
    """Returns an empty object for every request and records its path."""

    protocol_version = "HTTP/1.1"
    requests: ClassVar[list[str]] = []

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.requests.append(self.path)
        self.send_response(200)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"{}")

    do_GET = do_POST

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture(scope="module")
def proxy(tmp_path_factory) -> Iterator[ProxyClient]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Engine)
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    log = tmp_path_factory.mktemp("faults") / "faults.log"
    with running(f"http://127.0.0.1:{server.server_port}", log) as faults:
        yield faults
    server.shutdown()
    server.server_close()


@pytest.fixture
def faults(proxy: ProxyClient) -> ProxyClient:
    Engine.requests.clear()
    proxy.set(NO_FAULTS)
    return proxy


def _call(faults, service, operation):
    client = boto3.client(
        service,
        endpoint_url=faults.url,
        region_name="eu-west-2",
        aws_access_key_id="test",
        aws_secret_access_key="test",
        config=Config(retries={"total_max_attempts": 1}),
    )
    return getattr(client, operation)()


@pytest.mark.parametrize("service", THROTTLED)
def test_throttling_uses_each_services_own_error(faults, service):
    operation, status, code = THROTTLED[service]
    faults.set(FaultRates(throttle=1))
    with pytest.raises(ClientError) as refused:
        _call(faults, service, operation)
    response = refused.value.response
    assert (response["ResponseMetadata"]["HTTPStatusCode"], response["Error"]["Code"]) == (status, code)
    assert Engine.requests == []
    assert faults.counts()[f"{service} throttle"] >= 1


def test_a_failure_is_a_server_error_of_the_service(faults):
    faults.set(FaultRates(error=1))
    with pytest.raises(ClientError, match="InternalServerError") as failed:
        _call(faults, "dynamodb", "list_tables")
    assert failed.value.response["ResponseMetadata"]["HTTPStatusCode"] == 500
    assert Engine.requests == []


def test_a_lost_call_is_carried_out_without_a_response(faults):
    faults.set(FaultRates(lost=1))
    with pytest.raises(ConnectionClosedError):
        _call(faults, "dynamodb", "list_tables")
    assert Engine.requests == ["/"]


def test_a_service_can_have_its_own_fault_rates(faults):
    faults.set(NO_FAULTS, kms=FaultRates(throttle=1))
    _call(faults, "dynamodb", "list_tables")
    with pytest.raises(ClientError):
        _call(faults, "kms", "list_keys")
    faults.set(NO_FAULTS)
    _call(faults, "kms", "list_keys")


def test_the_same_seed_repeats_the_same_faults(faults):
    def faults_of_12_calls():
        faults.set(FaultRates(throttle=0.5), seed=3)
        found = []
        for _ in range(12):
            try:
                _call(faults, "dynamodb", "list_tables")
                found.append(True)
            except ClientError:
                found.append(False)
        return found

    first = faults_of_12_calls()
    assert faults_of_12_calls() == first
    assert len({*first}) == 2
