"""What each function's role allows, as template.yaml says it, and what each call to AWS needs.

https://docs.aws.amazon.com/service-authorization/latest/reference/reference.html
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from email.utils import parseaddr
from typing import Any

from botocore.exceptions import ClientError

from infra.cloudformation import functions, read
from tests.support import ACCOUNT, ENVIRONMENT, REGION, ROOT, STAGE

PSEUDO = {"AWS::Partition": "aws", "AWS::Region": REGION, "AWS::AccountId": ACCOUNT, "Stage": STAGE}
# The property that names a resource of this type, and the ARN of that name.
ARNS = {
    "AWS::DynamoDB::Table": ("TableName", f"arn:aws:dynamodb:{REGION}:{ACCOUNT}:table/{{}}"),
    "AWS::SNS::Topic": ("TopicName", f"arn:aws:sns:{REGION}:{ACCOUNT}:{{}}"),
    "AWS::SQS::Queue": ("QueueName", f"arn:aws:sqs:{REGION}:{ACCOUNT}:{{}}"),
    "AWS::S3::Bucket": ("BucketName", "arn:aws:s3:::{}"),
    "AWS::SES::ConfigurationSet": ("Name", "{}"),
}
# What tests call otherwise than the template does is known by the variable that holds it.
NAMED_BY_VARIABLE = {"AWS::KMS::Key": "key/{}", "AWS::SecretsManager::Secret": "secret/{}"}
IN_TRANSACTIONS = {
    "Put": "PutItem",
    "Update": "UpdateItem",
    "Delete": "DeleteItem",
    "ConditionCheck": "ConditionCheckItem",
    "Get": "GetItem",
}
# How the service says that it may not be; all others say AccessDeniedException.
REFUSALS = {"s3": "AccessDenied", "ses": "AccessDenied", "sns": "AuthorizationError", "sqs": "AccessDenied"}


@dataclass(frozen=True)
class Need:
    """What a call may only do where it is allowed: an action on a resource, told by these facts."""

    action: str
    resource: str
    facts: Mapping[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        return f"{self.action} on {self.resource}"


@dataclass(frozen=True)
class Statement:
    """One that allows: patterns of actions and of resources (or of those it is not for), and conditions."""

    actions: tuple[str, ...]
    resources: tuple[str, ...]
    others: tuple[str, ...]
    equals: Mapping[str, str]

    def allows(self, need: Need) -> bool:
        if not any(_fits(pattern.lower(), need.action.lower()) for pattern in self.actions):
            return False
        if any(need.facts.get(name) != value for name, value in self.equals.items()):
            return False
        if self.others:
            return not any(_fits(pattern, need.resource) for pattern in self.others)
        return any(_fits(pattern, need.resource) for pattern in self.resources)


class Roles:
    """Every function's role."""

    def __init__(self, template: Mapping[str, Any]) -> None:
        self.template = template
        self.declared = functions(dict(template))
        self.statements = {name: list(self._statements(name)) for name in self.declared}

    def lacking(self, function: str, wanted: Iterable[Need]) -> Need | None:
        """The first of these that the function may not do, if any."""
        granted = self.statements[function]
        return next((need for need in wanted if not any(each.allows(need) for each in granted)), None)

    def _statements(self, name: str) -> Iterator[Statement]:
        for policy in self.declared[name].get("Policies", []):
            for said in policy["Statement"]:
                assert said.keys() <= {"Effect", "Action", "Resource", "NotResource", "Condition"}, said
                conditions = said.get("Condition", {})
                assert said["Effect"] == "Allow" and conditions.keys() <= {"StringEquals"}, said
                yield Statement(
                    actions=tuple(_list(said["Action"])),
                    resources=tuple(map(self._text, _list(said.get("Resource", [])))),
                    others=tuple(map(self._text, _list(said.get("NotResource", [])))),
                    equals={
                        key: self._text(value) for key, value in conditions.get("StringEquals", {}).items()
                    },
                )

    def _text(self, value: Any) -> str:
        """What an intrinsic function comes to, under the names that tests' resources have."""
        if isinstance(value, str):
            return value
        ((function, said),) = value.items()
        if function == "Ref":
            return PSEUDO.get(said) or str(self.template["Parameters"][said]["Default"])
        if function == "GetAtt":
            return self._attribute(said)
        if function == "Sub":
            pattern, known = said if isinstance(said, list) else (said, {})

            def filled(found: re.Match[str]) -> str:
                name = found[1]
                if name in known:
                    return self._text(known[name])
                return self._text({"GetAtt" if "." in name else "Ref": name})

            return re.sub(r"\$\{([^}]+)\}", filled, pattern)
        if function == "Select":
            at, parts = said
            separator, text = parts["Split"]
            return str(self._text(text).split(separator)[int(at)])
        raise NotImplementedError(value)

    def _attribute(self, name: str) -> str:
        stack, *path = name.split(".")
        if path == ["Arn"]:
            return function_arn(stack)
        nested = read(ROOT / self.template["Resources"][stack]["Properties"]["TemplateURL"])
        value = nested["Outputs"][path[1]]["Value"]
        resource = nested["Resources"][(value.get("Ref") or value["GetAtt"]).partition(".")[0]]
        kind, properties = resource["Type"], resource["Properties"]
        if kind in NAMED_BY_VARIABLE:
            return NAMED_BY_VARIABLE[kind].format(self._variable({"GetAtt": name}))
        title, arn = ARNS[kind]
        return arn.format(self._text(properties[title]))

    def _variable(self, value: Mapping[str, str]) -> str:
        for properties in self.declared.values():
            for variable, held in properties.get("Environment", {}).get("Variables", {}).items():
                if held == value and variable in ENVIRONMENT:
                    return ENVIRONMENT[variable]
        return str(value)  # a role may name what no variable does; no test can ask for it


