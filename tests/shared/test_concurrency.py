"""Who was overtaken tries again, with pauses, and not for ever."""

import time

import pytest

from shared.dynamodb.concurrency import PAUSE, backoff, require_version, retry_on
from shared.dynamodb.rows import ConcurrentUpdate
from shared.errors import Stale


class VersionConflict(Exception):
    pass


@pytest.fixture
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """How long each pause was that was made."""
    made: list[float] = []
    monkeypatch.setattr(time, "sleep", made.append)
    return made


def test_the_first_try_is_made_at_once_and_pauses_double_so_often(pauses):
    longest = [PAUSE.total_seconds() * 2**n for n in (0, 1, 2, 2, 2)]
    for _ in range(50):
        assert list(backoff(tries=6, max_doublings=2)) == [0, 1, 2, 3, 4, 5]
        assert all(0 <= pause <= most for pause, most in zip(pauses, longest, strict=True))
        pauses.clear()


def test_who_gets_through_has_the_answer_and_who_never_does_is_told(pauses):
    left = [VersionConflict(), VersionConflict()]

    @retry_on(VersionConflict, tries=3, max_doublings=1)
    def write(what: str) -> str:
        if left:
            raise left.pop()
        return what

    assert (write("a row"), len(pauses)) == ("a row", 2)
    left += [VersionConflict()] * 3
    with pytest.raises(ConcurrentUpdate) as told:
        write("a row")
    assert told.value.headers["Retry-After"] == "1"
    left += [ValueError()]  # type: ignore[list-item]
    with pytest.raises(ValueError):
        write("a row")


def test_a_change_of_another_version_is_stale():
    require_version(None, 4)
    require_version(4, 4)
    with pytest.raises(Stale, match="version is 4"):
        require_version(3, 4)
