"""The amount that is authorized on a card and not yet captured, and its expiry."""

from dataclasses import dataclass
from datetime import datetime, timedelta

EXPIRY_NOTICE = timedelta(hours=24)  # how long before the expiry the shopper is notified to pay again
GRACE = timedelta(hours=1)  # Stripe releases an expired authorization with some delay


@dataclass(frozen=True)
class Authorization:
    """`capturable` is in minor units and expires at `hold_until`; `multicapture` means that the card
    allows several captures; `expiry_notified` means that the shopper was notified."""

    capturable: int = 0
    hold_until: datetime | None = None
    multicapture: bool = False
    expiry_notified: bool = False

    def expires_soon(self, now: datetime) -> bool:
        """Return whether the authorization expires within EXPIRY_NOTICE and has not expired."""
        return self.hold_until is not None and (self.hold_until - EXPIRY_NOTICE <= now < self.hold_until)

    def check_at(self, notify: bool) -> datetime | None:
        """Return when the sweeper must check it: before the expiry to `notify`, else after it."""
        if not self.capturable or self.hold_until is None:
            return None
        return self.hold_until - EXPIRY_NOTICE if notify else self.hold_until + GRACE
