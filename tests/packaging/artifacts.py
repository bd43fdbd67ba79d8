"""The artifacts that `sam build` creates, and the environment in which their functions start."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import package
from infra import cloudformation
from infra.cloudformation import functions, read
from tests.support import ENVIRONMENT, ROOT

TEMPLATE = read(ROOT / "template.yaml")
FUNCTIONS = functions(TEMPLATE)
MB = 10**6

Recipe = tuple[str, str]


def recipe(name: str) -> Recipe:
    """Return what determines the artifact: the service and the lock."""
    return package.service_of(name), str(package.lock_of(name).relative_to(package.ROOT))


RECIPES = {recipe(name): name for name in FUNCTIONS}


def build(name: str, into: Path, target: str = "") -> None:
    """Build the function's artifact, as `sam build` does; by default for this machine."""
    environment = {key: value for key, value in os.environ.items() if key != "MAKEFLAGS"}
    environment["TILLSTACK_TARGET"] = target
    subprocess.run(
        ["make", "-s", f"build-{name}", f"ARTIFACTS_DIR={into}", f"PYTHON={sys.executable}"],
        cwd=ROOT / "functions",
        env=environment,
        check=True,
    )


def limit(key: Recipe) -> int:
    """Return the maximum size of the zip, in megabytes (10^6 bytes)."""
    return 8 if key[0] == "payments" else 6


def zipped_size(artifact: Path, scratch: Path) -> int:
    """Return the size of the zipped artifact in bytes."""
    return Path(shutil.make_archive(str(scratch / artifact.name), "zip", artifact)).stat().st_size


def environment(name: str) -> dict[str, str]:
    """Return the function's environment variables from the template, with the values of the other tests."""
    declared = cloudformation.environment(TEMPLATE, FUNCTIONS[name])
    return {
        "AWS_REGION": "eu-west-2",
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_EC2_METADATA_DISABLED": "true",
        **{variable: ENVIRONMENT.get(variable, value) for variable, value in declared.items()},
    }
