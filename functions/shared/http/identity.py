"""The caller, taken only from the authorizer's context, never from the body or the path."""

from collections.abc import Mapping
from enum import IntEnum
from typing import Any, NamedTuple

from shared.errors import Forbidden, Unauthorized


class Role(IntEnum):
    """A role includes the permissions of those before it."""

    PUBLIC = 0
    GUEST = 1
    CUSTOMER = 2
    STAFF = 3
    ADMIN = 4


PUBLIC, GUEST, CUSTOMER, STAFF, ADMIN = Role


class Caller(NamedTuple):
    """The authenticated caller; `email` is empty for guests."""

    user_id: str
    role: Role
    session_id: str = ""
    email: str = ""

    @property
    def is_staff(self) -> bool:
        return self.role >= STAFF


def highest_role(roles: list[str]) -> Role:
    """Return the highest of the named roles; GUEST if there is none."""
    return max((Role[name.upper()] for name in roles), default=GUEST)


def identify_caller(event: Mapping[str, Any], needed: Role) -> Caller | None:
    """Return the caller that API Gateway's authorizer authenticated.

    Raises Unauthorized if there is no caller and `needed` is not PUBLIC, Forbidden if the role is too low.
    """
    context = event["requestContext"].get("authorizer") or {}
    if not context.get("user_id"):
        if needed is PUBLIC:
            return None
        raise Unauthorized("Send a valid access token: Authorization: Bearer <token>.")
    caller = Caller(
        user_id=context["user_id"],
        role=highest_role(context.get("roles", "").split()),
        session_id=context.get("session_id", ""),
        email=context.get("email", ""),
    )
    if caller.role < needed:
        raise Forbidden(f"This request requires the role {needed.name.lower()}.")
    return caller
