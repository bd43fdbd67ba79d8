"""The rules by which a change of the API document is a break or a warning."""

from typing import NamedTuple


class Rule(NamedTuple):
    """What a change means for clients, and what to do instead of it."""

    breaks: bool
    sentence: str
    instead: str


DEPRECATE = "Keep it and mark it as deprecated."
ACCEPT = "Keep accepting what the release accepts."
RETURN = "Keep returning what the release returns; a new field may differ."
OPTIONAL = "Make it optional and give it a default."
UNKNOWN = "Check that clients ignore values that they do not know."

# A break makes a client fail that sends what the release accepts, reads what it returns, or was generated
# from its document. A warning concerns clients that are stricter than that.
RULES = {
    "operation removed": Rule(True, "{what} was removed.", DEPRECATE),
    "operation renamed": Rule(
        True, "{what} changed its operationId from {old} to {new}.", "Keep it: it names functions of clients."
    ),
    "operation moved": Rule(
        False, "{what} changed its first tag from {old} to {new}.", "Keep it: it names modules of clients."
    ),
    "token required": Rule(True, "{what} now requires a token.", "Keep it public; add an operation."),
    "role raised": Rule(
        True, "{what} now requires the role {new}, not {old}.", "Keep admitting {old}; add an operation."
    ),
    "parameter removed": Rule(True, "{what} was removed.", DEPRECATE),
    "parameter required": Rule(True, "{what} is now required.", OPTIONAL),
    "body removed": Rule(True, "{what} was removed.", ACCEPT),
    "body required": Rule(True, "{what} is now required.", OPTIONAL),
    "media type removed": Rule(True, "{what} is no longer {old}.", "Keep the media type; add another."),
    "success status removed": Rule(True, "{what} was removed.", RETURN),
    "error status removed": Rule(False, "{what} was removed.", "Check that no client depends on it."),
    "header removed": Rule(True, "{what} was removed.", RETURN),
    "request field removed": Rule(True, "{what} was removed.", DEPRECATE),
    "request field required": Rule(True, "{what} is now required.", OPTIONAL),
    "response field removed": Rule(True, "{what} was removed.", DEPRECATE),
    "response field optional": Rule(True, "{what} may now be absent.", RETURN),
    "type rejected": Rule(True, "{what} no longer accepts the type {old}.", ACCEPT),
    "type returned": Rule(True, "{what} may now have the type {new}.", RETURN),
    "variant rejected": Rule(True, "{what} no longer accepts one of its variants.", ACCEPT),
    "variant returned": Rule(False, "{what} may now have another variant.", UNKNOWN),
    "value rejected": Rule(True, "{what} no longer accepts the value {old}.", ACCEPT),
    "values restricted": Rule(True, "{what} now accepts only the values {new}.", ACCEPT),
    "value returned": Rule(False, "{what} may now have the value {new}.", UNKNOWN),
    "values opened": Rule(False, "{what} may now have any value.", UNKNOWN),
    "limit narrowed": Rule(True, "{what} changed its {keyword} from {old} to {new}.", ACCEPT),
    "limit widened": Rule(
        False, "{what} changed its {keyword} from {old} to {new}.", "Check that clients can store it."
    ),
    "form narrowed": Rule(True, "{what} changed its {keyword} from {old} to {new}.", ACCEPT),
    "format changed": Rule(True, "{what} changed its format from {old} to {new}.", RETURN),
    "other fields rejected": Rule(True, "{what} now rejects fields that it does not name.", ACCEPT),
    "default changed": Rule(
        False,
        "{what} changed its default from {old} to {new}.",
        "Check that it suits clients that omit it.",
    ),
    "schema removed": Rule(False, "{what} was removed or renamed.", "Keep it: it names types of clients."),
}

# A limit: the sign says in which direction it becomes stricter, the value is that of an absent limit.
LIMITS: dict[str, tuple[int, float]] = {
    "maxLength": (-1, float("inf")),
    "maxItems": (-1, float("inf")),
    "maxProperties": (-1, float("inf")),
    "maximum": (-1, float("inf")),
    "exclusiveMaximum": (-1, float("inf")),
    "minLength": (1, 0),
    "minItems": (1, 0),
    "minProperties": (1, 0),
    "minimum": (1, float("-inf")),
    "exclusiveMinimum": (1, float("-inf")),
}
ROLES = ("public", "guest", "customer", "staff", "admin")
FORMS = ("pattern", "format", "multipleOf", "uniqueItems")
