"""Who was overtaken tries again, with pauses, and not for ever."""

import time

import pytest

from shared.errors import Stale
from shared.rivals import PAUSE, again_when, attempts, expect
from shared.rows import Contended


class Overtaken(Exception):
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
        assert list(attempts(tries=6, doublings=2)) == [0, 1, 2, 3, 4, 5]
        assert all(0 <= pause <= most for pause, most in zip(pauses, longest, strict=True))
        pauses.clear()


def test_who_gets_through_has_the_answer_and_who_never_does_is_told(pauses):
    left = [Overtaken(), Overtaken()]

    @again_when(Overtaken, tries=3, doublings=1)
    def write(what: str) -> str:
        if left:
            raise left.pop()
        return what

    assert (write("a row"), len(pauses)) == ("a row", 2)
    left += [Overtaken()] * 3
    with pytest.raises(Contended) as told:
        write("a row")
    assert told.value.headers["Retry-After"] == "1"
    left += [ValueError()]  # type: ignore[list-item]
    with pytest.raises(ValueError):
        write("a row")


def test_a_change_of_another_version_is_stale():
    expect(None, 4)
    expect(4, 4)
    with pytest.raises(Stale, match="version 4"):
        expect(3, 4)
