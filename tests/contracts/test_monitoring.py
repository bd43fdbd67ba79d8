"""Whoever is on call hears of it: each place where something is given up or late has its alarm."""

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
    """What the alarms on this metric watch: names of functions, queues, services."""
    found = set()
    for alarm in ALARMS.values():
        if (alarm["Namespace"], alarm["MetricName"]) == (namespace, metric):
            values = {each["Name"]: each["Value"] for each in alarm["Dimensions"]}
            value = values[dimension]
            found.add(str(value if isinstance(value, str) else next(iter(value.values()))))
    return found


def _sourced(*types: str) -> set[str]:
    """Functions with a source of one of these types."""
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


def test_what_the_clock_starts_and_the_webhook_have_an_alarm_for_failing():
    wanted = _sourced("Schedule", "ScheduleV2") | {"PaymentsWebhook"}
    assert _watched("AWS/Lambda", "Errors", "FunctionName") >= wanted


@pytest.mark.parametrize("name", sorted(_sourced("DynamoDB")))
def test_what_a_relay_could_not_tell_is_kept(name):
    for event in FUNCTIONS[name]["Events"].values():
        if event["Type"] == "DynamoDB":
            target = event["Properties"]["DestinationConfig"]["OnFailure"]
            assert target == {"Type": "SQS", "Destination": {"GetAtt": "Relays.Outputs.DeadLettersArn"}}


def test_every_alarm_tells_somebody_and_says_what_to_think():
    for name, alarm in ALARMS.items():
        assert alarm["AlarmActions"] == [{"Ref": "Topic"}], name
        assert alarm["AlarmDescription"].endswith("."), name
        assert alarm["TreatMissingData"] == "notBreaching", name
    names = [alarm["AlarmName"]["Sub"] for alarm in ALARMS.values()]
    assert len({*names}) == len(names)


def test_the_metrics_that_are_watched_are_counted():
    """By the service that the alarm names."""
    for alarm in ALARMS.values():
        if alarm["Namespace"] == "Tillstack":
            (service,) = (each["Value"] for each in alarm["Dimensions"])
            code = "\n".join(path.read_text() for path in (ROOT / "functions" / service).rglob("*.py"))
            counted = re.findall(r'count\(f?"([^"]+)"', code)
            patterns = [re.sub(r"\{[^}]*\}", "[A-Z][A-Za-z]+", name) for name in counted]
            metric = alarm["MetricName"]
            assert any(re.fullmatch(name, metric) for name in patterns), f"{service} does not count {metric}"


def test_the_functions_that_are_watched_are_handed_over():
    handed = TEMPLATE["Resources"]["Monitoring"]["Properties"]["Parameters"]
    wanted = set(MONITORING["Parameters"]) - {"Stage", "AlarmEmail"}
    assert {name: handed.get(name) for name in wanted} == {name: {"Ref": name} for name in wanted}
    assert wanted <= set(FUNCTIONS)
