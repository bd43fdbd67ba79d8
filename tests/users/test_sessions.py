"""Sessions: opened, renewed, stolen, ended; and what a guesser meets."""

import io
import logging
from functools import partial

import jwt
import pytest
from botocore.exceptions import EndpointConnectionError

from shared.dynamodb.rows import connection_of
from shared.errors import TooManyRequests
from shared.runtime.observability import log
from tests.support import call, run_concurrently
from tests.users.conftest import PASSWORD, claims, login, logout, met, refresh, register
from users import hashing, service, signing, tables
from users.app import api
from users.domain import accounts
from users.domain.sessions import SessionOver

pytestmark = pytest.mark.usefixtures("cloud")


def test_tokens_are_verified_by_the_published_keys_alone():
    register()
    tokens = login().json
    published = jwt.PyJWKSet.from_dict(call(api, "GET", "/.well-known/jwks.json").json)
    header = jwt.get_unverified_header(tokens["access_token"])
    assert header == {"typ": "JWT", "alg": "ES256", "kid": published.keys[0].key_id}
    said = jwt.decode(
        tokens["access_token"],
        published[header["kid"]],
        algorithms=["ES256"],
        audience="shop",
        issuer="tillstack/test",
    )
    assert said["exp"] - said["iat"] == 900


def test_logging_in_gives_tokens_of_the_contracts_shape():
    user = register().json
    answer = login(otp="123456")
    assert answer.status == 200
    assert set(answer.json) == {"access_token", "token_type", "expires_in", "refresh_token"}
    assert (answer.json["token_type"], answer.json["expires_in"]) == ("Bearer", 900)
    said = claims(answer.json["access_token"])
    assert (said["sub"], said["roles"], said["email"]) == (user["user_id"], ["customer"], "ada@example.com")
    assert answer.json["refresh_token"].startswith(f"{said['sid']}.")
    assert answer.header("Cache-Control") == "no-store"


def test_a_guest_gets_tokens_and_renews_them():
    answer = call(api, "POST", "/users/guest")
    assert answer.status == 201
    said = claims(answer.json["access_token"])
    assert said["sub"].startswith("gst_")
    assert (said["roles"], "email" in said) == (["guest"], False)
    renewed = claims(refresh(answer.json["refresh_token"]).json["access_token"])
    assert (renewed["sub"], renewed["roles"], renewed["sid"]) == (said["sub"], ["guest"], said["sid"])
    assert renewed["jti"] != said["jti"]


def test_two_guests_are_two():
    first, second = (claims(call(api, "POST", "/users/guest").json["access_token"]) for _ in range(2))
    assert first["sub"] != second["sub"]


def test_a_secret_answer_is_not_kept_for_a_repeated_request():
    register()
    headers = {"Idempotency-Key": "k1"}
    credentials = {"email": "ada@example.com", "password": PASSWORD}
    first, second = (
        call(api, "POST", "/users/login", body=credentials, headers=headers).json for _ in range(2)
    )
    assert first["refresh_token"] != second["refresh_token"]
    assert list(tables.IdempotencyRow.scan()) == []


def test_a_wrong_password_and_an_unknown_address_get_the_same_answer():
    register()
    wrong, unknown = login(password="not the password"), login("nobody@example.com")
    assert wrong.status == unknown.status == 401
    assert wrong.json["type"] == "/problems/bad-credentials"
    assert wrong.json | {"request_id": ""} == unknown.json | {"request_id": ""}


def test_a_wrong_password_and_an_unknown_address_take_the_same_work(monkeypatch):
    register()
    login()  # the first of a process makes the hash that nobody's password is held against
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


def test_the_same_letters_composed_otherwise_are_the_same_password():
    register(password="pässwörter für äpfel")
    assert login(password="pässwörter für äpfel").status == 200


def wait(answer):
    return int(answer.header("Retry-After"))


def test_five_failures_close_the_account_for_the_rest_of_fifteen_minutes(later):
    register()
    assert [login(password="not the password").status for _ in range(5)] == [401] * 5
    closed = login()
    assert (closed.status, closed.json["type"]) == (429, "/problems/too-many-requests")
    assert 890 <= wait(closed) <= 900
    later(minutes=10)
    assert 290 <= wait(login()) <= 300
    later(minutes=5, seconds=1)
    assert login().status == 200


def test_after_the_fifteen_minutes_the_count_begins_anew(later):
    register()
    for _ in range(4):
        login(password="not the password")
    later(minutes=15, seconds=1)
    assert [login(password="not the password").status for _ in range(6)] == [401] * 5 + [429]


def test_an_address_without_an_account_is_counted_alike_in_any_case():
    addresses = ["nobody@example.com", "NOBODY@example.com"] * 3
    assert [login(address).status for address in addresses] == [401] * 5 + [429]


def test_a_login_that_succeeds_forgets_the_failures_before_it():
    register()
    for _ in range(2):
        assert [login(password="not the password").status for _ in range(4)] == [401] * 4
        assert login().status == 200


