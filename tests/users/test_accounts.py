"""Accounts: making one, making it once, reading it, and what is said of it."""

import json

import pytest
from argon2 import PasswordHasher

from shared.dynamodb.idempotency import IdempotencyKey
from shared.dynamodb.rows import ConcurrentUpdate
from shared.http.api import Api
from tests.support import (
    Context,
    call,
    customer,
    guest,
    idempotency_headers,
    image,
    run_concurrently,
    staff,
    stream_event,
)
from tests.users.conftest import BODY, PASSWORD, claims, login, refresh, register
from users import hashing, service, tables
from users.app import api, commands, relay
from users.commands import commands as questions
from users.routes import routes

pytestmark = pytest.mark.usefixtures("cloud")


def rows(prefix):
    return [row for row in tables.UsersRow.scan() if row.pk.startswith(prefix)]


def test_a_new_customer_is_shown_without_the_password():
    answer = register(phone="+44 20 7946 0000")
    assert answer.status == 201
    user = answer.json
    assert user["user_id"].startswith("usr_")
    assert user | {"user_id": "", "created_at": ""} == {
        "user_id": "",
        "email": "ada@example.com",
        "name": "Ada Byron",
        "phone": "+44 20 7946 0000",
        "email_verified": False,
        "roles": ["customer"],
        "mfa_enabled": False,
        "created_at": "",
        "version": 1,
    }
    assert user["created_at"].endswith("Z")
    assert answer.header("ETag") == '"1"'


def test_the_password_is_kept_as_argon2id_at_owasps_parameters():
    user = register().json
    kept = service.account(user["user_id"]).password_hash
    assert kept.startswith("$argon2id$v=19$m=19456,t=2,p=1$")


def test_an_address_is_one_account_in_any_case_and_is_shown_as_typed():
    assert register("Ada.Byron@Example.com").json["email"] == "Ada.Byron@Example.com"
    second = register("ada.byron@EXAMPLE.COM")
    assert (second.status, second.json["type"]) == (409, "/problems/email-taken")
    assert len(rows("user#")) == 1
    assert login("ADA.BYRON@example.com").status == 200


def test_of_two_who_register_one_address_at_once_one_gets_it():
    def attempt(email):
        # A Lambda process serves one request at a time: each has an Api of its own.
        own = Api(routes, idempotency=tables.idempotency)
        return lambda: call(own, "POST", "/users/register", body=BODY | {"email": email}).status

    assert sorted(run_concurrently(attempt("Ada@example.com"), attempt("ada@EXAMPLE.com"))) == [201, 409]
    assert len(rows("user#")) == len(rows("email#")) == 1


def test_a_repeated_request_gets_the_account_it_made():
    first = register(headers=idempotency_headers("k1"))
    again = register(headers=idempotency_headers("k1"))
    assert (again.status, again.json) == (201, first.json)
    assert again.header("Idempotent-Replayed") == "true"
    assert first.header("Idempotent-Replayed") is None
    assert len(rows("user#")) == 1


@pytest.mark.parametrize(
    "other", [{"name": "Eve"}, {"password": "another password 1"}, {"phone": "+44 20 1"}]
)
def test_a_key_with_another_body_is_refused(other):
    register(headers=idempotency_headers("k1"))
    answer = register(headers=idempotency_headers("k1"), **other)
    assert (answer.status, answer.json["type"]) == (422, "/problems/idempotency-key-reused")


def test_a_key_with_another_address_makes_no_second_account():
    register(headers=idempotency_headers("k1"))
    assert register("eve@example.com", headers=idempotency_headers("k1")).status == 422
    assert len(rows("user#")) == len(rows("email#")) == 1


def test_a_repeated_request_is_known_by_no_fast_hash_of_the_password():
    register(headers=idempotency_headers("k1"))
    (kept,) = tables.IdempotencyRow.scan()
    fingerprints = {
        IdempotencyKey.of((), "", body).fingerprint for body in (PASSWORD, BODY, {**BODY, "phone": None})
    }
    assert kept.fingerprint not in fingerprints
    assert kept.response is None


def test_a_taken_address_stays_taken_for_a_new_key():
    register(headers=idempotency_headers("k1"))
    assert register(headers=idempotency_headers("k2")).status == 409


def test_me_is_the_callers_account():
    user = register().json
    answer = call(api, "GET", "/users/me", caller=customer(user["user_id"]))
    assert (answer.status, answer.json) == (200, user)


