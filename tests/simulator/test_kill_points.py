"""Kill points: a retry or the sweeper recovers from a process killed at any call."""

import pytest

from tests.simulator.scenarios import BACKGROUND_SCENARIOS, SCENARIOS, ScenarioRun, report_failure
from tests.simulator.simulator import Simulator


@pytest.fixture
def run(simulator: Simulator, request: pytest.FixtureRequest) -> ScenarioRun:
    return ScenarioRun(simulator, request.param)


scenarios = pytest.mark.parametrize("run", SCENARIOS.values(), ids=SCENARIOS.keys(), indirect=True)


@scenarios
def test_a_retry_succeeds_at_once_or_after_the_lease_of_the_killed_request(run):
    for n, when, alone in run.kill_points():
        with report_failure(run, f"killed {'alone ' if alone else ''}{when}", n):
            run.kill(n, when, alone)
            run.check_retry()
            run.check_recovery()


@scenarios
def test_a_killed_request_recovers_without_a_retry(run):
    for n, when, alone in run.kill_points():
        with report_failure(run, f"killed {'alone ' if alone else ''}{when}", n):
            answer = run.kill(n, when, alone)
            if answer and answer.status != run.scenario.status:
                assert (answer.status, bool(answer.header("Retry-After"))) == (503, True), answer.text
            run.check_recovery()


@scenarios
@pytest.mark.parametrize("retries", [True, False], ids=["retried", "not retried"])
def test_a_throttled_request_returns_503_with_retry_after(run, retries):
    names = [name for name in run.calls if "dynamodb." in name]
    for n, name in enumerate(names, 1):
        with report_failure(run, f"throttled {name}", n):
            answer = run.throttle(n)
            if answer and answer.status != run.scenario.status:
                assert (answer.status, bool(answer.header("Retry-After"))) == (503, True), answer.text
            if retries:
                run.check_retry()
            run.check_recovery()


@scenarios
@pytest.mark.parametrize("retries", [True, False], ids=["retried", "not retried"])
def test_an_unavailable_service_returns_503_with_retry_after(run, retries):
    invoked = {name.partition("lambda.")[2] for name in run.calls} - {""}
    for function in invoked:
        run.restart().simulator.take_down(run.simulator.wiring.functions[function].service)
        answer = run.request()
        assert answer and (answer.status, bool(answer.header("Retry-After"))) == (503, True), answer
        run.simulator.bring_up()
        if retries:
            run.check_retry()
        run.check_recovery()


background = pytest.mark.parametrize(
    "run", BACKGROUND_SCENARIOS.values(), ids=BACKGROUND_SCENARIOS.keys(), indirect=True
)


@background
def test_a_killed_background_function_continues(run):
    assert run.calls
    for n, when, alone in run.kill_points():
        with report_failure(run, f"killed {when}", n):
            run.kill(n, when, alone)
            run.check_recovery()


@background
def test_a_throttled_background_function_continues(run):
    for n in range(1, 1 + sum("dynamodb." in name for name in run.calls)):
        with report_failure(run, "throttled", n):
            run.throttle(n)
            run.check_recovery()
