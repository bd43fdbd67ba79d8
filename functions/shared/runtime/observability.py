"""JSON logs that carry the request id, and metrics in CloudWatch's embedded metric format."""

import os

from aws_lambda_powertools.logging import Logger
from aws_lambda_powertools.metrics import Metrics, MetricUnit

SERVICE = os.environ.get("POWERTOOLS_SERVICE_NAME", "shop")

log = Logger(service=SERVICE, level=os.environ.get("LOG_LEVEL", "INFO"), use_rfc3339=True)
metrics = Metrics(namespace="Tillstack", service=SERVICE)
_request_id = ""


def begin(request_id: str) -> None:
    """Set the request id that this invocation's logs, rows, commands and events carry."""
    global _request_id
    _request_id = request_id
    log.append_keys(request_id=request_id)


def request_id() -> str:
    """Return the id of the current request. A Lambda process serves one at a time."""
    return _request_id


def count(name: str, value: int = 1) -> None:
    """Add to the metric `name`; `end` writes it."""
    metrics.add_metric(name=name, unit=MetricUnit.Count, value=value)


def end() -> None:
    """Write the metrics of this invocation."""
    if metrics.metric_set:
        metrics.flush_metrics()
