"""What `If-Match` asks."""

from shared.errors import Stale


def expect(if_match: int | None, version: int) -> None:
    """Raises Stale where the caller means another version."""
    if if_match is not None and if_match != version:
        raise Stale(f"This is version {version} now; read it again.")
