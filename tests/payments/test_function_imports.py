"""Packages that each Lambda function loads, checked in a separate process."""

import json
import os
import subprocess
import sys

import pytest

from tests.support import ENVIRONMENT, ROOT

LIST_PACKAGES = """
import importlib, json, sys
importlib.import_module(sys.argv[1])
print(json.dumps(sorted({name.partition(".")[0] for name in sys.modules})))
"""


def imported_packages(module: str) -> set[str]:
    environment = {**os.environ, **ENVIRONMENT, "PYTHONPATH": str(ROOT / "functions")}
    result = subprocess.run(
        [sys.executable, "-c", LIST_PACKAGES, module],
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    return set(json.loads(result.stdout))


@pytest.mark.parametrize("module", ["webhook", "reads", "relay"])
def test_functions_that_do_not_call_stripe_do_not_load_its_sdk(module):
    assert not imported_packages(f"payments.app.{module}") & {"stripe", "requests", "httpx", "aws_xray_sdk"}


@pytest.mark.parametrize("module", ["checkout", "money", "apply", "consume", "sweep"])
def test_functions_that_call_stripe_load_its_sdk(module):
    assert {"stripe", "requests"} <= imported_packages(f"payments.app.{module}")
