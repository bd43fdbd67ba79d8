"""Where mails and text messages go: an address or a number as providers take it, and as it is told apart."""

import re

# A dot-atom and a host name (RFC 5321, 4.1.2): all that SES delivers to, and never two addresses. `=?`
# would be decoded as an encoded word (RFC 2047), which may hold anything.
_ATOM = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"
_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?"
_ADDRESS = re.compile(rf"(?=.{{1,64}}@)(?!.*=\?){_ATOM}(?:\.{_ATOM})*@{_LABEL}(?:\.{_LABEL})+")
# ITU-T E.164, 6.2: a country's code and its number, 15 digits at the most.
_E164 = re.compile(r"\+[1-9][0-9]{6,14}")


def deliverable(to: str) -> str | None:
    """The address as SES takes it, its host name in ASCII (RFC 3490); None where it is not one address.

    A host of look-alike letters so becomes the `xn--` name that it is, and nobody else's address.
    """
    local, _, host = to.strip().rpartition("@")
    try:
        address = f"{local}@{host if host.isascii() else host.encode('idna').decode()}"
    except UnicodeError:
        return None
    return address if _ADDRESS.fullmatch(address) and len(address) <= 254 else None


def unnamed(said: str, to: str) -> str:
    """What a provider says of an address or number, without it: the words get into logs."""
    return re.sub(re.escape(to), "(recipient)", said, flags=re.IGNORECASE)


def recipient_of(to: str) -> str:
    """By what an address or number is told from others: no two servers differ in its letters' case alone."""
    return (deliverable(to) or to.strip()[:254]).lower() or "nobody"


def e164(phone: str) -> str | None:
    """The number as `+` and digits, None where its country is not in it: a guess might tell a stranger.

    Takes `+44 (0)20 7946 0018` and `0044…`.
    """
    bare = re.sub(r"[ ().\-/\u00a0]", "", phone.strip().replace("(0)", ""))
    number = f"+{bare[2:]}" if bare.startswith("00") else bare
    return number if _E164.fullmatch(number) else None
