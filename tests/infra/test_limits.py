"""docs/limits.md lists every number that limits something; numbers in the code have names and reasons."""

import ast
import re
from collections.abc import Iterator
from typing import Annotated

import pytest
import yaml
from pydantic import BaseModel, Field, StringConstraints

from infra.cloudformation import Loader
from infra.limits import code, parameters, requests, templates
from infra.limits.limit import Kind, Limit, text_of
from infra.permissions import Templates
from tests.support import ROOT

SOURCES = code.sources(ROOT)
# Arguments that limit something.
ARGUMENT = re.compile(
    r"timeout|attempts|tries|retries|doublings|limit|retry_after|max_|min_|ttl|page_size|expires"
)
# Functions whose numbers describe a request field, which the document lists from the models; and SQL-like
# unit arithmetic.
FIELDS = {"Field", "StringConstraints"}
# A slice of at least so many characters limits a text; shorter ones often take a part of a format.
SHORTEST_CUT = 30


def unnamed(source: str) -> Iterator[str]:
    """Yield each number in the code that looks like a limit and has no name."""
    tree = ast.parse(source)
    exempt = {
        id(part)
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") in FIELDS
        for part in ast.walk(node)
    }
    exempt |= {id(part) for node in tree.body if isinstance(node, ast.Assign) for part in _named(node)}
    for node in ast.walk(tree):
        if id(node) in exempt:
            continue
        for name, value in _candidates(node):
            if _number(value) > 1:
                yield f"{node.lineno if hasattr(node, 'lineno') else ''}: {name} {_number(value)}"


def _named(node: ast.Assign) -> Iterator[ast.AST]:
    """Yield the parts of `NAME = number`, which has a name."""
    match node:
        case ast.Assign(targets=[ast.Name(id=name)], value=value) if name.isupper() and code.is_number(value):
            yield from ast.walk(value)


def _candidates(node: ast.AST) -> Iterator[tuple[str, ast.expr | None]]:
    """Yield (what it limits, value) for what may be a limit: arguments, defaults, lengths, cuts, periods."""
    match node:
        case ast.Call(func=ast.Name(id="timedelta"), keywords=keywords):
            yield from (("timedelta", keyword.value) for keyword in keywords)
        case ast.Call(func=ast.Name(id="range"), args=[value]):
            yield "range", value
        case ast.keyword(arg=str(name), value=value) if ARGUMENT.search(name):
            yield name, value
        case ast.arguments(args=args, kwonlyargs=others):
            positional = args[len(args) - len(node.defaults) :]
            pairs = zip((*positional, *others), (*node.defaults, *node.kw_defaults), strict=True)
            yield from ((arg.arg, value) for arg, value in pairs if ARGUMENT.search(arg.arg))
        case ast.Dict(keys=keys, values=values):
            for key, value in zip(keys, values, strict=True):
                if isinstance(key, ast.Constant) and ARGUMENT.search(str(key.value)):
                    yield str(key.value), value
        case ast.Compare(left=ast.Call(func=ast.Name(id="len")), comparators=[value]):
            yield "len()", value if _number(value) > 2 else None
        case ast.Slice(lower=None, upper=value) if _number(value) >= SHORTEST_CUT:
            yield "[:]", value
        case ast.Assign(targets=[ast.Tuple()], value=ast.Tuple(elts=values)):
            yield from (("a tuple of", value) for value in values)


def _number(node: ast.expr | None) -> float:
    """Return the number that the source states; 0 if it is something else."""
    value = getattr(node, "value", 0)
    return value if isinstance(value, int | float) else 0


@pytest.mark.parametrize("place", [place for place in SOURCES if place not in code.NOT_LIMITS])
def test_numbers_that_limit_something_have_a_name(place):
    found = list(unnamed(SOURCES[place]))
    assert not found, f"name these limits, with a reason (see infra/limits): {place}: {found}"


@pytest.mark.parametrize(
    "source",
    [
        "client('ses', read_timeout=4)",
        "def client(*, attempts=3): ...",
        "def client(attempts=3): ...",
        "for _ in range(3): ...",
        "if len(address) <= 254: ...",
        "reason = text[:300]",
        "until = now + timedelta(minutes=15)",
        "options = {'max_attempts': 3}",
        "MIN_LENGTH, MAX_LENGTH = 10, 128",
    ],
)
def test_a_planted_limit_without_a_name_is_found(source):
    assert len(list(unnamed(source))) >= 1


@pytest.mark.parametrize(
    "source",
    [
        "MAX_LINES = 98",
        "LEASE = timedelta(minutes=2)",
        "limit: Annotated[int, Field(ge=1, le=100)]",
        "client('ses', read_timeout=READ_TIMEOUT)",
        "hour + timedelta(hours=1)",
        "digest[:26]",
    ],
)
def test_a_number_with_a_name_or_without_a_limit_is_accepted(source):
    assert list(unnamed(source)) == []


def limit(source: str, place: str = "functions/orders/tables/lists.py", **settings: str) -> Limit:
    """Return the only limit of a module."""
    (found,) = code.limits({place: source}, settings)
    return found


@pytest.mark.parametrize(
    "source",
    [
        "MAX_LINES = 98  # lines; a transaction has at most 100 writes\n",
        "# lines; a transaction has at most 100 writes\nMAX_LINES = 98\n",
        "# lines; a transaction has\n# at most 100 writes\nMAX_LINES = 98\n",
        "# a transaction has at most 100 writes\nMAX_LINES: int = 98  # lines\n",
    ],
)
def test_unit_and_reason_come_from_the_comment(source):
    reason = "a transaction has at most 100 writes"
    assert limit(source) == Limit(Kind.PROCESSING, "orders", "lists.MAX_LINES", "98 lines", reason)


