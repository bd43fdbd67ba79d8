"""pydantic in an artifact: our trimming of its schema types changes no validation, serialization or error."""

import json
import subprocess
import sys

import pytest

from package import Lock
from tests.packaging.artifacts import build
from tests.support import ROOT

SCRIPT = """
import json, sys
if len(sys.argv) > 1:
    sys.path.insert(0, sys.argv[1])
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Any, Generic, Literal, TypeVar
from typing_extensions import TypedDict
from pydantic import (
    AfterValidator, BaseModel, ConfigDict, Discriminator, Field, RootModel, TypeAdapter, ValidationError,
    computed_field, field_serializer, model_validator,
)
from pydantic_core import core_schema
T = TypeVar("T")

class Colour(StrEnum):
    RED = "red"

class Members(TypedDict, total=False):
    items: list[dict[str, int]]

@dataclass
class Point:
    x: int

class Card(BaseModel):
    kind: Literal["card"]
    last4: Annotated[str, Field(pattern="^[0-9]{4}$")]

class Bank(BaseModel):
    kind: Literal["bank"]

class Upper(str):
    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: Any) -> core_schema.CoreSchema:
        upper = lambda text: cls(text.upper())
        return core_schema.no_info_after_validator_function(upper, core_schema.str_schema())

class Order(BaseModel, Generic[T]):
    model_config = ConfigDict(frozen=True, extra="forbid")
    number: Annotated[int, Field(ge=1, le=9)]
    value: T
    name: Annotated[str, AfterValidator(str.strip)] = "x"
    amounts: dict[str, Decimal] = {}
    at: datetime | None = None
    colour: Colour = Colour.RED
    members: Members = {}
    point: Point = Point(1)
    pair: tuple[int, str] = (1, "a")
    unique: set[int] = {3}
    paid_by: Annotated[Card | Bank, Discriminator("kind")] | None = None
    upper: Upper = Upper("U")
    parent: "Order[T] | None" = None

    @model_validator(mode="after")
    def check(self) -> "Order[T]":
        if self.number == 7:
            raise ValueError("seven")
        return self

    @computed_field
    @property
    def double(self) -> int:
        return self.number * 2

    @field_serializer("at")
    def write(self, at: datetime | None) -> str | None:
        return at and at.isoformat()

def outcome(function):
    try:
        return function()
    except ValidationError as error:
        return error.errors(include_url=False, include_context=False)
    except Exception as error:
        return [type(error).__name__, str(error).splitlines()[0]]

full = {
    "number": 2, "value": "v", "name": " n ", "amounts": {"a": "1.10"}, "at": "2026-11-28T12:00:00Z",
    "colour": "red", "members": {"items": [{"a": 1}]}, "point": {"x": 2}, "pair": [2, "b"], "unique": [1],
    "upper": "abc", "paid_by": {"kind": "card", "last4": "4242"}, "parent": {"number": 1, "value": "w"},
}
wrong = {**full, "number": 10, "more": 1, "paid_by": {"kind": "cash"}, "at": "x"}
print(json.dumps([
    outcome(lambda: Order[str].model_validate_json(json.dumps(full)).model_dump_json()),
    outcome(lambda: Order[str](**full).model_dump(mode="json", exclude_none=True)),
    outcome(lambda: Order[str].model_validate(wrong)),
    outcome(lambda: Order[int].model_validate({"number": 7, "value": 1})),
    outcome(lambda: Order[str].model_json_schema()),
    outcome(lambda: TypeAdapter(list[Members] | None).validate_python([{"items": 1}])),
    outcome(lambda: RootModel[list[int]].model_validate_json("[1, 2]").model_dump_json()),
    outcome(lambda: TypeAdapter(b"no type").validate_python(1)),
    outcome(lambda: type("Wrong", (BaseModel,), {"__annotations__": {"x": b"no type"}})),
], default=str, sort_keys=True))
"""


def run(script: str, *arguments: str) -> str:
    """Return what the script prints; with arguments, without the libraries of this environment."""
    options = ["-I", "-S"] if arguments else ["-I"]
    command = [sys.executable, *options, "-B", "-c", script, *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout


@pytest.fixture(scope="module")
def artifact(tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = tmp_path_factory.mktemp("artifact")
    build("OrdersApi", folder)
    return str(folder)


def test_models_of_an_artifact_behave_like_those_of_the_released_library(artifact):
    assert json.loads(run(SCRIPT, artifact)) == json.loads(run(SCRIPT))


TYPED_DICTIONARIES = """
import sys
sys.path.insert(0, sys.argv[1])
from pydantic_core import core_schema
assert core_schema.StringSchema is dict
print([name for name, value in vars(core_schema).items() if hasattr(value, "__total__")])
"""


def test_no_schema_type_of_an_artifact_is_a_typed_dictionary(artifact):
    assert run(TYPED_DICTIONARIES, artifact) == "[]\n"


def test_the_trimmed_schema_types_are_those_of_a_known_version():
    """After an upgrade, look for code that reads the fields of these typed dictionaries at run time."""
    pins = Lock.read(ROOT / "functions" / "shared" / "requirements.txt").pins
    assert [pin for pin in pins if pin.startswith("pydantic_core")] == ["pydantic_core==2.50.4"]
