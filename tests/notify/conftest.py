"""A post office that knows the shop."""

import boto3
import pytest

from tests.support import REGION


@pytest.fixture(autouse=True)
def post_office(request: pytest.FixtureRequest) -> None:
    """Where a test uses the cloud, SES knows the sender's domain."""
    if "cloud" in request.fixturenames:
        request.getfixturevalue("cloud")
        boto3.client("ses", region_name=REGION).verify_domain_identity(Domain="tillstack.example")
