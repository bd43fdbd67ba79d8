"""The shop, made once a module and emptied for each test."""

from collections.abc import Iterator

import moto
import pytest

from localstack.stripe.server import LocalStripe
from shared import observe, secrets
from tests.shop.house import House


@pytest.fixture(scope="module")
def standing_house() -> Iterator[House]:
    level = observe.log.log_level
    observe.log.setLevel("ERROR")  # thousands of requests: to write what went well costs a fifth of the time
    secrets._known.clear()
    with moto.mock_aws(), LocalStripe() as local_stripe, pytest.MonkeyPatch.context() as patch:
        yield House(local_stripe, patch)
    secrets._known.clear()
    observe.log.setLevel(level)


@pytest.fixture
def house(standing_house: House) -> Iterator[House]:
    """Whatever a test is about: no function did what its role does not allow."""
    standing_house.wire.refused.clear()
    standing_house.reset()
    yield standing_house
    assert not standing_house.wire.refused, "\n".join(sorted(set(standing_house.wire.refused)))
