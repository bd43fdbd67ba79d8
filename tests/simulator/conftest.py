"""The shop, made once a module and emptied for each test."""

from collections.abc import Iterator

import moto
import pytest

from localstack.stripe.server import LocalStripe
from shared.runtime import observability, secrets
from tests.simulator.simulator import Simulator


@pytest.fixture(scope="module")
def module_simulator() -> Iterator[Simulator]:
    level = observability.log.log_level
    observability.log.setLevel(
        "ERROR"
    )  # thousands of requests: to write what went well costs a fifth of the time
    secrets._cached.clear()
    with moto.mock_aws(), LocalStripe() as local_stripe, pytest.MonkeyPatch.context() as patch:
        yield Simulator(local_stripe, patch)
    secrets._cached.clear()
    observability.log.setLevel(level)


@pytest.fixture
def simulator(module_simulator: Simulator) -> Iterator[Simulator]:
    """Whatever a test is about: no function did what its role does not allow."""
    module_simulator.transport.refused.clear()
    module_simulator.reset()
    yield module_simulator
    assert not module_simulator.transport.refused, "\n".join(sorted(set(module_simulator.transport.refused)))
