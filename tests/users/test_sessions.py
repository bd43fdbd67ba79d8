"""Sessions: login, refresh, reuse of tokens, logout and the limit on attempts."""

from functools import partial

import jwt
import pytest
from botocore.exceptions import EndpointConnectionError

from shared.dynamodb.rows import connection_of
from shared.errors import TooManyRequests
from tests.support import call, run_concurrently
from tests.users.conftest import PASSWORD, claims, login, logout, refresh, register, returning_errors
from users import hashing, service, signing, tables
from users.app.api import api
from users.domain import accounts
from users.domain.sessions import SessionOver

pytestmark = pytest.mark.usefixtures("cloud")


def test_an_access_token_verifies_with_the_published_keys():
    register()
    tokens = login().json
    published = jwt.PyJWKSet.from_dict(call(api, "GET", "/.well-known/jwks.json").json)
    header = jwt.get_unverified_header(tokens["access_token"])
    assert header == {"typ": "JWT", "alg": "ES256", "kid": published.keys[0].key_id}
    decoded = jwt.decode(
        tokens["access_token"],
        published[header["kid"]],
        algorithms=["ES256"],
        audience="shop",
        issuer="tillstack/test",
    )
    assert decoded["exp"] - decoded["iat"] == 900


def test_login_returns_tokens():
    user = register().json
    response = login(otp="123456")
    assert response.status == 200
    assert set(response.json) == {"access_token", "token_type", "expires_in", "refresh_token"}
    assert (response.json["token_type"], response.json["expires_in"]) == ("Bearer", 900)
    decoded = claims(response.json["access_token"])
    assert (decoded["sub"], decoded["roles"], decoded["email"]) == (
        user["user_id"],
        ["customer"],
        "ada@example.com",
    )
    assert response.json["refresh_token"].startswith(f"{decoded['sid']}.")
    assert response.header("Cache-Control") == "no-store"


def test_a_guest_gets_tokens_and_refreshes_them():
    response = call(api, "POST", "/users/guest")
    assert response.status == 201
    decoded = claims(response.json["access_token"])
    assert decoded["sub"].startswith("gst_")
    assert (decoded["roles"], "email" in decoded) == (["guest"], False)
    renewed = claims(refresh(response.json["refresh_token"]).json["access_token"])
    assert (renewed["sub"], renewed["roles"], renewed["sid"]) == (decoded["sub"], ["guest"], decoded["sid"])
    assert renewed["jti"] != decoded["jti"]


def test_each_guest_has_a_new_id():
    first, second = (claims(call(api, "POST", "/users/guest").json["access_token"]) for _ in range(2))
    assert first["sub"] != second["sub"]


def test_tokens_are_not_stored_for_a_repeated_request():
    register()
    headers = {"Idempotency-Key": "k1"}
    credentials = {"email": "ada@example.com", "password": PASSWORD}
    first, second = (
        call(api, "POST", "/users/login", body=credentials, headers=headers).json for _ in range(2)
    )
    assert first["refresh_token"] != second["refresh_token"]
    assert list(tables.IdempotencyRow.scan()) == []


def test_a_wrong_password_and_an_unknown_address_get_the_same_response():
    register()
    wrong, unknown = login(password="not the password"), login("nobody@example.com")
    assert wrong.status == unknown.status == 401
    assert wrong.json["type"] == "/problems/bad-credentials"
    assert wrong.json | {"request_id": ""} == unknown.json | {"request_id": ""}


def test_a_wrong_password_and_an_unknown_address_cost_the_same_work(monkeypatch):
    register()
    login()  # the first login of a process also computes the dummy hash
    hasher, work = hashing.HASHER, []

    class Spy:
        def verify(self, *args):
            work.append("argon2")
            return hasher.verify(*args)

    def note(model, **_):
        work.append(model.name)

    monkeypatch.setattr(hashing, "HASHER", Spy())
    events = connection_of(tables.UsersRow).client.meta.events
    events.register("before-call.dynamodb", note)
    try:
        login(password="not the password")
        known, work[:] = list(work), []
        login("nobody@example.com")
    finally:
        events.unregister("before-call.dynamodb", note)
    assert known == work == ["UpdateItem", "GetItem", "GetItem", "argon2"]


def test_a_password_may_be_composed_in_another_unicode_form():
    register(password="pässwörter für äpfel")
    assert login(password="pässwörter für äpfel").status == 200


def retry_after(response):
    return int(response.header("Retry-After"))


def test_five_failures_block_logins_until_fifteen_minutes_after_the_first(later):
    register()
    assert [login(password="not the password").status for _ in range(5)] == [401] * 5
    blocked = login()
    assert (blocked.status, blocked.json["type"]) == (429, "/problems/too-many-requests")
    assert 890 <= retry_after(blocked) <= 900
    later(minutes=10)
    assert 290 <= retry_after(login()) <= 300
    later(minutes=5, seconds=1)
    assert login().status == 200


def test_failures_are_counted_from_zero_after_fifteen_minutes(later):
    register()
    for _ in range(4):
        login(password="not the password")
    later(minutes=15, seconds=1)
    assert [login(password="not the password").status for _ in range(6)] == [401] * 5 + [429]


def test_attempts_with_an_unknown_address_are_counted_ignoring_case():
    addresses = ["nobody@example.com", "NOBODY@example.com"] * 3
    assert [login(address).status for address in addresses] == [401] * 5 + [429]


