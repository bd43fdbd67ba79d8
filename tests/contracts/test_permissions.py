"""A function's role grants only what the code behind its handler can call.

The test follows the code from the handler (`code_graph`). This finds more than what really runs: the
`get` of a dict looks like that of a row. The simulator tests the other direction: it rejects calls that a
role does not allow.
"""

import re

import pytest

from infra.cloudformation import functions, read
from tests.contracts.code_graph import code_graph
from tests.support import ROOT

FUNCTIONS = functions(read(ROOT / "template.yaml"))
# Action → the methods that use it; one of them must be reachable from the handler.
CALLED_BY = {
    "dynamodb:GetItem": {"get"},
    "dynamodb:BatchGetItem": {"batch_get", "batch_get_item"},
    "dynamodb:Query": {"query"},
    "dynamodb:Scan": {"scan"},
    "dynamodb:PutItem": {"save"},
    "dynamodb:UpdateItem": {"update"},
    "dynamodb:DeleteItem": {"delete"},
    "dynamodb:ConditionCheckItem": {"condition_check"},
    "sns:Publish": {"publish_batch", "publish"},
    "sns:CheckIfPhoneNumberIsOptedOut": {"check_if_phone_number_is_opted_out"},
    "sqs:SendMessage": {"send_message", "send_message_batch"},
    "lambda:InvokeFunction": {"invoke"},
    "kms:Sign": {"sign"},
    "kms:Verify": {"verify"},
    "kms:GetPublicKey": {"get_public_key"},
    "secretsmanager:GetSecretValue": {"get_secret_value"},
    "ses:SendRawEmail": {"send_raw_email"},
    "s3:GetObject": {"get_object"},
    "s3:PutObject": {"put_object"},
}


def reachable(handler: str) -> set[str]:
    """Return every name that is mentioned in code reachable from the handler."""
    module, _, attribute = handler.rpartition(".")
    return code_graph(module.partition(".")[0]).reachable((module, attribute))


def _actions(name: str) -> set[str]:
    found: set[str] = set()
    for policy in FUNCTIONS[name].get("Policies", []):
        for statement in policy["Statement"]:
            action = statement["Action"]
            found |= {action} if isinstance(action, str) else set(action)
    return found


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_role_grants_only_what_its_code_calls(name):
    called = reachable(FUNCTIONS[name]["Handler"])
    for action in _actions(name):
        assert action in CALLED_BY, f"{name}: add the methods that use {action} to CALLED_BY"
        assert CALLED_BY[action] & called, f"{name} may {action}, but no reachable code does"


def test_the_code_is_followed_from_the_handler():
    assert "save" in reachable("cart.app.consume.consume")
    assert "invoke" in reachable("cart.app.api.api")
    assert "publish_batch" not in reachable("cart.app.consume.consume")
    assert re.search(r"\w", " ".join(reachable("root.app.api")))