def function_arn(logical_id: str) -> str:
    return f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{logical_id}"


def needs(service: str, operation: str, said: Mapping[str, Any]) -> list[Need]:
    """What AWS asks of the role of whoever makes this call, Lambda's Invoke apart."""
    if service == "dynamodb":
        return list(_of_dynamodb(operation, said))
    if service == "sqs":
        queue = str(said["QueueUrl"]).rpartition("/")[2]
        action = operation.removesuffix("Batch")
        return [Need(f"sqs:{action}", f"arn:aws:sqs:{REGION}:{ACCOUNT}:{queue}")]
    if service == "sns":
        action = "Publish" if operation == "PublishBatch" else operation
        return [Need(f"sns:{action}", said.get("TopicArn") or said.get("PhoneNumber") or "*")]
    if service == "ses" and operation == "SendRawEmail":
        return list(_of_ses(said))
    if service == "secretsmanager":
        return [Need(f"secretsmanager:{operation}", f"secret/{said['SecretId']}")]
    if service == "kms":
        return [Need(f"kms:{operation}", f"key/{said['KeyId']}")]
    if service == "s3":
        action = {"HeadObject": "GetObject"}.get(operation, operation)
        return [Need(f"s3:{action}", f"arn:aws:s3:::{said['Bucket']}/{said['Key']}")]
    raise NotImplementedError(f"what {service}:{operation} needs")


def _of_dynamodb(operation: str, said: Mapping[str, Any]) -> Iterator[Need]:
    if "TransactItems" in said:
        for entry in said["TransactItems"]:
            ((kind, item),) = entry.items()
            yield Need(f"dynamodb:{IN_TRANSACTIONS[kind]}", _table(item["TableName"]))
    elif "RequestItems" in said:
        for name in said["RequestItems"]:
            yield Need(f"dynamodb:{operation}", _table(name))
    else:
        index = f"/index/{said['IndexName']}" if said.get("IndexName") else ""
        yield Need(f"dynamodb:{operation}", _table(said["TableName"]) + index)


def _table(name: str) -> str:
    return name if name.startswith("arn:") else f"arn:aws:dynamodb:{REGION}:{ACCOUNT}:table/{name}"


def _of_ses(said: Mapping[str, Any]) -> Iterator[Need]:
    """The sender's domain is the identity that SES knows; what else is named is asked for too."""
    sender = parseaddr(said["Source"])[1]
    facts = {"ses:FromAddress": sender}
    mine = f"arn:aws:ses:{REGION}:{ACCOUNT}"
    yield Need("ses:SendRawEmail", f"{mine}:identity/{sender.partition('@')[2]}", facts)
    if chosen := said.get("ConfigurationSetName"):
        yield Need("ses:SendRawEmail", f"{mine}:configuration-set/{chosen}", facts)


def refusal(function: str, operation: str, need: Need) -> ClientError:
    """As botocore raises what the role does not allow."""
    user = f"arn:aws:sts::{ACCOUNT}:assumed-role/{function}/{function}"
    said = f"User: {user} is not authorized to perform: {need.action} on resource: {need.resource}"
    service = need.action.partition(":")[0]
    error = {"Code": REFUSALS.get(service, "AccessDeniedException"), "Message": said}
    status = 400 if error["Code"] == "AccessDeniedException" else 403
    return ClientError(
        {"Error": error, "ResponseMetadata": {"HTTPStatusCode": status}},  # type: ignore[typeddict-item]
        operation,
    )


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _fits(pattern: str, text: str) -> bool:
    """IAM's wildcards: `*` any characters, `?` one."""
    parts = (re.escape(part).replace(r"\?", ".") for part in pattern.split("*"))
    return re.fullmatch(".*".join(parts), text, re.DOTALL) is not None
