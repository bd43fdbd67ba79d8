"""The rules of accounts, passwords, sessions and keys, tested with plain values."""

import json
from datetime import UTC, datetime, timedelta
from itertools import product

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given
from hypothesis import strategies as st

from shared.errors import Invalid
from shared.values.email_address import is_email
from users.domain import accounts, keys, passwords, sessions
from users.domain.accounts import Subject
from users.domain.passwords import WeakPassword
from users.domain.sessions import RefreshToken, Session, SessionOver

NOW = datetime(2026, 1, 2, tzinfo=UTC)
ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551  # of P-256 (SEC 2, 2.4.2)


@pytest.mark.parametrize(
    "email",
    [
        "ada@example.com",
        "Ada.Byron+shop@mail.example.co.uk",
        "o'brien@example.ie",
        "x@xn--bcher-kva.example",
        f"{'l' * 64}@example.com",
    ],
)
def test_valid_addresses_are_accepted(email):
    assert is_email(email)


@pytest.mark.parametrize(
    "email",
    [
        "",
        "ada",
        "ada@",
        "@example.com",
        "ada@localhost",
        "ada@@example.com",
        "ada @example.com",
        "ada@example.com\n",
        "ada@example.com\r\nBcc: x@example.com",
        "ada\x00@example.com",
        ".ada@example.com",
        "ada.@example.com",
        "a..da@example.com",
        "ada@-example.com",
        "ada@example-.com",
        "ada@example..com",
        "ada@127.0.0.1",
        '"ada"@example.com',
        "Ada <ada@example.com>",
        "=?utf-8?q?a=0D=0Ab?=@example.com",
        "ädä@example.com",
        f"{'l' * 65}@example.com",
        f"a@{'d' * 60}.{'d' * 60}.{'d' * 60}.{'d' * 60}.example.com",
    ],
)
def test_addresses_that_cannot_receive_email_are_rejected(email):
    assert not is_email(email)


@given(st.text(max_size=80))
def test_the_key_of_an_address_is_stable(email):
    key = accounts.email_key(email)
    assert accounts.email_key(key) == key
    assert accounts.email_key(email.lower()) == accounts.email_key(key.lower())


@given(st.emails())
def test_the_key_of_an_address_ignores_case(email):
    assert accounts.email_key(email.upper()) == accounts.email_key(email)
    assert accounts.attempts_key(email.upper()) == accounts.attempts_key(email)


def test_roles_are_sorted_without_duplicates_and_unknown_ones_are_invalid():
    assert accounts.account_roles(["admin", "customer", "admin"]) == ("customer", "admin")
    for unknown in ("guest", "public", "root", ""):
        with pytest.raises(Invalid):
            accounts.account_roles(["customer", unknown])


def check(password: str, email: str = "ada.byron@example.com", name: str = "Ada Byron") -> None:
    passwords.check_strength(password, email, name)


@pytest.mark.parametrize(
    "password",
    ["correct horse battery", "Tr0ub4dor&3x", "пароль-длинный", "ada byron's engine", "x y z 1 2 3 4"],
)
def test_a_strong_password_is_accepted(password):
    check(password)


@pytest.mark.parametrize(
    "password",
    [
        "short",
        "123456789",
        "a" * 10,
        "abababababab",
        "1234567890",
        "PASSWORD123",
        "ｐａｓｓｗｏｒｄ１２３",
        "adabyron123",
        "Byron.Ada.99",
        "ada.byron@example.com!",
        "x9!" * 43,
    ],
)
def test_a_weak_password_is_rejected_with_its_pointer(password):
    with pytest.raises(WeakPassword) as raised:
        check(password)
    assert raised.value.status == 422
    assert raised.value.extra["errors"][0]["pointer"] == "/password"


def test_every_common_password_passes_the_length_rule_and_is_case_folded():
    assert {
        word for word in passwords.COMMON if not passwords.MIN_LENGTH <= len(word) <= passwords.MAX_LENGTH
    } == set()
    assert {word for word in passwords.COMMON if word != word.casefold()} == set()


@given(st.text(max_size=40))
def test_normalizing_a_password_twice_changes_nothing(password):
    assert passwords.normalize(passwords.normalize(password)) == passwords.normalize(password)


NUMBERS = st.one_of(
    st.integers(1, ORDER - 1), st.integers(1, 2**16), st.integers(0, 255).map(lambda n: ORDER - 1 - n)
)


@given(NUMBERS, NUMBERS)
def test_a_kms_signature_is_converted_to_jose(r, s):
    raw = keys.jws_signature(encode_dss_signature(r, s))
    assert (raw[:32], raw[32:]) == (r.to_bytes(32, "big"), s.to_bytes(32, "big"))


