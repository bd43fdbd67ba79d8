"""Accounts: registration, the operators' command, the caller's account and the published events."""

import json

import pytest
from argon2 import PasswordHasher

from shared.dynamodb.idempotency import IdempotencyKey
from shared.dynamodb.rows import ConcurrentUpdate
from shared.http.api import Api
from tests.support import (
    Context,
    call,
    created_path,
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
from users.app.api import api
from users.app.commands import commands
from users.app.relay import relay
from users.commands import commands as registry
from users.routes import routes

pytestmark = pytest.mark.usefixtures("cloud")


def rows(prefix):
    return [row for row in tables.UsersRow.scan() if row.pk.startswith(prefix)]


def test_the_location_of_a_registration_is_the_account():
    created = register()
    path = created_path("/users/register", created)
    assert path == "/users/me"
    assert call(api, "GET", path, caller=customer(created.json["user_id"])).json == created.json


def test_registration_returns_the_account_without_its_password():
    response = register(phone="+44 20 7946 0000")
    assert response.status == 201
    user = response.json
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
    assert response.header("ETag") == '"1"'


def test_the_password_is_hashed_with_argon2id_and_owasp_parameters():
    user = register().json
    stored = service.get_account(user["user_id"]).password_hash
    assert stored.startswith("$argon2id$v=19$m=19456,t=2,p=1$")


def test_addresses_are_compared_ignoring_case_and_returned_as_typed():
    assert register("Ada.Byron@Example.com").json["email"] == "Ada.Byron@Example.com"
    second = register("ada.byron@EXAMPLE.COM")
    assert (second.status, second.json["type"]) == (409, "/problems/email-taken")
    assert len(rows("user#")) == 1
    assert login("ADA.BYRON@example.com").status == 200


def test_of_two_concurrent_registrations_of_an_address_one_succeeds():
    def attempt(email):
        # A Lambda process serves one request at a time, so each attempt has its own Api.
        own = Api(routes, idempotency=tables.idempotency)
        return lambda: call(own, "POST", "/users/register", body=BODY | {"email": email}).status

    assert sorted(run_concurrently(attempt("Ada@example.com"), attempt("ada@EXAMPLE.com"))) == [201, 409]
    assert len(rows("user#")) == len(rows("email#")) == 1


def test_a_repeated_registration_gets_the_account_it_created():
    first = register(headers=idempotency_headers("k1"))
    repeated = register(headers=idempotency_headers("k1"))
    assert (repeated.status, repeated.json) == (201, first.json)
    assert repeated.header("Idempotent-Replayed") == "true"
    assert first.header("Idempotent-Replayed") is None
    assert len(rows("user#")) == 1


@pytest.mark.parametrize(
    "other", [{"name": "Eve"}, {"password": "another password 1"}, {"phone": "+44 20 1"}]
)
def test_an_idempotency_key_with_another_body_is_rejected(other):
    register(headers=idempotency_headers("k1"))
    response = register(headers=idempotency_headers("k1"), **other)
    assert (response.status, response.json["type"]) == (422, "/problems/idempotency-key-reused")


def test_an_idempotency_key_with_another_address_creates_no_account():
    register(headers=idempotency_headers("k1"))
    assert register("eve@example.com", headers=idempotency_headers("k1")).status == 422
    assert len(rows("user#")) == len(rows("email#")) == 1


def test_the_fingerprint_of_a_registration_does_not_contain_the_password():
    register(headers=idempotency_headers("k1"))
    (stored,) = tables.IdempotencyRow.scan()
    fingerprints = {
        IdempotencyKey.of((), "", body).fingerprint for body in (PASSWORD, BODY, {**BODY, "phone": None})
    }
    assert stored.fingerprint not in fingerprints
    assert stored.response is None


def test_a_new_idempotency_key_does_not_register_an_address_again():
    register(headers=idempotency_headers("k1"))
    assert register(headers=idempotency_headers("k2")).status == 409


def test_me_returns_the_callers_account():
    user = register().json
    response = call(api, "GET", "/users/me", caller=customer(user["user_id"]))
    assert (response.status, response.json) == (200, user)


def test_me_requires_an_account():
    assert call(api, "GET", "/users/me", caller=guest()).status == 403
    assert call(api, "GET", "/users/me").status == 401
    assert call(api, "GET", "/users/me", caller=staff("usr_gone")).status == 404


def ensure(**changes):
    command = {
        "email": "boss@example.com",
        "password": "a password for the boss",
        "name": "Grace",
        "roles": ["admin", "customer"],
    }
    return commands({"command": "ensure_account", "input": command | changes}, Context())


def test_the_command_creates_an_account_with_any_role_once():
    first = ensure()
    assert first["output"]["roles"] == ["customer", "admin"]
    assert ensure() == first
    assert service.get_account(first["output"]["user_id"]).version == 1
    assert claims(login("boss@example.com", "a password for the boss").json["access_token"])["roles"] == [
        "customer",
        "admin",
    ]


def test_the_command_sets_roles_and_password_of_an_existing_account():
    user = register("boss@example.com").json
    assert ensure()["output"] == {"user_id": user["user_id"], "roles": ["customer", "admin"]}
    assert login("boss@example.com", PASSWORD).status == 401
    assert login("boss@example.com", "a password for the boss").status == 200
    assert service.get_account(user["user_id"]).version == 3


def test_a_session_gets_new_roles_and_ends_with_a_new_password():
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
def test_the_command_validates_its_fields(change, slug, pointer):
    problem = ensure(**change)["problem"]
    assert problem["type"] == f"/problems/{slug}"
    assert problem["errors"][0]["pointer"] == pointer


def test_an_update_based_on_an_outdated_account_fails():
    user = register("boss@example.com").json
    before = service.get_account(user["user_id"])
    tables.update_account(before.with_roles(("customer", "staff")), before)
    with pytest.raises(ConcurrentUpdate):
        tables.update_account(before.with_roles(("customer", "admin")), before)


def test_no_route_calls_the_command():
    assert "ensure_account" in registry.handlers
    assert [route.path for route in api.declared if "account" in route.path] == []


def test_a_registration_is_published_always_with_the_same_id(published):
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
    assert [repeated["id"] for repeated in published("users")] == [event["id"]]


def test_changing_or_deleting_an_account_does_not_publish_a_registration(published):
    register()
    account = image(tables.AccountRow.get(rows("user#")[0].pk))
    relay(stream_event((account, account | {"version": {"N": "2"}}), (account, None)), Context())
    assert published("users") == []


def test_published_events_contain_no_secrets(published):
    register()
    row = tables.AccountRow.get(rows("user#")[0].pk)
    relay(stream_event((None, image(row))), Context())
    text = json.dumps(published("users"))
    assert row.password_hash not in text
    assert "argon2" not in text


def test_the_health_check_returns_status_and_version():
    assert api({"health": True}, Context()) == {"status": "ok", "version": "test"}


def test_an_outdated_hash_is_replaced_at_login(monkeypatch):
    weaker = PasswordHasher(time_cost=1, memory_cost=8192, parallelism=1)
    monkeypatch.setattr(hashing, "HASHER", weaker)
    user = register().json
    monkeypatch.undo()
    assert login().status == 200
    assert "m=19456,t=2,p=1" in service.get_account(user["user_id"]).password_hash
    assert login().status == 200
