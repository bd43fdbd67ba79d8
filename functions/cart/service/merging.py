"""Merging a guest's cart into a customer's."""

from cart.domain.pricing import PricedCart
from cart.service import views
from cart.service.concurrency import retry_on_conflict
from cart.settings import settings
from cart.tables import carts, reads
from shared.contracts.commands.users import IdentifyGuest
from shared.errors import invalid
from shared.messaging import rpc
from shared.messaging.rpc import CommandRejected
from shared.runtime import clock


def merge(owner: str, guest_token: str) -> PricedCart:
    """Move the contents of the token's guest cart into the owner's. A second merge changes nothing.

    Raises Invalid (not a guest's token), CurrencyMismatch, Unavailable (users does not respond).
    """
    try:
        guest = rpc.call(settings().users_commands, IdentifyGuest(token=guest_token))
    except CommandRejected as rejection:
        detail = "This is not a guest's access token, or it has expired."
        raise invalid("/guest_token", detail) from rejection
    return move(owner, guest.user_id)


@retry_on_conflict
def move(owner: str, guest_id: str) -> PricedCart:
    """Move the guest's lines and coupon into the owner's cart, up to its limits, in one transaction."""
    now = clock.now()
    own, guest = reads.both_carts(owner, guest_id)
    own, guest = own.as_of(now), guest.as_of(now)
    emptied = guest.clear()
    merged = own.merged_with(guest)
    if emptied is guest:
        return views.priced(own, now, call_catalog=False)
    merged = merged.next_version(now)
    view = views.priced(merged, now, call_catalog=False)
    carts.write_both([merged, emptied.next_version(now)])
    return view
