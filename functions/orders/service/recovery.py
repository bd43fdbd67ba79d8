"""Repeated requests to place an order: the same key, the same quote, and first requests that died."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import NamedTuple

from orders.domain import placing
from orders.domain.orders import Order
from orders.domain.terms import Terms
from orders.domain.transitions import Status
from orders.tables import orders
from orders.tables.rows import idempotency
from shared.contracts.problems import ForwardedProblem, ReservationReleased
from shared.dynamodb.idempotency import IdempotencyKey
from shared.dynamodb.rows import ConcurrentUpdate
from shared.errors import Problem, RequestInProgress, Unavailable
from shared.http.identity import Caller
from shared.runtime import clock


class EarlierRequest(NamedTuple):
    """An earlier request with the same key. `order` is its response, unless it died: then `order` is still
    pending, and `missing_terms` are the terms to place it with."""

    order: Order
    missing_terms: Terms | None = None


def find_earlier(
    caller: Caller, key: IdempotencyKey, now: datetime, agreed: Terms | None
) -> EarlierRequest | None:
    """Return the earlier request with this key; None if the key is new.

    If that request died, this call takes over its lease. The terms are the pending order's, else `agreed`;
    without either the key counts as new. Raises IdempotencyKeyReused, RequestInProgress, and the problem
    with which the earlier request ended.
    """
    row = orders.claimed(key)
    if row is None or row.expires_at < clock.epoch(now):
        return None
    row.check_body(key)
    order = orders.find(caller.user_id, str(row.resource_id))
    if order is None:
        raise Unavailable("The order cannot be read yet; retry.")
    if order.status is not Status.PENDING:
        return EarlierRequest(_response(order))
    row.check(key, now)
    missing_terms = order.terms or agreed
    if missing_terms is None:
        return None
    idempotency.take_over(row, now)
    return EarlierRequest(order, missing_terms)


def order_of_same_quote(pending: Order, key: IdempotencyKey, now: datetime) -> Order:
    """Return the existing order of the same quote, in its current state, to a request with another key.

    Raises RequestInProgress, ConcurrentUpdate, and the problem with which the placement ended.
    """
    order = orders.find(pending.user_id, pending.order_id)
    if order is None:
        raise ConcurrentUpdate
    if order.status is Status.PENDING and order.expires_at and order.expires_at > now:
        raise RequestInProgress
    orders.bind(key, order.order_id, now)
    _raise_if_not_placed(order, {})
    return order


def current_response(order: Order) -> Order:
    """Return the first response of an order that another call or the sweeper changed before this call."""
    current = orders.find(order.user_id, order.order_id)
    return _response(current) if current else order


@contextmanager
def lease_released_on_failure(key: IdempotencyKey) -> Iterator[None]:
    """Release the key's lease if the body fails temporarily, so that a retry can continue at once."""
    try:
        yield
    except Problem as error:
        if error.status >= 429:
            orders.release(key)
        raise
    except BaseException:
        orders.release(key)
        raise


def _response(order: Order) -> Order:
    """Return the order as the request that placed it got it, or raise the problem that it got."""
    _raise_if_not_placed(order, {"Idempotent-Replayed": "true"})
    return placing.as_placed(order)


def _raise_if_not_placed(order: Order, headers: dict[str, str]) -> None:
    if order.rejection:
        raise ForwardedProblem(order.rejection, headers)
    if not order.was_placed:
        raise ReservationReleased("The order expired while it was being placed; place it again.")
