"""How a check answers: how many it looked at, which of them differ and how, what else is worth knowing."""

from collections.abc import Callable
from dataclasses import dataclass, field

from ops.books import Books


@dataclass(frozen=True, order=True)
class Difference:
    """`subject` is an id to go on with, `found` says what is against what."""

    subject: str
    found: str


@dataclass
class Tally:
    """`looked` counts subjects; `notes` are allowed, and named all the same."""

    looked: int = 0
    differences: list[Difference] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def look(self, subject: str, *wrong: str | None) -> None:
        """One subject more, with what is wrong with it, if anything."""
        self.looked += 1
        self.differences += [Difference(subject, each) for each in wrong if each]

    @property
    def agreed(self) -> int:
        return self.looked - len({difference.subject for difference in self.differences})


@dataclass(frozen=True)
class Check:
    """A question to the books, and what to do where the answer is not the one hoped for."""

    name: str
    ask: Callable[[Books, Tally], None]
    next_step: str

    def answer(self, books: Books) -> Tally:
        tally = Tally()
        self.ask(books, tally)
        return tally


def unless(fine: bool, wrong: str) -> str | None:
    """For `look`: what is wrong, unless it is fine."""
    return None if fine else wrong


def same(what: str, here: object, there: object, of: str = "Stripe") -> str | None:
    """For `look`: two that must be equal."""
    return unless(here == there, f"{what} is {here}, {of} says {there}")
