"""Fixtures: the simulator, deployed once per module and reset for each test."""

from collections.abc import Iterator

import moto
import pytest

from localstack.stripe.server import LocalStripe
from shared.runtime import observability, secrets
from tests.simulator.simulator import Simulator


@pytest.fixture(scope="module")
def module_simulator() -> Iterator[Simulator]:
    level = observability.log.level
    # Thousands of requests: logging each success would take a fifth of the time.
    observability.log.setLevel("ERROR")
    secrets._cached.clear()
    with moto.mock_aws(), LocalStripe() as local_stripe, pytest.MonkeyPatch.context() as patch:
        yield Simulator(local_stripe, patch)
    secrets._cached.clear()
    observability.log.setLevel(level)


@pytest.fixture
def simulator(module_simulator: Simulator) -> Iterator[Simulator]:
    """The simulator after a reset. Fails a test in which a role denied a call."""
    module_simulator.transport.denied.clear()
    module_simulator.reset()
    yield module_simulator
    assert not module_simulator.transport.denied, "\n".join(sorted(set(module_simulator.transport.denied)))
