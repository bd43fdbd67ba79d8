"""Requests that are rejected before the service reads or writes anything (no tables exist here)."""

import pytest

from tests.support import call
from tests.users.conftest import register
from users.app.api import api


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("email", "ada"),
        ("email", "ada@example.com\r\nBcc: all@example.com"),
        ("email", 7),
        ("email", f"{'a' * 250}@example.com"),
        ("password", "short"),
        ("password", "password123"),
        ("password", "x" * 200_000),
        ("password", None),
        ("name", ""),
        ("name", "   "),
        ("name", "Ada\nBcc: all@example.com"),
        ("name", "Ada\u2028Byron"),
        ("name", "n" * 101),
        ("phone", "call me"),
        ("roles", ["admin"]),
        ("user_id", "usr_1"),
    ],
)
def test_an_invalid_field_is_reported_by_its_pointer(field, value):
    response = register(**{"email": "ada@example.com", field: value})
    assert response.status == 422
    assert [error["pointer"] for error in response.json["errors"]] == [f"/{field}"]


@pytest.mark.parametrize("password", ["password123", "Ada.Byron.99", "8Kq", "8Kq" * 500])
def test_a_rejected_password_is_not_repeated_in_the_response(password):
    response = register(password=password)
    assert response.status == 422
    assert password not in response.text


def test_a_body_that_is_not_json_is_malformed():
    assert call(api, "POST", "/users/register", raw='{"email": ').status == 400
    assert call(api, "POST", "/users/register", raw='{"email": "\\ud800"}').status == 400
