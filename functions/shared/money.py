"""Money: integer minor units with a currency; every rounding is half-even and happens once."""

from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

BASIS_POINTS = 10_000
Currency = Annotated[str, StringConstraints(pattern=r"^[A-Z]{3}$")]
Amount = Annotated[int, Field(ge=-(10**15), le=10**15)]


class Money(BaseModel):
    """An amount in the currency's minor unit (ISO 4217 exponent): 1299 GBP is £12.99."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

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
        """That many hundredths of a per cent of the amount, rounded half-even."""
        return Money(amount=half_even(self.amount * basis_points, BASIS_POINTS), currency=self.currency)

    def _must_match(self, other: "Money") -> None:
        if self.currency != other.currency:
            raise ValueError(f"cannot combine {self.currency} with {other.currency}")


class Price(Money):
    """Money that may be asked for a thing: never below zero."""

    amount: Annotated[int, Field(ge=0, le=10**9)]


def half_even(numerator: int, denominator: int) -> int:
    """numerator / denominator as a whole number, ties to the even neighbour; denominator above zero."""
    whole, rest = divmod(numerator, denominator)
    return whole + (2 * rest > denominator or (2 * rest == denominator and whole % 2 == 1))
