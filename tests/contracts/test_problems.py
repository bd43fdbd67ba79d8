"""Routes declare the problems that they return, and problems their members."""

import ast
import inspect
import re

import pytest

from infra.openapi.declared import routes as declared_routes
from shared.contracts.commands.base import Command
from shared.contracts.problems import ForwardedProblem
from shared.errors import Conflict, NotFound, Problem, Stale, TooManyRequests
from shared.http.api import Api
from shared.http.identity import PUBLIC
from shared.http.routing import Routes
from tests.contracts import raised_problems
from tests.contracts.code_graph import code_graph, load
from tests.support import SERVICES, call

ROUTES = [route for _, route in declared_routes()]
# Operation → problems that only seem reachable, because the analysis ignores the values of arguments.
UNREACHABLE: dict[str, tuple[set[str], str]] = {
    "clear_cart": ({"CouponNotApplicable"}, "`require_coupon` is false"),
    "remove_coupon_from_cart": ({"CouponNotApplicable"}, "`require_coupon` is false"),
    "add_item": ({"CouponNotApplicable"}, "`require_coupon` is false"),
    "set_item": ({"CouponNotApplicable"}, "`require_coupon` is false"),
    "remove_item": ({"CouponNotApplicable"}, "`require_coupon` is false"),
    "create_product": ({"StockReserved"}, "a new product removes no variants"),
    "archive_product": ({"Invalid", "SkuTaken", "StockReserved"}, "only the status changes"),
    "place_order": ({"IllegalTransition"}, "a pending order may be placed and rejected"),
    "open_payment": ({"NoSuchPayment"}, "the payment was read or created before"),
    "request_reconciliation": ({"NoSuchReconciliation"}, "runs are never deleted"),
}


def _raised(route):
    """Return the problems that the view can raise; of classes with one type and status, the first."""
    found = {kind for kind in raised_problems.raised_by(route.view) if issubclass(kind, Problem)}
    if "if_match" not in route.hints:
        found.discard(Stale)  # its only source, `require_version`, accepts None
    return found - {ForwardedProblem}


def _types(kinds):
    return {(kind.slug, kind.status) for kind in kinds}


def _name(route):
    return route.view.__name__


@pytest.mark.parametrize("route", ROUTES, ids=_name)
def test_a_route_declares_every_problem_that_its_code_raises(route):
    unreachable, _ = UNREACHABLE.get(_name(route), (set(), ""))
    raised = {kind for kind in _raised(route) if kind.__name__ not in unreachable}
    missing = _types(raised) - _types(route.problems)
    assert not missing, f"add {missing} to the route's `raises`"


@pytest.mark.parametrize("route", ROUTES, ids=_name)
def test_the_code_of_a_route_raises_every_problem_it_declares(route):
    expected = {*route.raises} | ({Stale} if "if_match" in route.hints else set())
    unused = _types(expected) - _types(_raised(route))
    assert not unused, f"no code that the route calls raises {unused}"


def test_unreachable_problems_are_still_found_by_the_analysis():
    by_name = {_name(route): route for route in ROUTES}
    for name, (kinds, _) in UNREACHABLE.items():
        raised = {kind.__name__ for kind in _raised(by_name[name])}
        assert kinds <= raised, f"remove {kinds - raised} of {name} from UNREACHABLE"


@pytest.mark.parametrize("route", ROUTES, ids=_name)
def test_a_route_does_not_repeat_the_problems_of_the_framework(route):
    derived = route._replace(raises=()).problems
    assert not {*derived} & {*route.raises}
    assert len({*route.raises}) == len(route.raises)


COMMANDS = [
    kind
    for module in load("shared.contracts.commands")
    for kind in vars(module).values()
    if isinstance(kind, type) and issubclass(kind, Command) and "command" in vars(kind)
]


@pytest.mark.parametrize("kind", COMMANDS, ids=lambda kind: kind.__name__)
def test_a_command_names_the_problems_that_reject_it(kind):
    if "For operators" in kind.__doc__:
        return  # the operator sees the problem
    named = re.findall(r"`([a-z-]+)`", kind.__doc__.partition("Rejected with")[2])
    known = {problem.slug for problem in _problem_classes()}
    assert {*named} & known == {problem.slug for problem in raised_problems.rejections(kind)}


def _problem_classes():
    classes, pending = [], [Problem]
    while pending:
        pending += (found := pending.pop().__subclasses__())
        classes += found
    packages = {*SERVICES, "root", "shared"}
    return sorted(
        (kind for kind in classes if kind.__module__.partition(".")[0] in packages),
        key=lambda kind: (kind.__module__, kind.__name__),
    )


@pytest.mark.parametrize("kind", _problem_classes(), ids=lambda kind: kind.__name__)
def test_a_problem_is_described_for_its_clients(kind):
    if kind is ForwardedProblem:
        return
    assert kind.__doc__ and kind.__doc__.endswith(".")
    assert kind.advice.endswith(".")
    assert 400 <= kind.status < 600
    if kind.members:
        assert kind.members.__doc__
        for hint in inspect.get_annotations(kind.members, eval_str=True).values():
            assert "description=" in repr(hint), f"{kind.members.__name__} lacks a description"


@pytest.mark.parametrize("service", [*SERVICES, "root"])
def test_problems_are_constructed_with_the_members_that_they_declare(service):
    for module in code_graph(service).modules.values():
        for node in ast.walk(ast.parse(inspect.getsource(module) or "pass")):
            if not isinstance(node, ast.Call):
                continue
            kind = _resolve(module, node.func)
            if isinstance(kind, type) and issubclass(kind, Problem) and kind is not Problem:
                named = {word.arg for word in node.keywords if word.arg} - {"headers", "retry_after"}
                assert named <= _members(kind), f"{module.__name__}:{node.lineno}"


def _members(kind):
    return kind.members.__required_keys__ | kind.members.__optional_keys__ if kind.members else set()


def _resolve(module, node):
    if isinstance(node, ast.Name):
        return getattr(module, node.id, None)
    if isinstance(node, ast.Attribute):
        return getattr(_resolve(module, node.value), node.attr, None)
    return None


planted = Routes()


class Sold(Conflict):
    """The thing was sold."""


@planted.get("/undeclared", role=PUBLIC)
def read_undeclared() -> None:
    raise NotFound("The thing does not exist.")


@planted.get("/member", role=PUBLIC, raises=(Sold,))
def read_with_member() -> None:
    raise Sold("The thing was sold.", buyer="usr_1")


@planted.get("/no-time", role=PUBLIC)
def read_without_time() -> None:
    raise TooManyRequests("The limit is reached.")


@pytest.mark.parametrize(
    ("path", "message"),
    [("/undeclared", "add it to"), ("/member", "does not name"), ("/no-time", "needs a Retry-After")],
)
def test_a_faulty_problem_fails_every_test(path, message):
    with pytest.raises(AssertionError, match=message):
        call(Api(planted), "GET", path)
