"""Errors of orders that are not HTTP problems."""


class OrderNotPlacedError(Exception):
    """The event refers to an order that is still being placed; the queue retries it."""
