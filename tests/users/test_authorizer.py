"""The authorizer, tested with valid and forged tokens."""

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

from shared.http.identity import STAFF, Caller, identify_caller
from tests.support import ENVIRONMENT, ROOT, Context, call
from tests.users.conftest import claims, login, register, segment, signed
from users import authorizer, signing
from users.app.api import api
from users.app.commands import commands

ARN = "arn:aws:execute-api:eu-west-1:123456789012:a1b2c3/test/GET/users/me"


def authorize(token, header="Authorization", scheme="Bearer"):
    event = {
        "type": "REQUEST",
        "methodArn": ARN,
        "headers": {header: f"{scheme} {token}"},
        "requestContext": {"requestId": "r1"},
    }
    return authorizer.authorize(event, Context())


def is_rejected(token, **request):
    with pytest.raises(Exception, match=r"^Unauthorized$") as raised:
        authorize(token, **request)
    return type(raised.value) is Exception


@pytest.fixture(scope="module", autouse=True)
def shop(resources):
    """Create the resources once, because the authorizer writes nothing."""
    resources.restore()
    signing.public_key.cache_clear()
    register()


@pytest.fixture(scope="module")
def token(shop):
    return login().json["access_token"]


def test_a_valid_token_allows_every_method_of_this_stage(token):
    response = authorize(token)
    decoded = claims(token)
    assert response == {
        "principalId": decoded["sub"],
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
            "user_id": decoded["sub"],
            "roles": "customer",
            "session_id": decoded["sid"],
            "email": "ada@example.com",
        },
    }


def test_a_guests_context_has_no_email():
    context = authorize(call(api, "POST", "/users/guest").json["access_token"])["context"]
    assert context["user_id"].startswith("gst_")
    assert (context["roles"], context["email"]) == ("guest", "")


def test_services_read_the_caller_from_the_context():
    command = {"email": "boss@example.com", "password": "a password of theirs", "name": "Grace"}
    roles = {"roles": ["staff", "customer"]}
    commands({"command": "ensure_account", "input": command | roles}, Context())
    token = login("boss@example.com", "a password of theirs").json["access_token"]
    caller = identify_caller({"requestContext": {"authorizer": authorize(token)["context"]}}, STAFF)
    decoded = claims(token)
    assert caller == Caller(decoded["sub"], STAFF, decoded["sid"], "boss@example.com")


@pytest.mark.parametrize(("header", "scheme"), [("authorization", "Bearer"), ("AUTHORIZATION", "bearer")])
def test_header_names_and_schemes_ignore_case(token, header, scheme):
    assert authorize(token, header=header, scheme=scheme)["principalId"]


@pytest.mark.parametrize("scheme", ["Basic", "", "Token"])
def test_another_scheme_is_rejected(token, scheme):
    assert is_rejected(token, scheme=scheme)


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
def test_text_that_is_not_a_token_is_rejected(text):
    assert is_rejected(text)


def test_a_missing_header_is_rejected():
    event = {"methodArn": ARN, "headers": None, "requestContext": {"requestId": "r1"}}
    with pytest.raises(Exception, match=r"^Unauthorized$"):
        authorizer.authorize(event, Context())


def test_a_token_signed_by_this_test_is_accepted(token):
    """Show that the forgeries below fail because of their claims."""
    assert authorize(signed(token))["principalId"] == claims(token)["sub"]


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
    ids="-".join,  # by claim, because a time differs between the processes of a test run
)
def test_a_signed_token_with_wrong_claims_is_rejected(token, changed):
    assert is_rejected(signed(token, **changed))


@pytest.mark.parametrize("headers", [{"kid": "another"}, {"kid": ""}, {"crit": ["x"], "x": 1}], ids=str)
def test_a_signed_token_with_wrong_headers_is_rejected(token, headers):
    assert is_rejected(signed(token, headers))


def test_a_token_without_a_key_id_is_rejected(token):
    decoded = json.dumps(claims(token)).encode()
    assert is_rejected(signing._jws.encode(decoded, "", "ES256"))


def test_a_token_issued_slightly_in_the_future_is_accepted(token):
    assert authorize(signed(token, iat=int(time.time()) + 2))


@pytest.mark.parametrize("alg", ["none", "None", "NONE", "nOnE"])
@pytest.mark.parametrize("signature", ["", "AA"])
def test_an_unsigned_token_is_rejected(token, alg, signature):
    header = {"alg": alg, "typ": "JWT", "kid": jwt.get_unverified_header(token)["kid"]}
    assert is_rejected(f"{segment(header)}.{segment(claims(token))}.{signature}")


