"""The alarms: everything that can fail or fall behind has one, and each says what to do."""

import re
from typing import Any

import pytest

from infra.cloudformation import functions, read
from tests.support import ROOT, SERVICES

TEMPLATE = read(ROOT / "template.yaml")
FUNCTIONS = functions(TEMPLATE)
MONITORING = read(ROOT / "infra" / "monitoring.yaml")
ALARMS: dict[str, dict[str, Any]] = {
    name: resource["Properties"]
    for name, resource in MONITORING["Resources"].items()
    if resource["Type"] == "AWS::CloudWatch::Alarm"
}
STACKS = (*SERVICES, "relays")


def _watched(namespace: str, metric: str, dimension: str) -> set[str]:
    """Return the functions, queues or services that the alarms on this metric watch."""
    found = set()
    for alarm in ALARMS.values():
        if (alarm["Namespace"], alarm["MetricName"]) == (namespace, metric):
            values = {each["Name"]: each["Value"] for each in alarm["Dimensions"]}
            value = values[dimension]
            found.add(str(value if isinstance(value, str) else next(iter(value.values()))))
    return found


def _sourced(*types: str) -> set[str]:
    """Return the functions with an event source of one of these types."""
    return {
        name
        for name, properties in FUNCTIONS.items()
        if any(event["Type"] in types for event in properties.get("Events", {}).values())
    }


def test_every_dead_letter_queue_has_its_alarm():
    dead = {
        resource["Properties"]["QueueName"]["Sub"]
        for stack in STACKS
        for resource in read(ROOT / "infra" / f"{stack}.yaml")["Resources"].values()
        if resource["Type"] == "AWS::SQS::Queue"
        and resource["Properties"]["QueueName"]["Sub"].endswith("-dlq")
    }
    assert _watched("AWS/SQS", "ApproximateNumberOfMessagesVisible", "QueueName") == dead


def test_every_relay_has_an_alarm_for_being_late_and_one_for_failing():
    assert _watched("AWS/Lambda", "IteratorAge", "FunctionName") == _sourced("DynamoDB")
    assert _watched("AWS/Lambda", "Errors", "FunctionName") >= _sourced("DynamoDB")


def test_scheduled_functions_and_the_webhook_have_an_alarm_for_failing():
    wanted = _sourced("Schedule", "ScheduleV2") | {"PaymentsWebhook"}
    assert _watched("AWS/Lambda", "Errors", "FunctionName") >= wanted


@pytest.mark.parametrize("name", sorted(_sourced("DynamoDB")))
def test_records_that_a_relay_cannot_publish_are_kept(name):
    for event in FUNCTIONS[name]["Events"].values():
        if event["Type"] == "DynamoDB":
            target = event["Properties"]["DestinationConfig"]["OnFailure"]
            assert target == {"Type": "SQS", "Destination": {"GetAtt": "Relays.Outputs.DeadLettersArn"}}


def test_every_alarm_notifies_and_says_what_is_wrong_and_what_to_do():
    for name, alarm in ALARMS.items():
        assert alarm["AlarmActions"] == [{"Ref": "Topic"}], name
        sentences = alarm["AlarmDescription"].split(". ")
        assert len(sentences) >= 2 and sentences[-1].endswith("."), name
        assert alarm["TreatMissingData"] == "notBreaching", name
    names = [alarm["AlarmName"]["Fn::Sub"] for alarm in ALARMS.values()]
    assert len({*names}) == len(names)


def test_every_watched_metric_is_counted():
    """The service that the alarm names counts it."""
    for alarm in ALARMS.values():
        if alarm["Namespace"] == "Tillstack":
            (service,) = (each["Value"] for each in alarm["Dimensions"])
            code = "\n".join(path.read_text() for path in (ROOT / "functions" / service).rglob("*.py"))
            counted = re.findall(r'count\(f?"([^"]+)"', code)
            patterns = [re.sub(r"\{[^}]*\}", "[A-Z][A-Za-z]+", name) for name in counted]
            metric = alarm["MetricName"]
            assert any(re.fullmatch(name, metric) for name in patterns), f"{service} does not count {metric}"


def test_the_watched_functions_are_passed_as_parameters():
    handed = TEMPLATE["Resources"]["Monitoring"]["Properties"]["Parameters"]
    wanted = set(MONITORING["Parameters"]) - {"Stage", "AlarmEmail"}
    assert {name: handed.get(name) for name in wanted} == {name: {"Ref": name} for name in wanted}
    assert wanted <= set(FUNCTIONS)