def test_a_period_needs_no_unit():
    found = limit("QUOTE_TTL = timedelta(minutes=15)  # time to confirm\n")
    assert (found.kind, found.value, found.reason) == (Kind.LIFETIMES, "15 minutes", "time to confirm")


@pytest.mark.parametrize(
    "source",
    [
        "MAX_LINES = 98\n",
        "MAX_LINES = 98  # lines\n",
        "# lines; of one order\n\nMAX_LINES = 98\n",
        "OTHER = 1  # one; reason\nLEASE = timedelta(minutes=2)\n",
    ],
)
def test_a_limit_without_a_reason_is_an_error(source):
    with pytest.raises(LookupError, match="State the unit and the reason"):
        list(code.limits({"functions/orders/tables/lists.py": source}, {}))


def test_a_limit_may_be_derived_from_another_module():
    files = {
        "functions/a/gateway.py": "DEADLINE = 22.0  # seconds; of a request\n",
        "functions/a/sweeper.py": "MIN_LEFT = gateway.DEADLINE + 5  # seconds; of a payment\n",
    }
    assert [found.value for found in code.limits(files, {})] == ["22 seconds", "27 seconds"]


@pytest.mark.parametrize(
    ("settings", "parameter"),
    [({}, "environment"), ({"ORDERS_RETURN_DAYS": "parameter Days"}, "parameter Days")],
)
def test_a_setting_is_changed_by_its_variable_or_its_parameter(settings, parameter):
    source = "class OrdersSettings(Settings):\n    orders_return_days: int = 30  # days; of the law\n"
    found = limit(source, "functions/orders/settings.py", **settings)
    assert (found.name, found.value, found.parameter) == ("ORDERS_RETURN_DAYS", "30 days", parameter)


def test_variables_that_a_parameter_sets_are_found():
    environment = {"Environment": {"Variables": {"LIMIT": {"Ref": "Limit"}, "TABLE": {"Ref": "Table"}}}}
    main = {"Parameters": {"Limit": {}}, "Globals": {"Function": environment}, "Resources": {}}
    assert parameters(main) == {"LIMIT": "parameter Limit"}


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (1, "tries", "1 try"),
        (1, "seconds, one try", "1 second, one try"),
        (900, "seconds", "15 minutes"),
        (1_209_600, "seconds", "14 days"),
        (86_400, "seconds", "24 hours"),
        (4.5, "to 1", "4.5 to 1"),
        (1_048_576, "bytes", "1,048,576 bytes"),
    ],
)
def test_a_value_is_shown_with_its_unit(value, unit, text):
    assert text_of(value, unit) == text


TEMPLATE = """
Parameters:
  Rate: { Type: Number, Default: 500 }
Globals:
  Function: { Timeout: 29 }
Resources:
  Api:
    Properties:
      MethodSettings: [{ ThrottlingRateLimit: !Ref Rate }]
  OrdersApi:
    Properties:
      MemorySize: 1024 # a hash needs a vCPU
  Orders:
    Properties:
      TimeToLiveSpecification: { AttributeName: expires_at, Enabled: true }
"""


def of_template(tmp_path, text: str = TEMPLATE) -> dict[str, Limit]:
    path = tmp_path / "template.yaml"
    path.write_text(text)
    main = yaml.load(text, Loader) | {"Globals": {}}
    for resource in main["Resources"].values():
        resource["Type"] = "AWS::Other"
    return {found.name: found for found in templates.limits({"": path}, Templates(main, {}))}


def test_properties_of_templates_are_limits(tmp_path):
    found = of_template(tmp_path)
    assert found["Timeout"].value == "29 seconds"
    assert found["TimeToLiveSpecification"].value == "expires_at"
    assert (found["MemorySize"].reason, found["MemorySize"].owners) == ("a hash needs a vCPU", ("OrdersApi",))


def test_a_property_that_is_a_parameter_shows_its_default_and_its_name(tmp_path):
    found = of_template(tmp_path)["ThrottlingRateLimit"]
    assert (found.value, found.parameter) == ("500 requests per second", "parameter Rate")


def test_a_property_without_a_reason_is_an_error(tmp_path):
    with pytest.raises(LookupError, match="State the reason of RetentionInDays: 90"):
        of_template(tmp_path, "Resources:\n  Log:\n    Properties:\n      RetentionInDays: 90\n")


class Part(BaseModel):
    code: Annotated[str, StringConstraints(pattern=r"^[A-Z]{2}$")] | None = None


class Body(BaseModel):
    name: Annotated[str, StringConstraints(min_length=1, max_length=100)]
    title: Annotated[str, StringConstraints(min_length=1, max_length=100)]
    limit: Annotated[int, Field(ge=1, le=1_000)] = 20
    parts: Annotated[list[Part], Field(max_length=8)]
    words: Annotated[list[Annotated[str, StringConstraints(max_length=5)]], Field(min_length=1)]
    free: str


def test_fields_of_requests_are_described_with_nested_models():
    assert list(requests.rows({"Body": Body})) == [
        ("Body", "`name`, `title`", "1–100 characters"),
        ("Body", "`limit`", "1–1,000, default 20"),
        ("Body", "`parts`", "at most 8 items"),
        ("Body", "`words`", "at least 1 items, each at most 5 characters"),
        ("Part", "`code`", "`^[A-Z]{2}$`"),
    ]
