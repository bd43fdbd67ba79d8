"""Money in integer minor units with a currency, and half-even rounding."""

from typing import Annotated, Self

from pydantic import AfterValidator, ConfigDict, Field, StringConstraints
from pydantic_core import PydanticCustomError

from shared.models import Model

BASIS_POINTS = 10_000
Currency = Annotated[str, StringConstraints(pattern=r"^[A-Z]{3}$")]
Amount = Annotated[int, Field(ge=-(10**15), le=10**15)]


class Money(Model):
    """An amount in the currency's minor unit (ISO 4217 exponent): 1299 GBP is £12.99."""

    model_config = ConfigDict(extra="forbid", strict=True)

    amount: Amount
    currency: Currency

    @classmethod
    def zero(cls, currency: str) -> Self:
        return cls(amount=0, currency=currency)

    def __add__(self, other: "Money") -> "Money":
        self._must_match(other)
        return Money(amount=self.amount + other.amount, currency=self.currency)

    def __sub__(self, other: "Money") -> "Money":
        self._must_match(other)
        return Money(amount=self.amount - other.amount, currency=self.currency)

    def __mul__(self, count: int) -> "Money":
        return Money(amount=self.amount * count, currency=self.currency)

    def share(self, basis_points: int) -> "Money":
        """Return the given share of the amount (10,000 basis points are all of it), rounded half-even."""
        return Money(amount=half_even(self.amount * basis_points, BASIS_POINTS), currency=self.currency)

    def _must_match(self, other: "Money") -> None:
        if self.currency != other.currency:
            raise ValueError(f"cannot combine {self.currency} with {other.currency}")


class Price(Money):
    """A price: never negative."""

    amount: Annotated[int, Field(ge=0, le=10**9)]


# The currencies of payment in ISO 4217, list one, as published on 2026-01-01: without funds, units of account
# (UYW, XAD), metals, and the codes for tests and for "no currency".
# https://www.six-group.com/en/products-services/financial-information/data-standards.html
CURRENCIES = frozenset(
    """
    AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BHD BIF BMD BND BOB BRL BSD BTN BWP BYN BZD CAD CDF
    CHF CLP CNY COP CRC CUP CVE CZK DJF DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GNF GTQ
    GYD HKD HNL HTG HUF IDR ILS INR IQD IRR ISK JMD JOD JPY KES KGS KHR KMF KPW KRW KWD KYD KZT LAK LBP
    LKR LRD LSL LYD MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MYR MZN NAD NGN NIO NOK NPR NZD OMR
    PAB PEN PGK PHP PKR PLN PYG QAR RON RSD RUB RWF SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC
    SYP SZL THB TJS TMT TND TOP TRY TTD TWD TZS UAH UGX USD UYU UZS VED VES VND VUV WST XAF XCD XCG XOF
    XPF YER ZAR ZMW ZWG
    """.split()
)

# Currencies whose minor unit differs between ISO 4217 and Stripe. The shop uses the ISO unit and sends it to
# Stripe unchanged, so a price in them would be charged as another amount or rejected.
# https://docs.stripe.com/currencies#special-cases and #zero-decimal
UNCHARGEABLE_CURRENCIES = {
    **dict.fromkeys(("ISK", "UGX"), "ISO 4217 defines no decimals, Stripe requires two"),
    "MGA": "ISO 4217 defines two decimals, Stripe none",
    **dict.fromkeys(
        ("BHD", "JOD", "KWD", "OMR", "TND"), "ISO 4217 defines three decimals, Stripe accepts two"
    ),
}


def chargeable(price: Price) -> Price:
    """Return the price. Raises PydanticCustomError if the shop cannot charge its currency."""
    if price.currency not in CURRENCIES:
        raise PydanticCustomError(
            "unknown_currency",
            "{currency} is not a currency of payment in ISO 4217. Use one such as GBP, EUR or USD.",
            {"currency": price.currency},
        )
    if reason := UNCHARGEABLE_CURRENCIES.get(price.currency):
        raise PydanticCustomError(
            "not_chargeable",
            "Prices in {currency} cannot be charged: {reason}. Use another one, such as GBP, EUR or USD.",
            {"currency": price.currency, "reason": reason},
        )
    return price


# A price that a client sets.
ChargeablePrice = Annotated[Price, AfterValidator(chargeable)]


def half_even(numerator: int, denominator: int) -> int:
    """Return numerator / denominator (positive), rounded to an integer, ties to the even one."""
    quotient, remainder = divmod(numerator, denominator)
    return quotient + (2 * remainder > denominator or (2 * remainder == denominator and quotient % 2 == 1))
