"""Email addresses and phone numbers, in the form that providers accept and in the form that is compared."""

import re

from shared.values.email_address import MAX_EMAIL

# A dot-atom and a host name (RFC 5321, 4.1.2): all that SES delivers to, and never two addresses. `=?`
# would be decoded as an encoded word (RFC 2047), which may contain anything.
_ATOM = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"
_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?"
_ADDRESS = re.compile(rf"(?=.{{1,64}}@)(?!.*=\?){_ATOM}(?:\.{_ATOM})*@{_LABEL}(?:\.{_LABEL})+")
# ITU-T E.164, 6.2: a country code and a number, 15 digits in all.
_E164 = re.compile(r"\+[1-9][0-9]{6,14}")


def deliverable(to: str) -> str | None:
    """Return the address as SES accepts it, with its host in ASCII (RFC 3490); None if it is not one address.

    A host of look-alike characters becomes its `xn--` name, which is nobody else's address.
    """
    local, _, host = to.strip().rpartition("@")
    try:
        address = f"{local}@{host if host.isascii() else host.encode('idna').decode()}"
    except UnicodeError:
        return None
    return address if _ADDRESS.fullmatch(address) and len(address) <= MAX_EMAIL else None


def redact(text: str, to: str) -> str:
    """Return a provider's text without the address or number, because the text is logged."""
    return re.sub(re.escape(to), "(recipient)", text, flags=re.IGNORECASE)


def recipient_key(to: str) -> str:
    """Return the key by which an address or number is compared: in lower case, its host in ASCII."""
    return (deliverable(to) or to.strip()[:MAX_EMAIL]).lower() or "nobody"


def e164(phone: str) -> str | None:
    """Return the number as `+` and digits; None if it has no country code, which must not be guessed.

    Accepts `+44 (0)20 7946 0018` and `0044…`.
    """
    bare = re.sub(r"[ ().\-/\u00a0]", "", phone.strip().replace("(0)", ""))
    number = f"+{bare[2:]}" if bare.startswith("00") else bare
    return number if _E164.fullmatch(number) else None
