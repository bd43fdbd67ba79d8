"""The health of the service."""

import boto3

from notify.app.api import api
from tests.support import REGION, Context


def test_health_depends_on_the_table(cloud: None) -> None:
    assert api({"health": True}, Context()) == {"status": "ok", "version": "test"}
    boto3.client("dynamodb", region_name=REGION).delete_table(TableName="tillstack-test-notifications")
    assert api({"health": True}, Context())["status"] == "failing"