@pytest.mark.parametrize("encoding", [Encoding.PEM, Encoding.DER, Encoding.X962])
def test_a_token_signed_with_the_public_key_as_hmac_secret_is_rejected(token, encoding):
    der = signing.kms.get_public_key(KeyId=ENVIRONMENT["USERS_SIGNING_KEY_ARN"])["PublicKey"]
    form = PublicFormat.UncompressedPoint if encoding is Encoding.X962 else PublicFormat.SubjectPublicKeyInfo
    secret = load_der_public_key(der).public_bytes(encoding, form)
    header = {"alg": "HS256", "typ": "JWT", "kid": jwt.get_unverified_header(token)["kid"]}
    content = f"{segment(header)}.{segment(claims(token))}"
    mac = hmac.new(secret, content.encode(), hashlib.sha256).digest()
    assert is_rejected(f"{content}.{segment(mac)}")


def test_a_signature_by_another_key_is_rejected(token):
    own = ec.generate_private_key(ec.SECP256R1())
    kid = jwt.get_unverified_header(token)["kid"]
    assert is_rejected(jwt.encode(claims(token), own, algorithm="ES256", headers={"kid": kid}))


def test_a_key_in_the_tokens_header_is_ignored(token):
    own = ec.generate_private_key(ec.SECP256R1())
    jwk = json.loads(jwt.algorithms.ECAlgorithm.to_jwk(own.public_key()))
    for headers in ({"jwk": jwk}, {"jwk": jwk, "kid": jwt.get_unverified_header(token)["kid"]}):
        assert is_rejected(jwt.encode(claims(token), own, algorithm="ES256", headers=headers))


def test_an_altered_token_is_rejected(token):
    header, _, signature = token.split(".")
    decoded = claims(token) | {"roles": ["admin"]}
    assert is_rejected(f"{header}.{segment(decoded)}.{signature}")
    other = authorize(token) and call(api, "POST", "/users/guest").json["access_token"].split(".")
    assert is_rejected(f"{other[0]}.{other[1]}.{signature}")


@pytest.mark.parametrize("forged", [b"\0" * 64, b"\xff" * 64, b"", b"\0" * 63, b"\0" * 65])
def test_a_signature_of_zeros_or_of_the_wrong_length_is_rejected(token, forged):
    """Java's ECDSA once accepted a signature of zeros (CVE-2022-21449)."""
    header, payload, _ = token.split(".")
    assert is_rejected(f"{header}.{payload}.{segment(forged)}")


def test_a_flipped_bit_anywhere_in_the_signature_is_rejected(token):
    header, payload, signature = token.split(".")
    raw = base64.urlsafe_b64decode(signature + "==")
    for place in range(0, 64, 7):
        flipped = raw[:place] + bytes([raw[place] ^ 1]) + raw[place + 1 :]
        assert is_rejected(f"{header}.{payload}.{segment(flipped)}")


class Kms:
    """A KMS client that counts requests and can be down."""

    def __init__(self):
        self.requests, self.down = 0, False

    def get_public_key(self, **request):
        self.requests += 1
        if self.down:
            raise EndpointConnectionError(endpoint_url="https://kms.test")
        return signing.kms.get_public_key(**request)


def test_an_unknown_key_id_reads_the_key_at_most_once_a_minute(token, monkeypatch):
    keys = authorizer.PublicKeys()
    keys.kms, now = Kms(), [1000.0]
    monkeypatch.setattr(authorizer, "keys", keys)
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    for _ in range(3):
        authorize(token)
    unknown = signed(token, {"kid": "another"})
    for seconds in (1, 30, 29):
        now[0] += seconds
        is_rejected(unknown)
    assert keys.kms.requests == 1
    now[0] += 1
    is_rejected(unknown)
    is_rejected(unknown)
    assert keys.kms.requests == 2
    assert authorize(token)


def test_a_new_key_is_found_without_a_restart(token, monkeypatch):
    keys = authorizer.PublicKeys()
    monkeypatch.setattr(authorizer, "keys", keys)
    keys.by_id["of-yesterday"] = ec.generate_private_key(ec.SECP256R1()).public_key()
    assert authorize(token)["principalId"]
    assert "of-yesterday" in keys.by_id


def test_a_failure_of_kms_is_raised_and_not_a_rejection(token, monkeypatch):
    keys = authorizer.PublicKeys()
    keys.kms = Kms()
    keys.kms.down = True
    monkeypatch.setattr(authorizer, "keys", keys)
    with pytest.raises(EndpointConnectionError):
        authorize(token)
    keys.kms.down = False
    assert authorize(token)


def test_the_authorizer_imports_only_what_it_needs():
    program = "import sys, users.authorizer; print(*{name.partition('.')[0] for name in sys.modules})"
    done = subprocess.run(
        [sys.executable, "-c", program],
        env=ENVIRONMENT | {"PYTHONPATH": str(ROOT / "functions")},
        capture_output=True,
        text=True,
        check=True,
    )
    assert not {"pydantic", "pynamodb", "argon2", "chalice", "boto3", "stripe"} & set(done.stdout.split())
