"""The command that reports breaking changes of the API document since the last release."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from infra.breaking.diff import compare
from infra.breaking.rules import RULES

DOCUMENT = "functions/root/openapi.json"


def main(repository: Path) -> int:
    """Print breaks and warnings, and return 1 if there is a break.

    Breaks are allowed if the document's `info.version` has changed since the release.
    """
    described = _git(repository, "describe", "--tags", "--abbrev=0", "--match", "v*")
    if described.returncode:
        print("API document: there is no release to compare with (no git tag v*).")
        return 0
    tag = described.stdout.strip()
    released = _git(repository, "show", f"{tag}:{DOCUMENT}")
    if released.returncode:
        print(f"API document: the release {tag} has no {DOCUMENT} to compare with.")
        return 0
    old: Any = json.loads(released.stdout)
    new: Any = json.loads((repository / DOCUMENT).read_text())
    changes = sorted(compare(old, new), key=lambda change: not RULES[change.rule].breaks)
    for change in changes:
        kind = "break" if RULES[change.rule].breaks else "warning"
        print(f"{kind}: {change.sentence}\n  at {change.pointer}\n  instead: {change.instead}")
    breaks = sum(RULES[change.rule].breaks for change in changes)
    print(f"API document since {tag}: {breaks} breaking, {len(changes) - breaks} warnings.")
    version, current = old["info"]["version"], new["info"]["version"]
    if breaks and version != current:
        print(f"The breaks are allowed, because the version changed from {version} to {current}.")
    return int(breaks > 0 and version == current)


def _git(repository: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["git", *arguments], cwd=repository, capture_output=True, text=True)


if __name__ == "__main__":
    sys.exit(main(Path.cwd()))