def test_many_guesses_at_once_are_five():
    register()
    guesses = [partial(service.login, "ada@example.com", f"guess number {n}") for n in range(12)]
    errors = run_concurrently(*map(met, guesses))
    assert sum(isinstance(error, accounts.BadCredentials) for error in errors) == 5
    assert sum(isinstance(error, TooManyRequests) for error in errors) == 7


def test_no_address_is_kept_in_the_clear_where_failures_are_counted():
    login("nobody@example.com")
    (row,) = tables.UsersRow.scan()
    assert row.pk == f"attempts#{accounts.attempts_key('nobody@example.com')}"


def test_a_refresh_token_is_spent_at_its_use():
    register()
    first = login().json
    second = refresh(first["refresh_token"])
    assert second.status == 200
    assert second.json["refresh_token"] != first["refresh_token"]
    assert refresh(second.json["refresh_token"]).status == 200


def test_a_spent_token_presented_again_ends_the_whole_session():
    register()
    first, other = login().json, login().json
    second = refresh(first["refresh_token"]).json
    again = refresh(first["refresh_token"])
    assert (again.status, again.json["type"]) == (401, "/problems/session-over")
    assert refresh(second["refresh_token"]).status == 401
    assert refresh(other["refresh_token"]).status == 200, "another session goes on"


def test_a_long_spent_token_ends_the_session_too():
    register()
    first = latest = login().json
    for _ in range(3):
        latest = refresh(latest["refresh_token"]).json
    assert refresh(first["refresh_token"]).status == 401
    assert refresh(latest["refresh_token"]).status == 401


def test_of_two_who_spend_one_token_at_once_one_gets_new_ones():
    register()
    token = login().json["refresh_token"]
    answers = run_concurrently(*[met(lambda: service.refresh(token))] * 4)
    got = [tokens for tokens in answers if not isinstance(tokens, Exception)]
    assert len(got) == 1
    assert all(type(error) is SessionOver for error in answers if isinstance(error, Exception))
    assert refresh(got[0].refresh_token).status == 401, "one of them stole it: neither goes on"


def test_an_invented_token_ends_nobodys_session():
    register()
    token = login().json["refresh_token"]
    session_id = token.partition(".")[0]
    for invented in (f"{session_id}.{'x' * 64}", f"{session_id}.{token[-64:-32]}"):
        assert refresh(invented).status == 401
        assert logout(invented).status == 204
    assert refresh(token).status == 200


def test_a_token_of_no_session_is_refused_alike():
    for token in ("x", "a.b.c", "ses_1.x", f"ses_{'0' * 26}.{'a' * 64}", "é" * 50):
        answer = refresh(token)
        assert (answer.status, answer.json["type"]) == (401, "/problems/session-over")


def test_a_refresh_token_that_is_no_string_is_invalid():
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


def test_after_logging_out_the_token_opens_nothing():
    register()
    tokens = login().json
    assert logout(tokens["refresh_token"]).status == 204
    assert logout(tokens["refresh_token"]).status == 204
    assert refresh(tokens["refresh_token"]).status == 401


def test_logging_out_with_any_string_is_harmless():
    assert logout("whatever").status == 204
    assert logout(f"ses_{'0' * 26}.{'a' * 64}").status == 204
    assert call(api, "POST", "/users/logout", body={}).status == 422


def test_a_refresh_that_cannot_be_signed_leaves_the_token_good(monkeypatch):
    register()
    token = login().json["refresh_token"]

    def down(**_):
        raise EndpointConnectionError(endpoint_url="https://kms.test")

    with monkeypatch.context() as outage:
        outage.setattr(signing, "kms", type("Kms", (), {"sign": staticmethod(down)}))
        answer = refresh(token)
        assert (answer.status, answer.header("Retry-After")) == (503, "2")
    assert refresh(token).status == 200


def test_what_is_kept_of_a_session_does_not_open_it():
    register()
    token = login().json["refresh_token"]
    session_id, _, secret = token.partition(".")
    kept = tables.session(session_id)
    assert secret[:32] not in repr(kept)
    assert secret[32:] not in repr(kept)


def test_logs_hold_nothing_secret():
    written = io.StringIO()
    handler = logging.StreamHandler(written)
    handler.setFormatter(log.registered_formatter)
    log.addHandler(handler)
    try:
        register(phone="+44 20 7946 0000")
        first = login().json
        second = refresh(first["refresh_token"]).json
        refresh(first["refresh_token"])
        login(password="not the password")
        logout(second["refresh_token"])
    finally:
        log._logger.removeHandler(handler)
    text = written.getvalue()
    assert text.count('"request served"') == 6
    secrets = [PASSWORD, "not the password", "argon2", "ada@example.com", "7946"]
    for tokens in (first, second):
        secrets += [tokens["access_token"], tokens["refresh_token"], tokens["refresh_token"][-32:]]
    assert [secret for secret in secrets if secret in text] == []
