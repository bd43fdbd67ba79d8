"""docs/errors.md describes every problem that the API returns."""

import re

import pytest

from infra.errors import document
from infra.openapi.declared import routes

PAGE = document()
SECTIONS = dict(re.findall(r"^## ([a-z-]+)\n(.*?)(?=^## |\Z)", PAGE, re.DOTALL | re.MULTILINE))
KINDS = sorted({kind for _, route in routes() for kind in route.problems}, key=lambda kind: kind.__name__)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_a_problem_has_a_section_with_its_status_advice_and_members(kind):
    section = SECTIONS[kind.slug]
    assert f"**Status {kind.status}.**" in section
    assert kind.advice in " ".join(section.split())
    for name in kind.members.__annotations__ if kind.members else ():
        assert f"| `{name}` |" in section


def test_operations_are_listed_unless_a_group_describes_them():
    assert "`POST /orders`" in SECTIONS["quote-expired"]
    assert "Returned by: every operation." in SECTIONS["unavailable"]
    assert "`POST /orders/{order_id}/cancel`" in SECTIONS["request-in-progress"]
    assert "`POST /users/login`" not in SECTIONS["request-in-progress"]


def test_code_is_not_broken_across_lines():
    assert not [line for line in PAGE.splitlines() if line.count("`") % 2 and not line.startswith("```")]
