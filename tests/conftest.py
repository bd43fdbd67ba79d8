"""The setup of every test run: the environment of all services, and repeatable hypothesis examples."""

import pytest
from hypothesis import settings

from tests import support

support.set_environment()
from tests.fixtures import cloud, declared_problems, published, realistic_moto, resources  # noqa: E402, F401

# The tests that take longest start first, so that no worker waits for one of them at the end.
LONGEST = ("test_generated_requests.py", "test_orders_machine.py", "test_growth.py")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Sort the longest tests to the front; the others keep their order."""
    items.sort(key=lambda item: item.path.name not in LONGEST)


settings.register_profile("repeatable", derandomize=True, deadline=None)
settings.load_profile("repeatable")
