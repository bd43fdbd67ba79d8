"""The instructions of one API function, compared with a handler without a framework: start and warm request.

Times vary on shared machines, instructions do not: two counts differ by less than 0.1 %. callgrind is about
50 times as slow as the processor, so few requests are counted. `make bench` prints the times too.
"""

import os
import shutil
from collections.abc import Iterator

import pytest

import package
from tests.bench import budgets, stub, variants
from tests.bench.processes import MISSING, Instructions, Variant, body, can_count, count

# The limits of our handler to the bare one with the same botocore.
COLD = budgets.COLD_TO_TRIMMED_INSTRUCTIONS
WARM = budgets.WARM_TO_RAW_INSTRUCTIONS
WARM_REQUESTS = 10
NOISE = 0.001  # of the count


def require_valgrind() -> None:
    """Skip the test without valgrind; fail it in CI, where no test may be skipped."""
    if not can_count():
        (pytest.fail if os.environ.get("CI") else pytest.skip)(MISSING)


@pytest.fixture(scope="module")
def handlers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Variant]]:
    """Return our handler and the bare one, which reads the same row from the same local server."""
    with stub.dynamodb() as server:
        artifact = tmp_path_factory.mktemp("artifact")
        yield variants.packaged(package.Target(), artifact, server.url)


@pytest.fixture(scope="module")
def counts(handlers: dict[str, Variant]) -> dict[str, Instructions]:
    require_valgrind()
    return {name: count(variant, stub.event(), WARM_REQUESTS) for name, variant in handlers.items()}


@pytest.mark.parametrize(
    ("environment", "outcome"), [({"CI": "true"}, pytest.fail.Exception), ({}, pytest.skip.Exception)]
)
def test_without_valgrind_the_counts_fail_in_ci_and_are_skipped_elsewhere(environment, outcome, monkeypatch):
    monkeypatch.setattr(os, "environ", environment)
    monkeypatch.setattr(shutil, "which", lambda name: None)
    with pytest.raises(outcome, match="apt install valgrind"):
        require_valgrind()


def test_both_handlers_return_the_same_order(handlers):
    ours, bare = (body(handlers[name], stub.event()) for name in ("ours", "trimmed"))
    assert ours == bare
    assert len(ours["lines"]) == 3


def test_a_cold_start_is_within_its_instruction_budget(counts):
    ratio = counts["ours"].cold / counts["trimmed"].cold
    assert ratio <= COLD, f"{ratio:.3f}: {counts}"


def test_a_warm_request_is_within_its_instruction_budget(counts):
    ratio = counts["ours"].warm / counts["trimmed"].warm
    assert ratio <= WARM, f"{ratio:.3f}: {counts}"


def test_two_counts_agree(handlers, counts):
    first, again = counts["trimmed"], count(handlers["trimmed"], stub.event(), WARM_REQUESTS)
    assert again.cold == pytest.approx(first.cold, rel=NOISE)
    assert again.warm == pytest.approx(first.warm, rel=NOISE)