def test_me_is_for_accounts_alone():
    assert call(api, "GET", "/users/me", caller=guest()).status == 403
    assert call(api, "GET", "/users/me").status == 401
    assert call(api, "GET", "/users/me", caller=staff("usr_gone")).status == 404


def ensure(**changes):
    asked = {
        "email": "boss@example.com",
        "password": "a password for the boss",
        "name": "Grace",
        "roles": ["admin", "customer"],
    }
    return commands({"command": "ensure_account", "input": asked | changes}, Context())


def test_the_command_makes_an_account_of_any_role_once():
    first = ensure()
    assert first["output"]["roles"] == ["customer", "admin"]
    assert ensure() == first
    assert service.account(first["output"]["user_id"]).version == 1
    assert claims(login("boss@example.com", "a password for the boss").json["access_token"])["roles"] == [
        "customer",
        "admin",
    ]


def test_the_command_gives_an_account_that_is_there_its_roles_and_password():
    user = register("boss@example.com").json
    assert ensure()["output"] == {"user_id": user["user_id"], "roles": ["customer", "admin"]}
    assert login("boss@example.com", PASSWORD).status == 401
    assert login("boss@example.com", "a password for the boss").status == 200
    assert service.account(user["user_id"]).version == 3


def test_a_new_password_ends_the_sessions_of_the_old_one_and_new_roles_reach_them():
    ensure()
    session = login("boss@example.com", "a password for the boss").json
    ensure(roles=["customer"])
    session = refresh(session["refresh_token"]).json
    assert claims(session["access_token"])["roles"] == ["customer"]
    ensure(password="another for the boss")
    assert refresh(session["refresh_token"]).status == 401


@pytest.mark.parametrize(
    ("change", "slug", "pointer"),
    [
        ({"roles": ["root"]}, "invalid", "/roles"),
        ({"email": "nobody"}, "invalid", "/email"),
        ({"password": "short"}, "weak-password", "/password"),
    ],
)
def test_the_command_refuses_what_the_door_would(change, slug, pointer):
    problem = ensure(**change)["problem"]
    assert problem["type"] == f"/problems/{slug}"
    assert problem["errors"][0]["pointer"] == pointer


def test_a_changed_account_is_not_written_over_as_it_was_before():
    user = register("boss@example.com").json
    before = service.account(user["user_id"])
    tables.change(before.with_roles(("customer", "staff")), before)
    with pytest.raises(ConcurrentUpdate):
        tables.change(before.with_roles(("customer", "admin")), before)


def test_no_route_leads_to_the_command():
    assert "ensure_account" in questions.handlers
    assert [route.path for route in api.declared if "account" in route.path] == []


def test_a_registration_is_said_once_with_whom_to_welcome(published):
    user = register(phone="+44 20 7946 0000").json
    (row,) = rows("user#")
    account = image(tables.AccountRow.get(row.pk))
    others = [image(row) for row in rows("email#")]
    relay(stream_event((None, account), *((None, other) for other in others)), Context())
    (event,) = published("users")
    assert event["type"] == "user.registered"
    assert event["id"] == f"{user['user_id']}.1.user.registered"
    assert event["data"] == {
        "user_id": user["user_id"],
        "email": "ada@example.com",
        "name": "Ada Byron",
        "phone": "+44 20 7946 0000",
    }
    relay(stream_event((None, account)), Context())
    assert [again["id"] for again in published("users")] == [event["id"]]


def test_neither_a_change_nor_an_end_of_an_account_says_that_it_registered(published):
    register()
    account = image(tables.AccountRow.get(rows("user#")[0].pk))
    relay(stream_event((account, account | {"version": {"N": "2"}}), (account, None)), Context())
    assert published("users") == []


def test_what_is_said_holds_nothing_secret(published):
    register()
    row = tables.AccountRow.get(rows("user#")[0].pk)
    relay(stream_event((None, image(row))), Context())
    said = json.dumps(published("users"))
    assert row.password_hash not in said
    assert "argon2" not in said


def test_it_says_how_it_is():
    assert api({"health": True}, Context()) == {"status": "ok", "version": "test"}


def test_a_password_hashed_with_other_parameters_is_hashed_anew_at_login(monkeypatch):
    weaker = PasswordHasher(time_cost=1, memory_cost=8192, parallelism=1)
    monkeypatch.setattr(hashing, "HASHER", weaker)
    user = register().json
    monkeypatch.undo()
    assert login().status == 200
    assert "m=19456,t=2,p=1" in service.account(user["user_id"]).password_hash
    assert login().status == 200
