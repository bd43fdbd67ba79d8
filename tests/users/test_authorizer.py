"""The authorizer against tokens of every kind, true and forged."""

import base64
import hashlib
import hmac
import json
import subprocess
import sys
import time

import jwt
import pytest
from botocore.exceptions import EndpointConnectionError
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_der_public_key

from shared.http.identity import STAFF, Caller, caller_of
from tests.support import ENVIRONMENT, ROOT, Context, call
from tests.users.conftest import claims, login, register, segment, signed
from users import authorizer, signing
from users.app import api, commands

ARN = "arn:aws:execute-api:eu-west-1:123456789012:a1b2c3/test/GET/users/me"


def ask(token, header="Authorization", scheme="Bearer"):
    event = {
        "type": "REQUEST",
        "methodArn": ARN,
        "headers": {header: f"{scheme} {token}"},
        "requestContext": {"requestId": "r1"},
    }
    return authorizer.authorize(event, Context())


def is_refused(token, **how):
    with pytest.raises(Exception, match=r"^Unauthorized$") as raised:
        ask(token, **how)
    return type(raised.value) is Exception


@pytest.fixture(scope="module", autouse=True)
def shop(resources):
    """One cloud for all: an authorizer writes nothing."""
    resources.restore()
    signing.public_key.cache_clear()
    register()


@pytest.fixture(scope="module")
def token(shop):
    return login().json["access_token"]


def test_a_true_token_allows_every_method_of_this_stage(token):
    answer = ask(token)
    said = claims(token)
    assert answer == {
        "principalId": said["sub"],
        "policyDocument": {
            "Version": "2012-10-17",
            "Statement": [
                {
                    "Effect": "Allow",
                    "Action": "execute-api:Invoke",
                    "Resource": "arn:aws:execute-api:eu-west-1:123456789012:a1b2c3/test/*/*",
                }
            ],
        },
        "context": {
            "user_id": said["sub"],
            "roles": "customer",
            "session_id": said["sid"],
            "email": "ada@example.com",
        },
    }


def test_a_guest_is_vouched_for_without_an_address():
    context = ask(call(api, "POST", "/users/guest").json["access_token"])["context"]
    assert context["user_id"].startswith("gst_")
    assert (context["roles"], context["email"]) == ("guest", "")


def test_what_it_says_is_what_services_read():
    asked = {"email": "boss@example.com", "password": "a password of theirs", "name": "Grace"}
    roles = {"roles": ["staff", "customer"]}
    commands({"command": "ensure_account", "input": asked | roles}, Context())
    token = login("boss@example.com", "a password of theirs").json["access_token"]
    caller = caller_of({"requestContext": {"authorizer": ask(token)["context"]}}, STAFF)
    said = claims(token)
    assert caller == Caller(said["sub"], STAFF, said["sid"], "boss@example.com")


@pytest.mark.parametrize(("header", "scheme"), [("authorization", "Bearer"), ("AUTHORIZATION", "bearer")])
def test_headers_and_schemes_have_no_case(token, header, scheme):
    assert ask(token, header=header, scheme=scheme)["principalId"]


@pytest.mark.parametrize("scheme", ["Basic", "", "Token"])
def test_another_scheme_is_refused(token, scheme):
    assert is_refused(token, scheme=scheme)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "x",
        "a.b",
        "a.b.c",
        "....",
        "é.é.é",
        "null",
        "e30.e30.e30",
        "\x00",
        "A" * 9000,
        "[]",
        "bnVsbA.e30.x",
    ],
)
def test_what_is_no_token_is_refused(text):
    assert is_refused(text)


def test_no_header_is_refused():
    event = {"methodArn": ARN, "headers": None, "requestContext": {"requestId": "r1"}}
    with pytest.raises(Exception, match=r"^Unauthorized$"):
        authorizer.authorize(event, Context())


def test_a_token_truly_signed_by_the_test_is_taken(token):
    """The forgeries below fail for what they claim, not for how they are made."""
    assert ask(signed(token))["principalId"] == claims(token)["sub"]


@pytest.mark.parametrize(
    "changed",
    [
        {"exp": int(time.time()) - 1},
        {"exp": int(time.time())},
        {"exp": ...},
        {"exp": "soon"},
        {"exp": None},
        {"aud": "another-shop"},
        {"aud": ...},
        {"aud": []},
        {"iss": "tillstack/prod"},
        {"iss": "tillstack"},
        {"iss": ...},
        {"sub": ...},
        {"sub": 7},
        {"roles": ...},
        {"sid": ...},
        {"iat": ...},
        {"nbf": 4_102_444_800},  # the year 2100
    ],
    ids="-".join,  # by name: what is called by its time has another name in each process
)
def test_a_true_signature_under_wrong_claims_is_refused(token, changed):
    assert is_refused(signed(token, **changed))


@pytest.mark.parametrize("headers", [{"kid": "another"}, {"kid": ""}, {"crit": ["x"], "x": 1}], ids=str)
def test_a_true_signature_under_wrong_headers_is_refused(token, headers):
    assert is_refused(signed(token, headers))


def test_a_token_without_a_key_id_is_refused(token):
    said = json.dumps(claims(token)).encode()
    assert is_refused(signing._tokens.encode(said, "", "ES256"))


def test_a_token_made_a_moment_ahead_of_this_clock_is_taken(token):
    assert ask(signed(token, iat=int(time.time()) + 2))


