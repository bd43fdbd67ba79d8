"""Runs of schemathesis, which sends requests generated from the API document as one caller."""

import json
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from root.document import document
from tests.support import ROOT

TIME_LIMIT = 600  # seconds
# A schema cannot state every rule, so 422 is a right answer to a body that matches it.
ACCEPTED = ["2xx", "3xx", 401, 403, 404, 409, 412, 422, 429]
PROJECT = f"""
hooks = "tests.schemathesis_hooks"
workers = 1  # threads that parse at the same time crash CPython 3.11
request-timeout = 60
continue-on-failure = true
[cache]
enabled = false
[generation]
deterministic = true
no-shrink = true
database = "none"
[phases.coverage]
unexpected-methods = ["PATCH"]
[checks.positive_data_acceptance]
expected-statuses = {json.dumps(ACCEPTED)}
[[operations]]
# Removing what is not in the cart is a success, whatever its name.
include-name = "DELETE /cart/items/{{sku}}"
checks.negative_data_rejection.enabled = false
"""
# Only the shop, or Stripe, can make these values: any other is malformed (400). Schemathesis cannot generate
# an ETag, because it contains quotes.
NOT_GENERATED = {"cursor", "token", "Stripe-Signature", "If-Match"}


@dataclass(frozen=True)
class Requests:
    """The requests of one caller: `known` has path parameters that exist; `examples` are sent per operation
    and phase, none to `excluded_path`."""

    caller: str
    token: str | None
    known: dict[str, list[str]]
    phases: str
    examples: int
    excluded_path: str = ""

    def send(self, url: str, folder: Path) -> dict[str, Any]:
        """Send them to the API at `url` and return schemathesis' report, with its output under `log`."""
        file, report, log = (folder / f"{self.caller}.{kind}" for kind in ("toml", "json", "log"))
        file.write_text(self._configuration())
        command = [str(Path(sys.executable).with_name("schemathesis")), "--config-file", str(file)]
        command += ["run", f"{url}/openapi.json", "--url", url, "--wait-for-schema", "60"]
        command += ["--phases", self.phases, "--max-examples", str(self.examples)]
        command += ["--report-json-path", str(report)]
        command += ["--exclude-path", self.excluded_path] if self.excluded_path else []
        with log.open("w") as output:
            subprocess.run(command, cwd=ROOT, stdout=output, stderr=output, timeout=TIME_LIMIT, check=False)
        result: dict[str, Any] = json.loads(report.read_text()) if report.exists() else {"exit_code": None}
        return result | {"log": log.read_text()}

    def _configuration(self) -> str:
        lines = [PROJECT, *_operations_with_400(), "[parameters]"]
        for name in self.known:
            lines.append(f'"path.{name}" = {{ dictionary = "{name}", probability = 0.8 }}')
        for name, values in self.known.items():
            lines.append(f"[dictionaries.{name}]\nvalues = {json.dumps(values)}")
        if self.token:
            lines.append(f'[headers]\nAuthorization = "Bearer {self.token}"')
        return "\n".join(lines) + "\n"


def _operations_with_400() -> Iterator[str]:
    """Yield the configuration of each operation that may answer 400 to what matches its schema."""
    for path, operations in document()["paths"].items():
        for method, operation in operations.items():
            if NOT_GENERATED & {_name(parameter) for parameter in operation.get("parameters", [])}:
                yield f'[[operations]]\ninclude-name = "{method.upper()} {path}"'
                yield f"checks.positive_data_acceptance.expected-statuses = {json.dumps([*ACCEPTED, 400])}"


def _name(parameter: dict[str, str]) -> str:
    """Return the parameter's name; those that are shared are referenced."""
    if "$ref" in parameter:
        parameter = document()["components"]["parameters"][parameter["$ref"].rpartition("/")[2]]
    return parameter["name"]


def check_all(url: str, folder: Path, *callers: Requests) -> None:
    """Send the requests of all callers at the same time. Fails with schemathesis' findings."""
    with ThreadPoolExecutor(len(callers)) as pool:
        reports = list(pool.map(lambda caller: caller.send(url, folder), callers))
    failures = [
        f"as {caller.caller}:\n{report['log'][-8_000:]}"
        for caller, report in zip(callers, reports, strict=True)
        if report["exit_code"] != 0
    ]
    assert not failures, "\n".join(failures)
    sent = {
        caller.caller: report["test_cases"]["generated"]
        for caller, report in zip(callers, reports, strict=True)
    }
    print(f"requests per caller: {sent}")
    assert min(sent.values()) > 100
