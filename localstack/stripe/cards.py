"""The test cards and test bank accounts with their behaviour. Source: https://docs.stripe.com/testing"""

import re
from dataclasses import dataclass
from typing import Literal

from localstack.stripe.errors import CardError, invalid

Dispute = Literal["fraudulent", "product_not_received", "inquiry"]
_DECLINED = "Your card was declined."
_MESSAGES = {
    "insufficient_funds": "Your card has insufficient funds.",
    "card_velocity_exceeded": (
        "Your card was declined for making repeated attempts too frequently or exceeding its amount limit."
    ),
    "expired_card": "Your card has expired.",
    "incorrect_cvc": "Your card's security code is incorrect.",
    "incorrect_number": "Your card number is incorrect.",
    "processing_error": "An error occurred while processing your card. Try again in a little bit.",
}
# These declines are error codes too; all others have the code card_declined.
_CODES = {"expired_card", "incorrect_cvc", "processing_error"}


@dataclass(frozen=True)
class Card:
    """A test card or bank account. With the defaults, the payment succeeds.

    `token` is the name after `pm_card_` or `tok_`. `decline` is the bank's decline code.
    `requires_authentication` means 3-D Secure. `refund` is the outcome of a refund. `multicapture` allows
    several captures if the intent requests it. `review` opens a review. The `number` of a `bacs_debit` is its
    sort code and account number; its payment succeeds or fails later.
    """

    number: str
    token: str
    brand: str = "visa"
    funding: str = "credit"
    country: str = "US"
    decline: str | None = None
    requires_authentication: bool = False
    dispute: Dispute | None = None
    refund: Literal["succeeded", "pending", "failed"] = "succeeded"
    multicapture: bool = True
    review: bool = False
    kind: Literal["card", "bacs_debit"] = "card"

    @property
    def last4(self) -> str:
        return self.number[-4:]

    @property
    def delayed(self) -> bool:
        """Return whether the outcome is known only later."""
        return self.kind == "bacs_debit"

    @property
    def decline_code(self) -> str:
        """Return the `code` of this card's CardError."""
        return self.decline if self.decline in _CODES else "card_declined"

    @property
    def decline_message(self) -> str:
        return _MESSAGES.get(self.decline or "", _DECLINED)


