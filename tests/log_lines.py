"""The log lines and metrics that functions wrote to standard output."""

import json
from collections import Counter
from typing import Any

import pytest


def log_lines(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    """Return the lines that were written since the last call. Fails if one is not JSON."""
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def metrics(capsys: pytest.CaptureFixture[str]) -> Counter[str]:
    """Return the sum of each metric that was written since the last call."""
    found: Counter[str] = Counter()
    for line in log_lines(capsys):
        for directive in line.get("_aws", {}).get("CloudWatchMetrics", []):
            found.update({metric["Name"]: line[metric["Name"]] for metric in directive["Metrics"]})
    return found
