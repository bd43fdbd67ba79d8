"""Makes one function's artifact: its service, `shared`, and the locked libraries, trimmed and compiled.

`python package.py <LogicalId> <artifacts dir>`; the Makefile beside this file calls it for `sam build`.
A function belongs to the service its logical id starts with (`UsersApi` to users); an id that starts with
no service's name (`FrontApi`) gets `shared` alone.

Environment:
    TILLSTACK_TARGET  what it will run on, such as `python3.13-arm64`; unset: this very machine.
    TILLSTACK_CACHE   where libraries are kept by lock, target and recipe (default: ~/.cache/tillstack).
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

# A function whose needs differ from its service's has a lock of its own.
OWN_LOCKS = {
    "OrdersInvoices": "orders/invoices-requirements.txt",
    "UsersAuthorizer": "users/authorizer-requirements.txt",
}
# And one that stands before every request ships only the files it imports.
OWN_FILES = {
    "UsersAuthorizer": (
        "shared/__init__.py",
        "shared/runtime/aws.py",
        "users/__init__.py",
        "users/authorizer.py",
        "users/domain/__init__.py",
        "users/domain/keys.py",
    )
}
# A room of a service that one function alone enters, and only that one ships.
OWN_FOLDERS = {"orders/invoicing": "OrdersInvoices"}

NOT_SHIPPED = shutil.ignore_patterns("__pycache__", "README.md", "*requirements.txt")


class BuildError(Exception):
    """Something a person must put right; the message says what."""


@dataclass(frozen=True)
class Target:
    """The Python and processor a function will run on; None for both means those of this machine."""

    python: str | None = None
    architecture: str | None = None

    @classmethod
    def of(cls, text: str) -> Target:
        """Read `python3.13-arm64`; an empty text is this machine."""
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
        """The wheels for Amazon Linux 2023 (glibc 2.34) from Python 3.12 on, Amazon Linux 2 (2.26) before."""
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
        """A working Python of the target's version on this machine, or None: byte code is of one version."""
        if self.minor == sys.version_info.minor:
            return sys.executable
        found = shutil.which(f"python3.{self.minor}")
        works = found and subprocess.run([found, "-c", ""], capture_output=True, check=False).returncode == 0
        return found if works else None


def build(logical_id: str, artifacts: Path, target: Target) -> None:
    """Fill `artifacts` with everything the function `logical_id` needs and nothing else."""
    service = re.match(r"[A-Z][a-z0-9]*|$", logical_id)[0].lower()  # type: ignore[index]
    folders = (
        ["shared", service] if service and (ROOT / service).is_dir() and service != "shared" else ["shared"]
    )
    site = libraries(Lock.read(lock_of(logical_id, folders[-1])), target)
    shutil.copytree(site, artifacts, dirs_exist_ok=True)
    for file in OWN_FILES.get(logical_id, ()):
        (artifacts / file).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / file, artifacts / file)
    for folder in folders:
        if logical_id not in OWN_FILES:
            shutil.copytree(ROOT / folder, artifacts / folder, ignore=NOT_SHIPPED, dirs_exist_ok=True)
        for room in [room for room, owner in OWN_FOLDERS.items() if owner != logical_id]:
            shutil.rmtree(artifacts / room, ignore_errors=True)
        compile_to_bytecode(artifacts / folder, artifacts, target)


def lock_of(logical_id: str, folder: str) -> Path:
    """The file that pins what a function ships: its own, else its service's, else `shared`'s."""
    candidates = [OWN_LOCKS.get(logical_id), f"{folder}/requirements.txt", "shared/requirements.txt"]
    return next(ROOT / lock for lock in candidates if lock and (ROOT / lock).exists())


@dataclass(frozen=True)
class Lock:
    """A requirements file: `name==version` pins and, after `# aws:`, the AWS services that are called."""

    pins: tuple[str, ...]
    aws_services: frozenset[str]

    @classmethod
    def read(cls, path: Path) -> Lock:
        """Read a file and those it includes by `-r`."""
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
    """The folder holding a lock's libraries for a target, made once and kept.

    Builds run beside each other: the first takes the lock file and makes the folder, the others wait and
    find it whole, because it appears under its name by one rename.
    """
    cache = Path(os.environ.get("TILLSTACK_CACHE") or Path.home() / ".cache" / "tillstack")
    cache.mkdir(parents=True, exist_ok=True)
    bytecode = "compiled" if target.interpreter() else "source"
    wanted = [target.name, bytecode, *lock.pins, *sorted(lock.aws_services)]
    recipe = " ".join(wanted).encode() + Path(__file__).read_bytes() + Path(trimming.__file__).read_bytes()
    ready = cache / f"{target.name}-{hashlib.sha256(recipe).hexdigest()[:16]}"
    with exclusive(ready.with_suffix(".lock")):
        if not ready.exists():
            with tempfile.TemporaryDirectory(dir=cache, prefix="making-") as scratch:
                made = Path(scratch) / "site"
                install(lock, made, target)
                trim(made, lock.aws_services)
                compile_libraries(made, target)
                made.rename(ready)
    return ready


@contextmanager
def exclusive(path: Path) -> Iterator[None]:
    """Hold a file lock; the kernel lets go of it however the process ends."""
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def install(lock: Lock, into: Path, target: Target) -> None:
    """Put the pinned wheels into a folder as they are: no resolving, no building, no byte code."""
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    command += ["--no-deps", "--only-binary=:all:", "--no-compile", "--target", str(into)]
    command += [*target.pip_options(), *lock.pins]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    if done.returncode:
        raise BuildError(
            f"pip could not install the function's libraries for {target.name}:\n{done.stderr.strip()}"
        )


def compile_libraries(site: Path, target: Target) -> None:
    """Leave the libraries as byte code alone: half the size, and a traceback still names file and line."""
    if compile_to_bytecode(site, site, target, "-b"):
        for source in site.rglob("*.py"):
            source.unlink()


def compile_to_bytecode(folder: Path, root: Path, target: Target, *options: str) -> bool:
    """Compile to byte code that is believed unchecked (PEP 552): zips reset the times other byte code trusts.

    Byte code is of one Python version: without the target's own on this machine nothing is done (False).
    """
    interpreter = target.interpreter()
    if interpreter is None:
        print(f"note: no python3.{target.minor} here: {folder.name} has no byte code and starts slower")
        return False
    command = [interpreter, "-m", "compileall", "-q", "--invalidation-mode", "unchecked-hash", *options]
    if subprocess.run([*command, "-s", str(root), str(folder)], check=False).returncode:
        raise BuildError(f"{folder} holds a file that python3.{target.minor} cannot compile (named above)")
    return True


if __name__ == "__main__":
    try:
        build(sys.argv[1], Path(sys.argv[2]), Target.of(os.environ.get("TILLSTACK_TARGET", "")))
    except BuildError as error:
        sys.exit(f"package.py: {error}")
