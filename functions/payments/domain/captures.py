"""The captures of a payment: how much is due for shipped goods, and one capture at a time."""

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Annotated

from pydantic import Field
from typing_extensions import TypedDict

from payments.domain.authorizations import Authorization
from shared.errors import Conflict
from shared.values.money import Money


class NothingToCapture(Conflict):
    """No amount is authorized that could be captured."""


class CaptureTooLargeMembers(TypedDict):
    """The highest possible amount."""

    left: Annotated[Money, Field(description="The authorized amount that is not captured yet.")]


class CaptureTooLarge(Conflict):
    """The amount is larger than the authorized amount."""

    advice = "Send an amount from 1 to `left`."
    members = CaptureTooLargeMembers


class CaptureRefusedMembers(TypedDict):
    """The reason of the refusal."""

    code: Annotated[str, Field(description="Stripe's decline code or error code.")]


class CaptureRefused(Conflict):
    """Stripe refused the capture."""

    advice = "Ask the customer to pay again; the authorization cannot be captured."
    members = CaptureRefusedMembers


class CaptureMethod(StrEnum):
    """Whether Stripe captures at once or the shop captures on shipment."""

    AUTOMATIC = "automatic"
    MANUAL = "manual"


@dataclass(frozen=True)
class Claim:
    """The capture that is under way, written before Stripe is called; amounts in minor units.

    It has succeeded when more than `base` is captured. `final` releases the rest of the authorization.
    `attempt` counts the failed captures before it, because Stripe repeats its response to an idempotency key
    for a day.
    """

    base: int
    amount: int
    final: bool
    attempt: int = 0


@dataclass(frozen=True)
class Captures:
    """The captured amount and the amount due, in minor units.

    `due` is the total for all goods shipped so far; `fully_shipped` means that it does not grow any more.
    `claim` is the capture under way, `error` the code of the last refusal, `rejected` the number of failed
    captures, `request_ids` the ids of staff requests.
    """

    captured: int = 0
    due: int = 0
    fully_shipped: bool = False
    claim: Claim | None = None
    error: str | None = None
    rejected: int = 0
    request_ids: tuple[str, ...] = ()

    @property
    def is_under_way(self) -> bool:
        """Whether a capture is claimed and Stripe has not reported its outcome."""
        return self.claim is not None and self.claim.base == self.captured

    def with_due(self, due: int, fully_shipped: bool) -> "Captures":
        """Return the captures with the total `due`; an outdated or repeated total changes nothing."""
        if due <= self.due and self.fully_shipped >= fully_shipped:
            return self
        return replace(
            self, due=max(self.due, due), fully_shipped=self.fully_shipped or fully_shipped, error=None
        )

    def with_observed(self, received: int, capturable: int) -> "Captures":
        """Return the captures with Stripe's amount received; a claim ends when that amount changes."""
        keep = self.claim and self.claim.base == received and capturable
        return replace(self, captured=received, claim=self.claim if keep else None)

    def with_claim(self, owed: int, authorization: Authorization) -> "Captures":
        """Return the captures with a claim for the `owed` amount, or with the claim that is under way.

        A card that allows one capture only is charged the full authorization on the first shipment, because
        goods shipped later would be unpaid.
        """
        if self.is_under_way:
            return self
        amount = min(owed, authorization.capturable)
        if not authorization.multicapture and not self.fully_shipped:
            amount = authorization.capturable
        return replace(self, claim=self._claim(amount, authorization, last=self.fully_shipped))

    def with_request(self, request_id: str, amount: int, authorization: Authorization) -> "Captures":
        """Return the captures with a claim for the amount that staff requested."""
        return replace(
            self,
            due=max(self.due, self.captured + amount),
            error=None,
            claim=self._claim(amount, authorization, last=False),
            request_ids=(*self.request_ids, request_id),
        )

    def with_refusal(self, error: str) -> "Captures":
        """Return the captures without their claim, with the code of the refusal."""
        return replace(self, claim=None, error=error, rejected=self.rejected + 1)

    def with_new_key(self, claim: Claim) -> "Captures":
        """Return the captures with the claim under another idempotency key, if it is still the claim."""
        if self.claim != claim:
            return self
        attempt = self.rejected + 1
        return replace(self, claim=replace(claim, attempt=attempt), rejected=attempt)

    def _claim(self, amount: int, authorization: Authorization, last: bool) -> Claim:
        return Claim(
            base=self.captured,
            amount=amount,
            final=last or not authorization.multicapture or amount >= authorization.capturable,
            attempt=self.rejected,
        )
