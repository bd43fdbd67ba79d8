"""The checks of an audit and their results."""

from collections.abc import Callable
from dataclasses import dataclass, field

from ops.snapshot import Snapshot


@dataclass(frozen=True, order=True)
class Difference:
    """One problem: `subject` is the id of what is wrong, `found` says what is wrong with it."""

    subject: str
    found: str


@dataclass
class CheckResult:
    """The number of checked subjects, the differences, and notes about what is allowed but unusual."""

    checked: int = 0
    differences: list[Difference] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def add(self, subject: str, *problems: str | None) -> None:
        """Count one subject and record its problems; None is no problem."""
        self.checked += 1
        self.differences += [Difference(subject, problem) for problem in problems if problem]

    @property
    def passed(self) -> int:
        """The number of subjects without a difference."""
        return self.checked - len({difference.subject for difference in self.differences})


@dataclass(frozen=True)
class Check:
    """A check and what to do first if it finds a difference."""

    name: str
    function: Callable[[Snapshot, CheckResult], None]
    next_step: str

    def run(self, snapshot: Snapshot) -> CheckResult:
        result = CheckResult()
        self.function(snapshot, result)
        return result


def expect(condition: bool, problem: str) -> str | None:
    """Return the problem if the condition is false, else None."""
    return None if condition else problem


def expect_equal(name: str, here: object, there: object, source: str = "Stripe") -> str | None:
    """Return a problem if the value here is not that of the source, else None."""
    return expect(here == there, f"{name} is {here}, but {there} according to {source}")
