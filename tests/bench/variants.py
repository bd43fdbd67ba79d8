"""The processes that the benchmark measures: ours, the baselines, and what people would choose instead."""

import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import package
from tests.bench.processes import Variant
from tests.bench.stub import API
from tests.packaging.artifacts import FUNCTIONS, build, environment
from tests.support import ROOT

HERE = Path(__file__).parent
BASELINES = HERE / "baselines"
MACHINES = {"aarch64": "arm64", "amd64": "x86_64"}
# The Python versions to measure: the one of the tests, and the one of the stages in infra/stages.
OTHER_PYTHON = "3.13"


def targets() -> Iterator[package.Target]:
    """Yield this machine's Python and, if it is installed, the one that the shop is deployed with."""
    yield package.Target()
    machine = platform.machine().lower()
    other = package.Target(OTHER_PYTHON, MACHINES.get(machine, machine))
    if other.minor != sys.version_info.minor and other.interpreter():
        yield other


def version(target: package.Target) -> str:
    """Return the full version of the target's Python."""
    command = [str(target.interpreter()), "-c", "import platform; print(platform.python_version())"]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


def variables(endpoint: str) -> dict[str, str]:
    """Return the function's environment with DynamoDB at the endpoint."""
    return environment(API) | {"AWS_LAMBDA_FUNCTION_NAME": API, "AWS_ENDPOINT_URL": endpoint}


def packaged(target: package.Target, artifact: Path, endpoint: str) -> dict[str, Variant]:
    """Build our artifact; return our handler, and the bare one with the artifact's botocore."""
    build(API, artifact, "" if target.python is None else target.name)
    python = str(target.interpreter())
    return {
        "ours": Variant(python, (artifact,), FUNCTIONS[API]["Handler"], variables(endpoint)),
        "trimmed": Variant(python, (artifact, BASELINES), "bare.get_order", variables(endpoint)),
    }


def framework(target: package.Target, artifact: Path, endpoint: str) -> dict[str, Variant]:
    """Return an API without effect, with and without its log line, and the same response without it."""
    python, paths = str(target.interpreter()), (artifact, BASELINES)
    quiet = variables(endpoint) | {"LOG_LEVEL": "WARNING"}
    return {
        "framework": Variant(python, paths, "framework.api", variables(endpoint)),
        "quiet": Variant(python, paths, "framework.api", quiet),
        "raw": Variant(python, paths, "framework.raw", variables(endpoint)),
    }


def unpackaged(target: package.Target, scratch: Path, endpoint: str) -> dict[str, Variant]:
    """Install the libraries as released; return the bare handler with them, and ours without byte code."""
    site, python = scratch / "released", str(target.interpreter())
    package.install(package.Lock.read(package.lock_of(API)), site, target)
    subprocess.run([python, "-m", "compileall", "-q", str(site)], check=True)
    return {
        "released": Variant(python, (site, BASELINES), "bare.get_order", variables(endpoint)),
        "unpackaged": Variant(
            python,
            (ROOT / "functions", site),
            FUNCTIONS[API]["Handler"],
            variables(endpoint),
            without_byte_code(scratch),
        ),
    }


def alternative(target: package.Target, scratch: Path, endpoint: str) -> Variant:
    """Package the alternative with plain `sam build`, which ships no byte code. Raises CalledProcessError."""
    source, python = scratch / "alternative", str(target.interpreter())
    shutil.copytree(HERE / "alternative", source)
    shutil.copy(BASELINES / "order_document.py", source)
    version = f"python3.{target.minor}"
    # sam runs the interpreter of the version that it finds first.
    commands = scratch / "bin"
    commands.mkdir()
    for name in ("python", "python3", version):
        (commands / name).write_text(f'#!/bin/sh\nexec "{python}" "$@"\n')
        (commands / name).chmod(0o755)
    subprocess.run(
        [ROOT / ".local/sam/bin/sam", "build", "--parameter-overrides", f"PythonRuntime={version}"],
        cwd=source,
        env=os.environ | {"SAM_CLI_TELEMETRY": "0", "PATH": f"{commands}:{os.environ['PATH']}"},
        check=True,
        capture_output=True,
    )
    built = source / ".aws-sam" / "build" / "GetOrder"
    settings = variables(endpoint)
    settings |= {"POWERTOOLS_SERVICE_NAME": "orders", "AWS_DEFAULT_REGION": settings["AWS_REGION"]}
    return Variant(python, (built,), "handler.handle", settings, without_byte_code(scratch))


def without_byte_code(scratch: Path) -> tuple[str, ...]:
    """Return the options that make Python compile each module, as on Lambda's read-only disk."""
    return ("-X", f"pycache_prefix={scratch / 'no-byte-code'}")
