"""JSON log lines that carry the request id, and metrics in CloudWatch's embedded metric format."""

import logging
import os
import sys
import time
import traceback
from collections.abc import Mapping
from datetime import UTC, datetime
from json import JSONEncoder
from typing import Any

SERVICE = os.environ.get("SERVICE_NAME", "shop")
NAMESPACE = "Tillstack"
MAX_METRICS = 100  # metrics per line; the maximum of the embedded metric format

# Nothing reads these attributes of log records, and each costs time per line:
# https://docs.python.org/3/howto/logging.html#optimization
logging.logThreads = logging.logProcesses = logging.logMultiprocessing = False
logging.logAsyncioTasks = False  # type: ignore[attr-defined]  # Python 3.12

# What each log record has; all other attributes were passed as `extra`.
_STANDARD = vars(logging.makeLogRecord({})).keys() | {"message", "asctime", "taskName"}
_encoder = JSONEncoder(default=str, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
_traces = logging.Formatter()
_request_id = ""
_counts: dict[str, int] = {}


class JsonLines(logging.Handler):
    """Writes log records to standard output; docs/operations.md states the keys."""

    def emit(self, record: logging.LogRecord) -> None:
        try:
            extra = {name: value for name, value in vars(record).items() if name not in _STANDARD}
            location = f"{record.funcName}:{record.lineno}"
            _log(record.levelname, location, record.getMessage(), record.created, extra | _exception(record))
        except Exception:
            self.handleError(record)


log = logging.getLogger("tillstack")
log.setLevel(os.environ.get("LOG_LEVEL", "INFO").upper())
# On Lambda this replaces the runtime's handler, so the warnings of libraries get the same keys.
(logging.root if "AWS_LAMBDA_FUNCTION_NAME" in os.environ else log).handlers = [JsonLines()]


def begin(request_id: str) -> None:
    """Set the request id that this invocation's logs, rows, commands and events carry."""
    global _request_id
    _request_id = request_id


def request_id() -> str:
    """Return the id of the current request. A Lambda process serves one at a time."""
    return _request_id


def log_request(**fields: Any) -> None:
    """Log that a request was served; without `logging`, because every request has this line."""
    if log.isEnabledFor(logging.INFO):
        _log("INFO", _LOG_REQUEST, "request served", time.time(), fields)


_LOG_REQUEST = f"{log_request.__name__}:{log_request.__code__.co_firstlineno}"


def count(name: str, value: int = 1) -> None:
    """Add to the metric `name`; `end` writes it."""
    _counts[name] = _counts.get(name, 0) + value
    if len(_counts) == MAX_METRICS:
        end()


def end() -> None:
    """Write the sum of each metric of this invocation:
    https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
    """
    if _counts:
        metrics = [{"Name": name, "Unit": "Count"} for name in _counts]
        directive = {"Namespace": NAMESPACE, "Dimensions": [["service"]], "Metrics": metrics}
        metadata = {"Timestamp": int(time.time() * 1000), "CloudWatchMetrics": [directive]}
        _write({"_aws": metadata, "service": SERVICE, **_counts})
        _counts.clear()


def _log(level: str, location: str, message: str, at: float, extra: dict[str, Any]) -> None:
    """Write a log line. `at` is in seconds since 1970."""
    line: dict[str, Any] = {
        "level": level,
        "location": location,
        "message": message,
        "timestamp": datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds"),
        "service": SERVICE,
    }
    if _request_id:
        line["request_id"] = _request_id
    _write(line | extra)


def _exception(record: logging.LogRecord) -> dict[str, Any]:
    """Return the fields of the exception that the record carries."""
    kind, error, trace = record.exc_info or (None, None, None)
    if kind is None:
        return {}
    frames = [
        {"file": frame.filename, "line": frame.lineno, "function": frame.name, "statement": frame.line}
        for frame in traceback.extract_tb(trace)
    ]
    stack = {"type": kind.__name__, "value": str(error), "module": kind.__module__, "frames": frames}
    text = _traces.formatException((kind, error, trace))  # type: ignore[arg-type]
    return {"exception": text, "exception_name": kind.__name__, "stack_trace": stack}


def _write(line: Mapping[str, Any]) -> None:
    try:
        text = _encoder.encode(line)
    except (TypeError, ValueError, RecursionError):  # a tuple as a key, NaN, a cycle
        text = _encoder.encode({name: str(value) for name, value in line.items()})
    if not text.isascii():
        # Half of a surrogate pair has no UTF-8; its escape is the same in Python and JSON.
        text = text.encode("utf-8", "backslashreplace").decode()
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()
