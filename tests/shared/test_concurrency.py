"""Optimistic concurrency: retries, backoff and version checks."""

import time

import pytest

from shared.dynamodb.concurrency import PAUSE, VersionConflict, backoff, require_version, retry_on
from shared.dynamodb.rows import ConcurrentUpdate
from shared.errors import Stale


@pytest.fixture
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Return the list to which each pause is appended, in seconds."""
    seconds: list[float] = []
    monkeypatch.setattr(time, "sleep", seconds.append)
    return seconds


def test_the_first_try_does_not_wait_and_pauses_double_up_to_the_limit(pauses):
    limits = [PAUSE.total_seconds() * 2**n for n in (0, 1, 2, 2, 2)]
    for _ in range(50):
        assert list(backoff(tries=6, max_doublings=2)) == [0, 1, 2, 3, 4, 5]
        assert all(0 <= pause <= limit for pause, limit in zip(pauses, limits, strict=True))
        pauses.clear()


def test_a_use_case_is_retried_on_conflicts_until_the_tries_are_used_up(pauses):
    conflicts = [VersionConflict(), VersionConflict()]

    @retry_on(VersionConflict, tries=3, max_doublings=1)
    def write(row: str) -> str:
        if conflicts:
            raise conflicts.pop()
        return row

    assert (write("a row"), len(pauses)) == ("a row", 2)
    conflicts += [VersionConflict()] * 3
    with pytest.raises(ConcurrentUpdate) as raised:
        write("a row")
    assert raised.value.headers["Retry-After"] == "1"
    conflicts += [ValueError()]  # type: ignore[list-item]
    with pytest.raises(ValueError):
        write("a row")


def test_a_change_based_on_another_version_is_stale():
    require_version(None, 4)
    require_version(4, 4)
    with pytest.raises(Stale, match="version is 4"):
        require_version(3, 4)
