"""A guest who signs in: two carts become one."""

from cart.domain.pricing import Shown
from cart.service import showing
from cart.service.rivals import until_written
from cart.settings import settings
from cart.tables import carts, reads
from shared.contracts.commands import IdentifyGuest
from shared.errors import invalid
from shared.messaging import rpc
from shared.messaging.rpc import CommandRejected
from shared.runtime import clock


def merge(owner: str, guest_token: str) -> Shown:
    """Move what the guest has into the owner's cart; again, there is nothing left to move.

    Raises Invalid (no guest's token), CurrencyMismatch, Unavailable (users does not answer).
    """
    try:
        guest = rpc.call(settings().users_commands, IdentifyGuest(token=guest_token))
    except CommandRejected as rejection:
        raise invalid("/guest_token", "This is not a guest's access token, or it has expired.") from rejection
    return move(owner, guest.user_id)


@until_written
def move(owner: str, guest: str) -> Shown:
    """Everything of the guest's cart into the owner's, as far as it takes more; both are written, or none."""
    now = clock.now()
    own, guests = reads.both_carts(owner, guest)
    own, guests = own.as_of(now), guests.as_of(now)
    merged, left = own.merged_with(guests), guests.clear()
    if left is guests:
        return showing.as_of_now(own, now, ask=False)
    merged = merged.next_version(now)
    shown = showing.as_of_now(merged, now, ask=False)
    carts.write_both([merged, left.next_version(now)])
    return shown
