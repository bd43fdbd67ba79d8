"""Build a function's artifact: its service, `shared`, and the locked libraries, trimmed and compiled.

    python package.py <LogicalId> <artifacts directory>

The Makefile in this folder runs it for `sam build`. The logical id starts with the name of the function's
service: `UsersApi` belongs to users.

Environment:
    TILLSTACK_TARGET  the runtime and architecture, such as `python3.13-arm64`; default: this machine's
    TILLSTACK_CACHE   the folder for built libraries; default: ~/.cache/tillstack
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import trimming
from trimming import trim

ROOT = Path(__file__).resolve().parent

# Functions whose libraries differ from those of their service.
OWN_LOCKS = {
    "OrdersInvoices": "orders/invoices-requirements.txt",
    "UsersAuthorizer": "users/authorizer-requirements.txt",
}
# Functions that contain only these files, because they run before most requests.
OWN_FILES = {
    "UsersAuthorizer": (
        "shared/__init__.py",
        "shared/runtime/aws.py",
        "shared/runtime/observability.py",
        "users/__init__.py",
        "users/authorizer.py",
        "users/domain/__init__.py",
        "users/domain/keys.py",
    )
}
# Folders that only one function of the service contains.
OWN_FOLDERS = {"orders/invoicing": "OrdersInvoices"}

NOT_PACKAGED = shutil.ignore_patterns("__pycache__", "README.md", "*requirements.txt")


class BuildError(Exception):
    """The artifact cannot be built; the message says what to correct."""


@dataclass(frozen=True)
class Target:
    """The Python version and the architecture that a function runs on; None means those of this machine."""

    python: str | None = None
    architecture: str | None = None

    @classmethod
    def of(cls, text: str) -> Target:
        """Parse a text such as `python3.13-arm64`; an empty text means this machine."""
        if not text:
            return cls()
        match = re.fullmatch(r"python(3\.\d+)-(x86_64|arm64)", text)
        if not match:
            raise BuildError(f"TILLSTACK_TARGET is {text!r}; it must look like python3.13-arm64")
        return cls(*match.groups())

    @property
    def name(self) -> str:
        if self.python is None:
            return f"native-{sys.implementation.cache_tag}"
        return f"python{self.python}-{self.architecture}"

    def pip_options(self) -> list[str]:
        """Return the options that select the target's wheels.

        Lambda runs Python 3.12 and later on Amazon Linux 2023 (glibc 2.34), and earlier versions on Amazon
        Linux 2 (glibc 2.26).
        """
        if self.python is None:
            return []
        machine = {"arm64": "aarch64", "x86_64": "x86_64"}[str(self.architecture)]
        glibcs = ["2_17"] if self.minor < 12 else ["2_34", "2_28", "2_17"]
        tags = [f"manylinux_{glibc}_{machine}" for glibc in glibcs] + [f"manylinux2014_{machine}"]
        platforms = [word for tag in tags for word in ("--platform", tag)]
        return [*platforms, "--python-version", self.python, "--implementation", "cp"]

    @property
    def minor(self) -> int:
        return int(self.python.split(".")[1]) if self.python else sys.version_info.minor

    def interpreter(self) -> str | None:
        """Return this machine's Python of the target's version, or None. Only that one compiles byte code."""
        if self.minor == sys.version_info.minor:
            return sys.executable
        found = shutil.which(f"python3.{self.minor}")
        works = found and subprocess.run([found, "-c", ""], capture_output=True, check=False).returncode == 0
        return found if works else None


def build(logical_id: str, artifacts: Path, target: Target) -> None:
    """Write everything that the function needs, and nothing else, to `artifacts`."""
    site = libraries(Lock.read(lock_of(logical_id)), target)
    shutil.copytree(site, artifacts, dirs_exist_ok=True)
    for file in OWN_FILES.get(logical_id, ()):
        (artifacts / file).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / file, artifacts / file)
    for folder in ("shared", service_of(logical_id)):
        if logical_id not in OWN_FILES:
            shutil.copytree(ROOT / folder, artifacts / folder, ignore=NOT_PACKAGED, dirs_exist_ok=True)
        for unused in [own for own, function in OWN_FOLDERS.items() if function != logical_id]:
            shutil.rmtree(artifacts / unused, ignore_errors=True)
        compile_to_bytecode(artifacts / folder, artifacts, target)


def service_of(logical_id: str) -> str:
    """Return the function's service: the first word of its logical id. Raises BuildError if there is none."""
    word = re.match(r"[A-Z][a-z0-9]+", logical_id)
    if not word or not (ROOT / word[0].lower()).is_dir():
        raise BuildError(f"{logical_id} must start with the name of a service, such as UsersApi")
    return word[0].lower()