CARDS = (
    Card("4242424242424242", "visa"),
    Card("4000056655665556", "visa_debit", funding="debit"),
    Card("5555555555554444", "mastercard", brand="mastercard"),
    Card("5200828282828210", "mastercard_debit", brand="mastercard", funding="debit"),
    Card("378282246310005", "amex", brand="amex"),
    Card("6011111111111117", "discover", brand="discover"),
    Card("3056930009020004", "diners", brand="diners"),
    Card("3566002020360505", "jcb", brand="jcb"),
    Card("6200000000000005", "unionpay", brand="unionpay"),
    Card("4000008260000000", "gb", country="GB"),
    Card("4000002760000016", "de", country="DE"),
    Card("4000002500000003", "fr", country="FR"),
    Card("4000008400000076", "credit_disableEnterpriseCardFeatures", multicapture=False),
    Card("4000002500001001", "visa_cartesBancaires", country="FR"),
    Card("4000000000000002", "visa_chargeDeclined", decline="generic_decline"),
    Card("4000000000009995", "visa_chargeDeclinedInsufficientFunds", decline="insufficient_funds"),
    Card("4000000000009987", "visa_chargeDeclinedLostCard", decline="lost_card"),
    Card("4000000000009979", "visa_chargeDeclinedStolenCard", decline="stolen_card"),
    Card("4000000000000069", "chargeDeclinedExpiredCard", decline="expired_card"),
    Card("4000000000000127", "chargeDeclinedIncorrectCvc", decline="incorrect_cvc"),
    Card("4000000000000119", "chargeDeclinedProcessingError", decline="processing_error"),
    Card("4000000000006975", "visa_chargeDeclinedVelocityLimitExceeded", decline="card_velocity_exceeded"),
    Card("4100000000000019", "radarBlock", decline="fraudulent"),
    Card("4000000000009235", "riskLevelElevated", review=True),
    Card("4000000000000341", "chargeCustomerFail", decline="generic_decline"),
    Card("4000000000003220", "threeDSecure2Required", requires_authentication=True),
    Card("4000000000003063", "threeDSecureRequired", requires_authentication=True),
    Card(
        "4000008400001629",
        "threeDSecureRequiredChargeDeclined",
        requires_authentication=True,
        decline="generic_decline",
    ),
    Card("4000000000003055", "threeDSecureOptional"),
    Card("4000002500003155", "authenticationRequiredOnSetup", requires_authentication=True),
    Card("4000002760003184", "authenticationRequired", requires_authentication=True),
    Card(
        "4000008260003178",
        "authenticationRequiredChargeDeclinedInsufficientFunds",
        requires_authentication=True,
        decline="insufficient_funds",
    ),
    Card("4000000000000259", "createDispute", dispute="fraudulent"),
    Card("4000000000002685", "createDisputeProductNotReceived", dispute="product_not_received"),
    Card("4000000000001976", "createDisputeInquiry", dispute="inquiry"),
    Card("4000000000007726", "pendingRefund", refund="pending"),
    Card("4000000000005126", "refundFail", refund="failed"),
    Card("10880000012345", "bacsDebit_success", country="GB", kind="bacs_debit"),
    Card(
        "10880022222227",
        "bacsDebit_insufficientFunds",
        country="GB",
        kind="bacs_debit",
        decline="insufficient_funds",
    ),
)
_BY_NUMBER = {card.number: card for card in CARDS if card.kind == "card"}
_BY_ACCOUNT = {card.number: card for card in CARDS if card.kind == "bacs_debit"}
_BY_TOKEN = {card.token: card for card in CARDS}
# Stripe has these names with and without the brand.
_BY_TOKEN |= {
    name.removeprefix("visa_"): card for name, card in _BY_TOKEN.items() if name.startswith("visa_charge")
}


def by_number(number: str) -> Card:
    """Return the test card with this number. Raises CardError if it is invalid or not a test card."""
    digits = number.replace(" ", "").replace("-", "")
    if card := _BY_NUMBER.get(digits):
        return card
    if not digits.isdigit() or not 12 <= len(digits) <= 19 or not _luhn(digits):
        raise CardError(_MESSAGES["incorrect_number"], code="incorrect_number", param="number")
    raise CardError(
        "Your card was declined. Your request was in test mode, but used a non test (live) card."
        " For a list of valid test cards, visit: https://stripe.com/docs/testing.",
        code="card_declined",
        decline_code="test_mode_live_card",
        param="number",
    )


def by_account(sort_code: str, account_number: str) -> Card:
    """Return the test account; the sort code may have hyphens. Raises a 400 if there is none."""
    digits = re.sub(r"[\s-]", "", sort_code + account_number)
    if account := _BY_ACCOUNT.get(digits):
        return account
    raise invalid(
        "You must use a test bank account number, such as sort code 108800 and account 00012345.",
        code="account_number_invalid",
        param="bacs_debit[account_number]",
    )


def by_token(token: str) -> Card | None:
    """Return the card of `pm_card_…` or `tok_…`, or the account of `pm_bacsDebit_…`; None if unknown."""
    for prefix in ("pm_card_", "tok_", "pm_"):
        if token.startswith(prefix):
            return _BY_TOKEN.get(token.removeprefix(prefix))
    return None


def named(token: str) -> Card:
    """Return the card with this `token`. Raises KeyError if there is none."""
    return _BY_TOKEN[token]


def _luhn(digits: str) -> bool:
    doubled = [int(digit) * (1 + place % 2) for place, digit in enumerate(reversed(digits))]
    return sum(value - 9 if value > 9 else value for value in doubled) % 10 == 0
