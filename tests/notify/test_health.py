"""The health check of the API function."""

import boto3

from notify.app.api import api
from tests.support import REGION, Context


def test_the_health_check_fails_without_the_table(cloud: None) -> None:
    assert api({"health": True}, Context()) == {"status": "ok", "version": "test"}
    boto3.client("dynamodb", region_name=REGION).delete_table(TableName="tillstack-test-notifications")
    assert api({"health": True}, Context())["status"] == "failing"