@pytest.mark.parametrize("alg", ["none", "None", "NONE", "nOnE"])
@pytest.mark.parametrize("signature", ["", "AA"])
def test_an_unsigned_token_is_refused(token, alg, signature):
    header = {"alg": alg, "typ": "JWT", "kid": jwt.get_unverified_header(token)["kid"]}
    assert is_refused(f"{segment(header)}.{segment(claims(token))}.{signature}")


@pytest.mark.parametrize("encoding", [Encoding.PEM, Encoding.DER, Encoding.X962])
def test_the_public_key_taken_for_a_shared_secret_is_refused(token, encoding):
    der = signing.kms.get_public_key(KeyId=ENVIRONMENT["USERS_SIGNING_KEY_ARN"])["PublicKey"]
    form = PublicFormat.UncompressedPoint if encoding is Encoding.X962 else PublicFormat.SubjectPublicKeyInfo
    secret = load_der_public_key(der).public_bytes(encoding, form)
    header = {"alg": "HS256", "typ": "JWT", "kid": jwt.get_unverified_header(token)["kid"]}
    content = f"{segment(header)}.{segment(claims(token))}"
    mac = hmac.new(secret, content.encode(), hashlib.sha256).digest()
    assert is_refused(f"{content}.{segment(mac)}")


def test_another_keys_signature_is_refused(token):
    own = ec.generate_private_key(ec.SECP256R1())
    kid = jwt.get_unverified_header(token)["kid"]
    assert is_refused(jwt.encode(claims(token), own, algorithm="ES256", headers={"kid": kid}))


def test_a_key_brought_along_is_not_believed(token):
    own = ec.generate_private_key(ec.SECP256R1())
    jwk = json.loads(jwt.algorithms.ECAlgorithm.to_jwk(own.public_key()))
    for headers in ({"jwk": jwk}, {"jwk": jwk, "kid": jwt.get_unverified_header(token)["kid"]}):
        assert is_refused(jwt.encode(claims(token), own, algorithm="ES256", headers=headers))


def test_a_tampered_token_is_refused(token):
    header, _, signature = token.split(".")
    said = claims(token) | {"roles": ["admin"]}
    assert is_refused(f"{header}.{segment(said)}.{signature}")
    other = ask(token) and call(api, "POST", "/users/guest").json["access_token"].split(".")
    assert is_refused(f"{other[0]}.{other[1]}.{signature}")


@pytest.mark.parametrize("forged", [b"\0" * 64, b"\xff" * 64, b"", b"\0" * 63, b"\0" * 65])
def test_an_empty_or_overlong_signature_is_refused(token, forged):
    """All zeros passed for true in Java's ECDSA once (CVE-2022-21449)."""
    header, payload, _ = token.split(".")
    assert is_refused(f"{header}.{payload}.{segment(forged)}")


def test_every_byte_of_the_signature_counts(token):
    header, payload, signature = token.split(".")
    raw = base64.urlsafe_b64decode(signature + "==")
    for place in range(0, 64, 7):
        flipped = raw[:place] + bytes([raw[place] ^ 1]) + raw[place + 1 :]
        assert is_refused(f"{header}.{payload}.{segment(flipped)}")


class Kms:
    """A key service that counts who asks, and may be down."""

    def __init__(self):
        self.asked, self.down = 0, False

    def get_public_key(self, **request):
        self.asked += 1
        if self.down:
            raise EndpointConnectionError(endpoint_url="https://kms.test")
        return signing.kms.get_public_key(**request)


def test_the_key_is_read_once_and_for_unknown_ones_once_a_minute(token, monkeypatch):
    keys = authorizer.PublicKeys()
    keys.kms, now = Kms(), [1000.0]
    monkeypatch.setattr(authorizer, "keys", keys)
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    for _ in range(3):
        ask(token)
    unknown = signed(token, {"kid": "another"})
    for seconds in (1, 30, 29):
        now[0] += seconds
        is_refused(unknown)
    assert keys.kms.asked == 1
    now[0] += 1
    is_refused(unknown)
    is_refused(unknown)
    assert keys.kms.asked == 2
    assert ask(token)


def test_a_new_key_is_found_without_a_restart(token, monkeypatch):
    keys = authorizer.PublicKeys()
    monkeypatch.setattr(authorizer, "keys", keys)
    keys.known["of-yesterday"] = ec.generate_private_key(ec.SECP256R1()).public_key()
    assert ask(token)["principalId"]
    assert "of-yesterday" in keys.known


def test_a_key_service_that_is_down_refuses_nobody_for_being_a_forger(token, monkeypatch):
    keys = authorizer.PublicKeys()
    keys.kms = Kms()
    keys.kms.down = True
    monkeypatch.setattr(authorizer, "keys", keys)
    with pytest.raises(EndpointConnectionError):
        ask(token)
    keys.kms.down = False
    assert ask(token)


def test_it_loads_no_more_than_it_needs():
    program = "import sys, users.authorizer; print(*{name.partition('.')[0] for name in sys.modules})"
    done = subprocess.run(
        [sys.executable, "-c", program],
        env=ENVIRONMENT | {"PYTHONPATH": str(ROOT / "functions")},
        capture_output=True,
        text=True,
        check=True,
    )
    assert not {"pydantic", "pynamodb", "argon2", "chalice", "boto3", "stripe"} & set(done.stdout.split())
