"""What can be seen from outside: JSON logs with the request's id, metrics in CloudWatch's own format."""

import os

from aws_lambda_powertools.logging import Logger
from aws_lambda_powertools.metrics import Metrics, MetricUnit

SERVICE = os.environ.get("POWERTOOLS_SERVICE_NAME", "shop")

log = Logger(service=SERVICE, level=os.environ.get("LOG_LEVEL", "INFO"), use_rfc3339=True)
metrics = Metrics(namespace="Tillstack", service=SERVICE)
_request_id = ""


def begin(request_id: str) -> None:
    """From here on, logs, rows, calls and events of this invocation carry `request_id`."""
    global _request_id
    _request_id = request_id
    log.append_keys(request_id=request_id)


def request_id() -> str:
    """The request this invocation serves; one at a time, as Lambda has it."""
    return _request_id


def count(name: str, value: int = 1) -> None:
    """Count something the shop cares about; written when the invocation ends."""
    metrics.add_metric(name=name, unit=MetricUnit.Count, value=value)


def end() -> None:
    """Write the metrics of this invocation, if there are any."""
    if metrics.metric_set:
        metrics.flush_metrics()