@given(NUMBERS, NUMBERS)
def test_a_jose_signature_is_converted_to_kms(r, s):
    raw = r.to_bytes(32, "big") + s.to_bytes(32, "big")
    assert keys.der_signature(raw) == encode_dss_signature(r, s)


@given(st.binary(min_size=64, max_size=64))
def test_converting_a_signature_there_and_back_changes_nothing(raw):
    assert keys.jws_signature(keys.der_signature(raw)) == raw


@given(st.binary(max_size=80).filter(lambda raw: len(raw) != 64))
def test_a_signature_of_the_wrong_length_is_rejected(raw):
    with pytest.raises(ValueError, match="not a P-256 signature"):
        keys.der_signature(raw)


@given(st.binary(max_size=80))
def test_bytes_that_are_not_a_signature_are_rejected(der):
    with pytest.raises(ValueError, match="not a DER-encoded P-256 signature"):
        keys.jws_signature(der)


@pytest.mark.parametrize("cut", [1, 3, 10, 40])
def test_a_truncated_signature_is_rejected(cut):
    with pytest.raises(ValueError, match="not a DER-encoded P-256 signature"):
        keys.jws_signature(encode_dss_signature(ORDER - 1, ORDER - 2)[:-cut])


def spki(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


@given(st.integers(1, ORDER - 1))
def test_a_public_key_is_converted_to_a_jwk(secret):
    key = ec.derive_private_key(secret, ec.SECP256R1())
    converted = jwt.PyJWK(keys.public_jwk(spki(key)) | {"alg": "ES256"}).key
    assert converted == key.public_key()


@pytest.mark.parametrize("curve", [ec.SECP384R1(), ec.SECP256K1()])
def test_a_key_of_another_curve_is_rejected(curve):
    with pytest.raises(ValueError, match="P-256"):
        keys.public_jwk(spki(ec.generate_private_key(curve)))


def test_a_thumbprint_equals_the_example_of_the_rfc():
    """The key and its `jkt` are the examples of RFC 9449, 4.1 and 6.1."""
    jwk = {
        "kty": "EC",
        "x": "l8tFrhx-34tV3hRICRDY9zCkDlpBhF42UQUfWVAWBFs",
        "y": "9VE4jf_Ok_o64zbTTlcuNJajHmt6v9TDVrU0CdvGRDA",
        "crv": "P-256",
    }
    assert keys.thumbprint(jwk) == "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I"
    assert keys.thumbprint(jwk | {"use": "sig", "kid": "x"}) == keys.thumbprint(jwk)


TOKEN = RefreshToken("ses_01J9ZZZZZZZZZZZZZZZZZZZZZZ", "f" * 32, "n" * 32)
ADA = Subject("usr_1", ("customer",), "ada@example.com", password_version=1)


def test_parsing_a_refresh_token_reverses_formatting_it():
    assert RefreshToken.parse(str(TOKEN)) == TOKEN


@given(st.text(max_size=120))
def test_text_that_is_not_a_refresh_token_is_rejected(text):
    with pytest.raises(SessionOver):
        RefreshToken.parse(text)


def test_a_session_distinguishes_its_latest_used_and_invented_tokens():
    session = Session.of(ADA, TOKEN, NOW)
    used = RefreshToken(TOKEN.session_id, TOKEN.family, "o" * 32)
    invented = RefreshToken(TOKEN.session_id, "x" * 32, TOKEN.nonce)
    found = [(session.issued(token), session.expects(token)) for token in (TOKEN, used, invented)]
    assert found == [(True, True), (True, False), (False, False)]


def test_a_session_lasts_thirty_days():
    session = Session.of(ADA, TOKEN, NOW)
    assert not session.is_over(NOW + timedelta(days=30) - timedelta(seconds=1))
    assert session.is_over(NOW + timedelta(days=30))


def test_printing_a_value_shows_no_secrets():
    tokens = sessions.Tokens("access-secret", "refresh-secret")
    account = accounts.Account("usr_1", "a@example.com", "Ada", None, ("customer",), "hash-secret", NOW)
    for value, secret in product((TOKEN, tokens, account), ("secret", TOKEN.family, TOKEN.nonce)):
        assert secret not in repr(value)


def test_an_access_token_names_its_user_and_expires_after_fifteen_minutes():
    claims = sessions.claims(ADA, "ses_1", "tillstack/test", "tok_1", NOW)
    assert json.loads(json.dumps(claims)) == {
        "iss": "tillstack/test",
        "aud": "shop",
        "sub": "usr_1",
        "roles": ["customer"],
        "sid": "ses_1",
        "email": "ada@example.com",
        "iat": 1767312000,
        "exp": 1767312900,
        "jti": "tok_1",
    }
    assert "email" not in sessions.claims(Subject("gst_1", ("guest",)), "ses_1", "x", "tok_1", NOW)