def lock_of(logical_id: str) -> Path:
    """Return the file that pins the function's libraries: its own, else its service's, else `shared`'s."""
    service = f"{service_of(logical_id)}/requirements.txt"
    candidates = [OWN_LOCKS.get(logical_id), service, "shared/requirements.txt"]
    return next(ROOT / lock for lock in candidates if lock and (ROOT / lock).exists())


@dataclass(frozen=True)
class Lock:
    """A requirements file: pins (`name==version`) and, after `# aws:`, the AWS services that are called."""

    pins: tuple[str, ...]
    aws_services: frozenset[str]

    @classmethod
    def read(cls, path: Path) -> Lock:
        """Read a file and the files that it includes with `-r`."""
        pins: set[str] = set()
        services: set[str] = set()
        for line in path.read_text().splitlines():
            if line.startswith("-r "):
                included = cls.read(path.parent / line[3:].strip())
                pins |= {*included.pins}
                services |= included.aws_services
            elif line.startswith("# aws: "):
                services |= {*line[7:].split()}
            elif line and not line.startswith("#"):
                pins.add(line.strip())
        return cls(tuple(sorted(pins, key=str.lower)), frozenset(services))


def libraries(lock: Lock, target: Target) -> Path:
    """Return the folder with the lock's libraries for the target; build it if it is not in the cache.

    Builds run in parallel: the first one holds the lock file and builds the folder, the others wait for it. A
    rename at the end makes the folder appear complete.
    """
    cache = Path(os.environ.get("TILLSTACK_CACHE") or Path.home() / ".cache" / "tillstack")
    cache.mkdir(parents=True, exist_ok=True)
    bytecode = "compiled" if target.interpreter() else "source"
    inputs = [target.name, bytecode, *lock.pins, *sorted(lock.aws_services)]
    recipe = " ".join(inputs).encode() + Path(__file__).read_bytes() + Path(trimming.__file__).read_bytes()
    built = cache / f"{target.name}-{hashlib.sha256(recipe).hexdigest()[:16]}"
    with exclusive(built.with_suffix(".lock")):
        if not built.exists():
            with tempfile.TemporaryDirectory(dir=cache, prefix="building-") as scratch:
                site = Path(scratch) / "site"
                install(lock, site, target)
                trim(site, lock.aws_services)
                compile_libraries(site, target)
                site.rename(built)
    return built


@contextmanager
def exclusive(path: Path) -> Iterator[None]:
    """Hold a file lock. The kernel releases it when the process ends, even if it crashes."""
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def install(lock: Lock, into: Path, target: Target) -> None:
    """Install the pinned wheels into a folder, without dependencies, builds or byte code."""
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    command += ["--no-deps", "--only-binary=:all:", "--no-compile", "--target", str(into)]
    command += [*target.pip_options(), *lock.pins]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    if done.returncode:
        raise BuildError(
            f"pip could not install the function's libraries for {target.name}:\n{done.stderr.strip()}"
        )


def compile_libraries(site: Path, target: Target) -> None:
    """Replace the libraries' source by byte code: half the size, with file and line in tracebacks."""
    if compile_to_bytecode(site, site, target, "-b"):
        for source in site.rglob("*.py"):
            source.unlink()


def compile_to_bytecode(folder: Path, root: Path, target: Target, *options: str) -> bool:
    """Compile to byte code that Python does not check against the source (PEP 552).

    Zips reset modification times, so Python would reject byte code that is checked by time. Return False,
    without compiling, if the target's Python version is not installed on this machine.
    """
    interpreter = target.interpreter()
    if interpreter is None:
        print(f"note: {folder.name} has no byte code (no python3.{target.minor} here) and starts slower")
        return False
    command = [interpreter, "-m", "compileall", "-q", "--invalidation-mode", "unchecked-hash", *options]
    if subprocess.run([*command, "-s", str(root), str(folder)], check=False).returncode:
        raise BuildError(f"{folder} contains a file that python3.{target.minor} cannot compile (see above)")
    return True


if __name__ == "__main__":
    try:
        build(sys.argv[1], Path(sys.argv[2]), Target.of(os.environ.get("TILLSTACK_TARGET", "")))
    except BuildError as error:
        sys.exit(f"package.py: {error}")