def test_a_successful_login_resets_the_failures():
    register()
    for _ in range(2):
        assert [login(password="not the password").status for _ in range(4)] == [401] * 4
        assert login().status == 200


def test_of_many_concurrent_guesses_five_are_checked():
    register()
    guesses = [partial(service.login, "ada@example.com", f"guess number {n}") for n in range(12)]
    errors = run_concurrently(*map(returning_errors, guesses))
    assert sum(isinstance(error, accounts.BadCredentials) for error in errors) == 5
    assert sum(isinstance(error, TooManyRequests) for error in errors) == 7


def test_attempts_are_stored_without_the_address():
    login("nobody@example.com")
    (row,) = tables.UsersRow.scan()
    assert row.pk == f"attempts#{accounts.attempts_key('nobody@example.com')}"


def test_a_refresh_returns_a_new_refresh_token():
    register()
    first = login().json
    second = refresh(first["refresh_token"])
    assert second.status == 200
    assert second.json["refresh_token"] != first["refresh_token"]
    assert refresh(second.json["refresh_token"]).status == 200


def test_a_used_refresh_token_ends_its_session():
    register()
    first, other = login().json, login().json
    second = refresh(first["refresh_token"]).json
    again = refresh(first["refresh_token"])
    assert (again.status, again.json["type"]) == (401, "/problems/session-over")
    assert refresh(second["refresh_token"]).status == 401
    assert refresh(other["refresh_token"]).status == 200, "another session continues"


def test_a_refresh_token_used_long_ago_ends_its_session():
    register()
    first = latest = login().json
    for _ in range(3):
        latest = refresh(latest["refresh_token"]).json
    assert refresh(first["refresh_token"]).status == 401
    assert refresh(latest["refresh_token"]).status == 401


def test_of_concurrent_refreshes_one_succeeds_and_the_session_ends():
    register()
    token = login().json["refresh_token"]
    results = run_concurrently(*[returning_errors(lambda: service.refresh(token))] * 4)
    refreshed = [tokens for tokens in results if not isinstance(tokens, Exception)]
    assert len(refreshed) == 1
    assert all(type(error) is SessionOver for error in results if isinstance(error, Exception))
    assert refresh(refreshed[0].refresh_token).status == 401, "the token may be stolen"


def test_an_invented_token_ends_no_session():
    register()
    token = login().json["refresh_token"]
    session_id = token.partition(".")[0]
    for invented in (f"{session_id}.{'x' * 64}", f"{session_id}.{token[-64:-32]}"):
        assert refresh(invented).status == 401
        assert logout(invented).status == 204
    assert refresh(token).status == 200


def test_a_token_without_a_session_is_rejected():
    for token in ("x", "a.b.c", "ses_1.x", f"ses_{'0' * 26}.{'a' * 64}", "é" * 50):
        response = refresh(token)
        assert (response.status, response.json["type"]) == (401, "/problems/session-over")


def test_a_refresh_token_of_the_wrong_type_or_length_is_invalid():
    for body in ({}, {"refresh_token": 7}, {"refresh_token": ""}, {"refresh_token": "x" * 10_000}):
        assert call(api, "POST", "/users/token", body=body).status == 422


def test_a_session_lasts_thirty_days_from_its_last_refresh(later):
    register()
    token = login().json["refresh_token"]
    later(days=29)
    token = refresh(token).json["refresh_token"]
    later(days=29)
    token = refresh(token).json["refresh_token"]
    later(days=30)
    assert refresh(token).status == 401


def test_after_logout_the_refresh_token_is_rejected():
    register()
    tokens = login().json
    assert logout(tokens["refresh_token"]).status == 204
    assert logout(tokens["refresh_token"]).status == 204
    assert refresh(tokens["refresh_token"]).status == 401


def test_logout_with_an_unknown_token_succeeds():
    assert logout("whatever").status == 204
    assert logout(f"ses_{'0' * 26}.{'a' * 64}").status == 204
    assert call(api, "POST", "/users/logout", body={}).status == 422


def test_a_refresh_token_stays_valid_if_signing_fails(monkeypatch):
    register()
    token = login().json["refresh_token"]

    def down(**_):
        raise EndpointConnectionError(endpoint_url="https://kms.test")

    with monkeypatch.context() as outage:
        outage.setattr(signing, "kms", type("Kms", (), {"sign": staticmethod(down)}))
        response = refresh(token)
        assert (response.status, response.header("Retry-After")) == (503, "2")
    assert refresh(token).status == 200


def test_a_stored_session_does_not_contain_its_refresh_token():
    register()
    token = login().json["refresh_token"]
    session_id, _, secret = token.partition(".")
    stored = tables.get_session(session_id)
    assert secret[:32] not in repr(stored)
    assert secret[32:] not in repr(stored)


def test_logs_contain_no_secrets(capsys):
    register(phone="+44 20 7946 0000")
    first = login().json
    second = refresh(first["refresh_token"]).json
    refresh(first["refresh_token"])
    login(password="not the password")
    logout(second["refresh_token"])
    text = capsys.readouterr().out
    assert text.count('"request served"') == 6
    secrets = [PASSWORD, "not the password", "argon2", "ada@example.com", "7946"]
    for tokens in (first, second):
        secrets += [tokens["access_token"], tokens["refresh_token"], tokens["refresh_token"][-32:]]
    assert [secret for secret in secrets if secret in text] == []
