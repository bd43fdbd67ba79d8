"""The alarms: one table, rendered to `infra/monitoring.yaml`.

A description says what is wrong, what it means for shoppers and what to do first.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

MINUTE, FIVE_MINUTES = 60, 300
RELAY_BEHIND_MS = 300_000


@dataclass(frozen=True)
class Alarm:
    """An alarm on one metric. It fires if the metric exceeds `threshold` in each of `periods` periods;
    `period` is in seconds."""

    name: str
    description: str
    namespace: str
    metric: str
    dimensions: dict[str, Any]
    statistic: str = "Sum"
    threshold: int = 0
    period: int = FIVE_MINUTES
    periods: int = 1

    @property
    def resource(self) -> dict[str, Any]:
        kebab = re.sub(r"(?<!^)(?=[A-Z])", "-", self.name).lower()
        return {
            "Type": "AWS::CloudWatch::Alarm",
            "Properties": {
                "AlarmName": {"Fn::Sub": f"tillstack-${{Stage}}-{kebab}"},
                "AlarmDescription": self.description,
                "Namespace": self.namespace,
                "MetricName": self.metric,
                "Dimensions": [{"Name": name, "Value": value} for name, value in self.dimensions.items()],
                "Statistic": self.statistic,
                "Period": self.period,
                "EvaluationPeriods": self.periods,
                "Threshold": self.threshold,
                "ComparisonOperator": "GreaterThanThreshold",
                "TreatMissingData": "notBreaching",
                "AlarmActions": [{"Ref": "Topic"}],
            },
        }


# Queue → what waits while its messages are in the dead-letter queue.
QUEUES = {
    "cart": "carts, coupons or cached product data may be outdated",
    "catalog": "stock may stay reserved or unsold",
    "orders": "orders may not show their payments",
    "orders-invoices": "paid orders may have no invoice",
    "payments": "refunds, captures or cancellations may be missing",
    "stripe": "payments may not be recorded",
    "notify": "emails or text messages were not sent",
    "notify-feedback": "bounces and complaints were not recorded",
}
# Relay → what is delayed while it is behind.
RELAYS = {
    "UsersRelay": "account events are delayed",
    "CatalogRelay": "product events are delayed and carts show old prices",
    "OrdersRelay": "order events are delayed",
    "PaymentsRelay": "payment events are delayed and orders stay unpaid",
    "PaymentsReconciler": "the reconciliation with Stripe is delayed",
    "NotifyRelay": "events about failed notifications are delayed",
}
# Scheduled function → what does not happen while it fails.
SCHEDULED = {
    "OrdersSweeper": "unpaid orders do not expire and keep their stock reserved",
    "PaymentsSweeper": "pending captures and refunds are not retried and authorizations expire silently",
    "PaymentsCatchUp": "webhooks that Stripe could not deliver are not fetched",
}
# Metric of a service → its description.
METRICS: dict[str, dict[str, str]] = {
    "payments": {
        "Unreconciled": (
            "A reconciliation found a difference between Stripe and the shop that it could neither "
            "explain nor repair. Shoppers may have paid a wrong amount. Read GET /admin/reconciliations."
        ),
        "ReconciliationsFailed": (
            "A reconciliation with Stripe did not finish; shoppers do not notice. The next one starts "
            "within the hour; if this alarm stays on, check the log of PaymentsReconciler."
        ),
        "RefundsFailed": (
            "Stripe rejected a refund for good, and a shopper waits for the money. Search the log for "
            "`refund failed`, then pay the shopper another way."
        ),
        "CapturesFailed": (
            "Goods were shipped and their amount could not be captured. Search the log for `capture "
            "failed`, then ask the shopper to pay again."
        ),
        "ForeignIntents": (
            "Money was received through a PaymentIntent that the shop did not create. Refund it in "
            "Stripe's dashboard."
        ),
        "SweeperFailures": (
            "The sweeper could not continue with a capture, a refund or a void; it retries every five "
            "minutes. If this alarm stays on, check the log of PaymentsSweeper."
        ),
        "EventsUnreadable": (
            "Stripe sends events that cannot be parsed, so payments may not be recorded. Compare the "
            "webhook endpoint's API version with the code's."
        ),
    },
    "orders": {
        "PaymentAmountDiffers": (
            "A payment differs from the order's total; it is refunded automatically and the shopper has "
            "to pay again. Search the log for `payment amount mismatched` and find out who created the "
            "payment."
        ),
        "OrdersPaidInPart": (
            "An authorization expired after a first fulfilment, so the rest of the order is not paid. Do "
            "not ship it; ask the shopper to pay again."
        ),
        "ExpiryFailures": (
            "An unpaid order could not expire, so its stock stays reserved. Search the log for "
            "`expiry failed`, then run `make audit`."
        ),
    },
    "catalog": {
        "PaidWithoutStock": (
            "A paid order has no reserved stock, which the rules exclude; it may be impossible to ship. "
            "Run `make audit` to find the order."
        ),
        "RestockSkipped": (
            "Returned goods belong to a product that no longer exists, so they are not for sale again. "
            "Run `make audit` to find the order."
        ),
    },
    "notify": {
        "NotificationsFailed": (
            "Emails or text messages were rejected for good and did not reach shoppers. Check the sender "
            "identity and the SES sandbox, then the `reason` in GET /notifications."
        ),
    },
}


def alarms() -> Iterator[Alarm]:
    """Yield every alarm."""
    for queue, effect in QUEUES.items():
        name = "".join(part.capitalize() for part in queue.split("-"))
        yield _dead_letters(
            f"{name}DeadLetters",
            queue,
            f"Messages of the queue {queue} failed five times, so {effect}. Find the cause in the log, "
            "then run `make redrive`.",
        )
    yield _dead_letters(
        "RelaysDeadLetters",
        "relays",
        "Relays could not publish some changes, so events are missing. Find the cause in the relay's log "
        "and run `make redrive` within 24 hours.",
    )
    for function, effect in RELAYS.items():
        yield Alarm(
            f"{function}IsBehind",
            f"{function} is more than 5 minutes behind, so {effect}. Check its log, then run `make redrive`.",
            "AWS/Lambda",
            "IteratorAge",
            {"FunctionName": {"Ref": function}},
            statistic="Maximum",
            threshold=RELAY_BEHIND_MS,
            period=MINUTE,
            periods=5,
        )
    for function, effect in (RELAYS | SCHEDULED).items():
        yield _errors(function, f"{function} fails, so {effect}. Check its log.")
    yield _errors(
        "PaymentsWebhook",
        "PaymentsWebhook fails, so payments are recorded late; Stripe retries for three days. Check its log.",
    )
    yield _server_errors(
        "WebhookServerErrors",
        "Stripe's webhooks are answered with 5xx, so payments are recorded late; Stripe retries for three"
        " days. Check the log of PaymentsWebhook.",
        {"Method": "POST", "Resource": "/webhooks/stripe"},
    )
    yield _server_errors(
        "ApiServerErrors",
        "More than ten responses in five minutes are 5xx, so requests of shoppers fail. Search the logs "
        "for `request failed`.",
        threshold=10,
    )
    for service, metrics in METRICS.items():
        for metric, description in metrics.items():
            yield Alarm(metric, description, "Tillstack", metric, {"service": service})


def _dead_letters(name: str, queue: str, description: str) -> Alarm:
    dimensions = {"QueueName": {"Fn::Sub": f"tillstack-${{Stage}}-{queue}-dlq"}}
    return Alarm(
        name, description, "AWS/SQS", "ApproximateNumberOfMessagesVisible", dimensions, statistic="Maximum"
    )


def _errors(function: str, description: str) -> Alarm:
    return Alarm(f"{function}Fails", description, "AWS/Lambda", "Errors", {"FunctionName": {"Ref": function}})


def _server_errors(
    name: str, description: str, route: dict[str, str] | None = None, threshold: int = 0
) -> Alarm:
    dimensions: dict[str, Any] = {"ApiName": {"Fn::Sub": "tillstack-${Stage}"}, "Stage": {"Ref": "Stage"}}
    dimensions |= route or {}
    return Alarm(name, description, "AWS/ApiGateway", "5XXError", dimensions, threshold=threshold)


def stack() -> dict[str, Any]:
    """Return the CloudFormation template: the topic, its subscription and the alarms."""
    functions = sorted({*RELAYS, *SCHEDULED, "PaymentsWebhook"})
    return {
        "AWSTemplateFormatVersion": "2010-09-09",
        "Description": "Alarms and their topic. docs/operations.md says what to do about each alarm.",
        "Parameters": {
            "Stage": {"Type": "String"},
            "AlarmEmail": {
                "Type": "String",
                "Default": "",
                "Description": "The address that receives alarms, once it has confirmed; empty for none.",
            },
            **{name: {"Type": "String", "Description": "The function's name."} for name in functions},
        },
        "Conditions": {"HasEmail": {"Fn::Not": [{"Fn::Equals": [{"Ref": "AlarmEmail"}, ""]}]}},
        "Resources": {
            "Topic": {
                "Type": "AWS::SNS::Topic",
                "Properties": {"TopicName": {"Fn::Sub": "tillstack-${Stage}-alarms"}},
            },
            "TopicPolicy": {
                "Type": "AWS::SNS::TopicPolicy",
                "Properties": {
                    "Topics": [{"Ref": "Topic"}],
                    "PolicyDocument": {
                        "Version": "2012-10-17",
                        "Statement": [
                            {
                                "Effect": "Allow",
                                "Principal": {"Service": "cloudwatch.amazonaws.com"},
                                "Action": "sns:Publish",
                                "Resource": {"Ref": "Topic"},
                                "Condition": {
                                    "StringEquals": {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}
                                },
                            }
                        ],
                    },
                },
            },
            "Email": {
                "Type": "AWS::SNS::Subscription",
                "Condition": "HasEmail",
                "Properties": {
                    "TopicArn": {"Ref": "Topic"},
                    "Protocol": "email",
                    "Endpoint": {"Ref": "AlarmEmail"},
                },
            },
            **{alarm.name: alarm.resource for alarm in alarms()},
        },
    }
