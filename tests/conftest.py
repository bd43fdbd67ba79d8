"""The setup of every test run: the environment of all services, and repeatable hypothesis examples."""

from hypothesis import settings

from tests import support

support.set_environment()
from tests.fixtures import cloud, declared_problems, published, realistic_moto, resources  # noqa: E402, F401

settings.register_profile("repeatable", derandomize=True, deadline=None)
settings.load_profile("repeatable")
