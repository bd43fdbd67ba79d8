"""Versions: what a caller means to change is what there is."""

from shared.errors import Stale


def expect(if_match: int | None, version: int) -> None:
    """Raises Stale unless `version` is the one that is expected (None: any)."""
    if if_match is not None and if_match != version:
        raise Stale(f"It is at version {version} now; read it again.")
