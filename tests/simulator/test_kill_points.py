"""Wherever a process dies, a retry or the sweeper puts things right, and the books balance."""

import pytest

from tests.simulator.scenarios import BEHIND, SCENARIOS, Stage, told
from tests.simulator.simulator import Simulator


@pytest.fixture
def stage(simulator: Simulator, request: pytest.FixtureRequest) -> Stage:
    return Stage(simulator, request.param)


scenarios = pytest.mark.parametrize("stage", SCENARIOS.values(), ids=SCENARIOS.keys(), indirect=True)


@scenarios
def test_a_retry_is_served_at_once_or_when_the_lease_of_the_dead_is_over(stage):
    for n, when, alone in stage.points():
        with told(stage, f"killed {'alone ' if alone else ''}{when}", n):
            stage.die(n, when, alone)
            stage.is_retried()
            stage.settles()


@scenarios
def test_without_a_retry_nothing_is_left_half_done(stage):
    for n, when, alone in stage.points():
        with told(stage, f"killed {'alone ' if alone else ''}{when}", n):
            answer = stage.die(n, when, alone)
            if answer and answer.status != stage.scene.status:
                assert (answer.status, bool(answer.header("Retry-After"))) == (503, True), answer.text
            stage.settles()


@scenarios
@pytest.mark.parametrize("retries", [True, False], ids=["retried", "given up"])
def test_where_dynamodb_refuses_for_want_of_capacity_the_caller_is_told_to_come_again(stage, retries):
    names = [name for name in stage.calls if "dynamodb." in name]
    for n, name in enumerate(names, 1):
        with told(stage, f"throttled {name}", n):
            answer = stage.throttled(n)
            if answer and answer.status != stage.scene.status:
                assert (answer.status, bool(answer.header("Retry-After"))) == (503, True), answer.text
            if retries:
                stage.is_retried()
            stage.settles()


@scenarios
@pytest.mark.parametrize("retries", [True, False], ids=["retried", "given up"])
def test_where_a_neighbour_is_down_the_caller_is_told_to_come_again(stage, retries):
    asked = {name.partition("lambda.")[2] for name in stage.calls} - {""}
    for function in asked:
        stage.again().simulator.down(stage.simulator.wiring.functions[function].service)
        answer = stage.request()
        assert answer and (answer.status, bool(answer.header("Retry-After"))) == (503, True), answer
        stage.simulator.up()
        if retries:
            stage.is_retried()
        stage.settles()


behind = pytest.mark.parametrize("stage", BEHIND.values(), ids=BEHIND.keys(), indirect=True)


@behind
def test_what_runs_by_itself_goes_on_where_it_died(stage):
    assert stage.calls
    for n, when, alone in stage.points():
        with told(stage, f"killed {when}", n):
            stage.die(n, when, alone)
            stage.settles()


@behind
def test_what_runs_by_itself_goes_on_when_dynamodb_has_capacity_again(stage):
    for n in range(1, 1 + sum("dynamodb." in name for name in stage.calls)):
        with told(stage, "throttled", n):
            stage.throttled(n)
            stage.settles()
