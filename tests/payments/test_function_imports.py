"""Each function imports only what it needs, tested in a process of its own."""

import json
import os
import subprocess
import sys

import pytest

from tests.support import ENVIRONMENT, ROOT

LOOK = """
import importlib, json, sys
importlib.import_module(sys.argv[1])
print(json.dumps(sorted({name.partition(".")[0] for name in sys.modules})))
"""


def loaded(module: str) -> set[str]:
    environment = {**os.environ, **ENVIRONMENT, "PYTHONPATH": str(ROOT / "functions")}
    done = subprocess.run(
        [sys.executable, "-c", LOOK, module], env=environment, capture_output=True, text=True, check=True
    )
    return set(json.loads(done.stdout))


@pytest.mark.parametrize("module", ["webhook", "reads", "relay"])
def test_functions_that_do_not_call_stripe_do_not_import_its_sdk(module):
    assert not loaded(f"payments.app.{module}") & {"stripe", "requests", "httpx", "aws_xray_sdk"}


@pytest.mark.parametrize("module", ["checkout", "money", "apply", "consume", "sweep"])
def test_functions_that_call_stripe_import_its_sdk(module):
    assert {"stripe", "requests"} <= loaded(f"payments.app.{module}")
