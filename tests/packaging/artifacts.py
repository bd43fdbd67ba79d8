"""The artifacts that `sam build` makes, one a recipe, and the environment that their functions start in."""

import os
import re
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
    """What decides an artifact's content: functions that agree in it get the same, one build does for all."""
    service = re.findall(r"[A-Z][a-z]+", name)[0].lower()
    folder = service if (package.ROOT / service).is_dir() else "shared"
    return folder, str(package.lock_of(name, folder).relative_to(package.ROOT))


RECIPES = {recipe(name): name for name in FUNCTIONS}


def make(name: str, into: Path) -> None:
    """Build the function's artifact by the door that `sam build` uses, for this very machine."""
    environment = {
        key: value for key, value in os.environ.items() if key not in {"TILLSTACK_TARGET", "MAKEFLAGS"}
    }
    subprocess.run(
        ["make", "-s", f"build-{name}", f"ARTIFACTS_DIR={into}", f"PYTHON={sys.executable}"],
        cwd=ROOT / "functions",
        env=environment,
        check=True,
    )


def limit(key: Recipe) -> int:
    """The most megabytes (of 10^6 bytes) that a zip of this recipe may have."""
    return 8 if key[0] == "payments" else 6


def zipped_size(artifact: Path, scratch: Path) -> int:
    """Bytes of the artifact as a zip."""
    return Path(shutil.make_archive(str(scratch / artifact.name), "zip", artifact)).stat().st_size


def environment(name: str) -> dict[str, str]:
    """The variables the template gives a function, with the values the other tests use."""
    declared = cloudformation.environment(TEMPLATE, FUNCTIONS[name])
    return {
        "AWS_REGION": "eu-west-2",
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_EC2_METADATA_DISABLED": "true",
        **{variable: ENVIRONMENT.get(variable, value) for variable, value in declared.items()},
    }
