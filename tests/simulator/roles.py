"""The permissions of each function's role in template.yaml, and those that each call to AWS requires.

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
# Resources whose ARNs the tests take from the environment instead of the template's names.
NAMED_BY_ENVIRONMENT = {"AWS::KMS::Key": "key/{}", "AWS::SecretsManager::Secret": "secret/{}"}
IN_TRANSACTIONS = {
    "Put": "PutItem",
    "Update": "UpdateItem",
    "Delete": "DeleteItem",
    "ConditionCheck": "ConditionCheckItem",
    "Get": "GetItem",
}
# Error codes of services whose code is not AccessDeniedException.
ACCESS_DENIED_CODES = {
    "s3": "AccessDenied",
    "ses": "AccessDenied",
    "sns": "AuthorizationError",
    "sqs": "AccessDenied",
}


@dataclass(frozen=True)
class Permission:
    """An action on a resource that a call requires, with the request's condition keys."""

    action: str
    resource: str
    context: Mapping[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        return f"{self.action} on {self.resource}"


@dataclass(frozen=True)
class Statement:
    """An Allow statement: patterns of actions, of resources (or excluded resources), and its conditions."""

    actions: tuple[str, ...]
    resources: tuple[str, ...]
    excluded: tuple[str, ...]
    equals: Mapping[str, str]

    def allows(self, permission: Permission) -> bool:
        if not any(_fits(pattern.lower(), permission.action.lower()) for pattern in self.actions):
            return False
        if any(permission.context.get(name) != value for name, value in self.equals.items()):
            return False
        if self.excluded:
            return not any(_fits(pattern, permission.resource) for pattern in self.excluded)
        return any(_fits(pattern, permission.resource) for pattern in self.resources)


class Roles:
    """The policy statements of every function's role."""

    def __init__(self, template: Mapping[str, Any]) -> None:
        self.template = template
        self.declared = functions(dict(template))
        self.statements = {name: list(self._statements(name)) for name in self.declared}

    def missing(self, function: str, permissions: Iterable[Permission]) -> Permission | None:
        """Return the first of the permissions that the function does not have, or None."""
        granted = self.statements[function]
        return next(
            (
                permission
                for permission in permissions
                if not any(each.allows(permission) for each in granted)
            ),
            None,
        )

    def _statements(self, name: str) -> Iterator[Statement]:
        for policy in self.declared[name].get("Policies", []):
            for statement in policy["Statement"]:
                assert statement.keys() <= {"Effect", "Action", "Resource", "NotResource", "Condition"}, (
                    statement
                )
                conditions = statement.get("Condition", {})
                assert statement["Effect"] == "Allow" and conditions.keys() <= {"StringEquals"}, statement
                yield Statement(
                    actions=tuple(_list(statement["Action"])),
                    resources=tuple(map(self._resolve, _list(statement.get("Resource", [])))),
                    excluded=tuple(map(self._resolve, _list(statement.get("NotResource", [])))),
                    equals={
                        key: self._resolve(value) for key, value in conditions.get("StringEquals", {}).items()
                    },
                )

    def _resolve(self, value: Any) -> str:
        """Return the value of an intrinsic function, with the names of the tests' resources."""
        if isinstance(value, str):
            return value
        ((function, argument),) = value.items()
        if function == "Ref":
            return PSEUDO.get(argument) or str(self.template["Parameters"][argument]["Default"])
        if function == "GetAtt":
            return self._attribute(argument)
        if function == "Sub":
            pattern, known = argument if isinstance(argument, list) else (argument, {})

            def filled(found: re.Match[str]) -> str:
                name = found[1]
                if name in known:
                    return self._resolve(known[name])
                return self._resolve({"GetAtt" if "." in name else "Ref": name})

            return re.sub(r"\$\{([^}]+)\}", filled, pattern)
        if function == "Select":
            at, parts = argument
            separator, text = parts["Split"]
            return str(self._resolve(text).split(separator)[int(at)])
        raise NotImplementedError(value)

    def _attribute(self, name: str) -> str:
        stack, *path = name.split(".")
        if path == ["Arn"]:
            return function_arn(stack)
        nested = read(ROOT / self.template["Resources"][stack]["Properties"]["TemplateURL"])
        value = nested["Outputs"][path[1]]["Value"]
        resource = nested["Resources"][(value.get("Ref") or value["GetAtt"]).partition(".")[0]]
        kind, properties = resource["Type"], resource["Properties"]
        if kind in NAMED_BY_ENVIRONMENT:
            return NAMED_BY_ENVIRONMENT[kind].format(self._variable({"GetAtt": name}))
        title, arn = ARNS[kind]
        return arn.format(self._resolve(properties[title]))

    def _variable(self, value: Mapping[str, str]) -> str:
        for properties in self.declared.values():
            for variable, held in properties.get("Environment", {}).get("Variables", {}).items():
                if held == value and variable in ENVIRONMENT:
                    return ENVIRONMENT[variable]
        return str(value)  # no variable names this resource, so no test can call it


def function_arn(logical_id: str) -> str:
    return f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{logical_id}"


def required_permissions(service: str, operation: str, params: Mapping[str, Any]) -> list[Permission]:
    """Return the permissions that AWS requires for this call, except for Lambda's Invoke."""
    if service == "dynamodb":
        return list(_dynamodb_permissions(operation, params))
    if service == "sqs":
        queue = str(params["QueueUrl"]).rpartition("/")[2]
        action = operation.removesuffix("Batch")
        return [Permission(f"sqs:{action}", f"arn:aws:sqs:{REGION}:{ACCOUNT}:{queue}")]
    if service == "sns":
        action = "Publish" if operation == "PublishBatch" else operation
        return [Permission(f"sns:{action}", params.get("TopicArn") or params.get("PhoneNumber") or "*")]
    if service == "ses" and operation == "SendRawEmail":
        return list(_ses_permissions(params))
    if service == "secretsmanager":
        return [Permission(f"secretsmanager:{operation}", f"secret/{params['SecretId']}")]
    if service == "kms":
        return [Permission(f"kms:{operation}", f"key/{params['KeyId']}")]
    if service == "s3":
        action = {"HeadObject": "GetObject"}.get(operation, operation)
        return [Permission(f"s3:{action}", f"arn:aws:s3:::{params['Bucket']}/{params['Key']}")]
    raise NotImplementedError(f"the permissions of {service}:{operation} are unknown")


def _dynamodb_permissions(operation: str, params: Mapping[str, Any]) -> Iterator[Permission]:
    if "TransactItems" in params:
        for entry in params["TransactItems"]:
            ((kind, item),) = entry.items()
            yield Permission(f"dynamodb:{IN_TRANSACTIONS[kind]}", _table(item["TableName"]))
    elif "RequestItems" in params:
        for name in params["RequestItems"]:
            yield Permission(f"dynamodb:{operation}", _table(name))
    else:
        index = f"/index/{params['IndexName']}" if params.get("IndexName") else ""
        yield Permission(f"dynamodb:{operation}", _table(params["TableName"]) + index)


def _table(name: str) -> str:
    return name if name.startswith("arn:") else f"arn:aws:dynamodb:{REGION}:{ACCOUNT}:table/{name}"


def _ses_permissions(params: Mapping[str, Any]) -> Iterator[Permission]:
    """Yield the permissions on the identity of the sender's domain and on the configuration set."""
    sender = parseaddr(params["Source"])[1]
    context = {"ses:FromAddress": sender}
    mine = f"arn:aws:ses:{REGION}:{ACCOUNT}"
    yield Permission("ses:SendRawEmail", f"{mine}:identity/{sender.partition('@')[2]}", context)
    if chosen := params.get("ConfigurationSetName"):
        yield Permission("ses:SendRawEmail", f"{mine}:configuration-set/{chosen}", context)


def access_denied(function: str, operation: str, permission: Permission) -> ClientError:
    """Return the error that botocore raises if the role does not allow the call."""
    user = f"arn:aws:sts::{ACCOUNT}:assumed-role/{function}/{function}"
    message = (
        f"User: {user} is not authorized to perform: {permission.action} on resource: {permission.resource}"
    )
    service = permission.action.partition(":")[0]
    error = {"Code": ACCESS_DENIED_CODES.get(service, "AccessDeniedException"), "Message": message}
    status = 400 if error["Code"] == "AccessDeniedException" else 403
    return ClientError(
        {"Error": error, "ResponseMetadata": {"HTTPStatusCode": status}},  # type: ignore[typeddict-item]
        operation,
    )


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _fits(pattern: str, text: str) -> bool:
    """Match IAM's wildcards: `*` is any characters, `?` is one."""
    parts = (re.escape(part).replace(r"\?", ".") for part in pattern.split("*"))
    return re.fullmatch(".*".join(parts), text, re.DOTALL) is not None
