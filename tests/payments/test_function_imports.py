"""Each function loads what it needs and no more, in a process of its own."""

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


@pytest.mark.parametrize("door", ["webhook", "reads", "relay"])
def test_only_what_asks_stripe_loads_its_sdk(door):
    assert not loaded(f"payments.app.{door}") & {"stripe", "requests", "httpx", "aws_xray_sdk"}


@pytest.mark.parametrize("door", ["checkout", "money", "apply", "consume", "sweep"])
def test_what_asks_stripe_stands_on_its_own(door):
    assert {"stripe", "requests"} <= loaded(f"payments.app.{door}")
