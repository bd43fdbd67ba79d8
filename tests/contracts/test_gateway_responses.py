"""API Gateway's own responses look like those of a service."""

import json
from typing import Any

import botocore.session
import pytest

from infra.gateway_responses import for_document, for_stack, responses
from root.app import api
from tests.problem_checks import WITH_RETRY_AFTER
from tests.support import call

RESPONSES = {response.kind: response for response in responses()}
FALLBACKS = {"DEFAULT_4XX", "DEFAULT_5XX"}


def test_every_response_type_of_api_gateway_has_a_problem():
    model = botocore.session.get_session().get_service_model("apigateway")
    kinds: Any = model.shape_for("GatewayResponseType")
    assert {*RESPONSES} == {*kinds.enum}


@pytest.mark.parametrize("kind", RESPONSES)
def test_the_status_in_the_body_equals_the_http_status(kind):
    declared = for_document()[kind]
    body = json.loads(declared["responseTemplates"]["application/json"])
    # API Gateway chooses the status of the fallbacks, so their body must not name one.
    expected = None if kind in FALLBACKS else str(body["status"])
    assert declared.get("statusCode") == expected
    assert ("status" in body) == (kind not in FALLBACKS)


@pytest.mark.parametrize("kind", RESPONSES)
def test_a_response_has_the_headers_of_a_service(kind):
    of_service = call(api, "GET", "/docs/absent", headers={"Origin": "https://shop.example"}).headers
    found = {name.rpartition(".")[2]: value for name, value in RESPONSES[kind].parameters.items()}
    assert {*of_service} <= {*found}
    for name in {*of_service} - {"Access-Control-Allow-Origin", "X-Request-Id"}:
        assert found[name] == f"'{of_service[name]}'"


@pytest.mark.parametrize("kind", RESPONSES)
def test_a_response_that_invites_to_retry_says_when(kind):
    response = RESPONSES[kind]
    assert ("Retry-After" in response.headers) == (response.status in WITH_RETRY_AFTER)


def test_both_forms_have_the_same_responses():
    resources = for_stack()["Resources"].values()
    assert {each["Properties"]["ResponseType"] for each in resources} == {*for_document()}
