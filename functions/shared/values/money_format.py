"""Money as people read it."""

from dataclasses import dataclass

from shared.values.money import Money

# ISO 4217: currencies whose minor unit is not a hundredth.
EXPONENTS = {
    **dict.fromkeys("BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX VND VUV XAF XOF XPF".split(), 0),
    **dict.fromkeys("BHD IQD JOD KWD LYD OMR TND".split(), 3),
}
SYMBOLS = {"GBP": "£", "EUR": "€", "USD": "$", "JPY": "¥"}


@dataclass(frozen=True)
class Style:
    """How a language writes sums: what groups thousands, begins the fraction, and where the symbol stands."""

    group: str
    point: str
    symbol_first: bool


# Unicode CLDR 46, numbers/symbols-latn and currencyFormats/standard.
STYLES = {"en": Style(",", ".", True), "de": Style(".", ",", False)}


def format_money(money: Money, language: str = "en") -> str:
    """Money as people write it: £1,234.56, -€0.05, ¥500, CHF 12.00, KWD 1.250; in German 1.234,56 €.

    A space before a symbol does not break. Raises KeyError for a language that is not known.
    """
    style = STYLES[language]
    exponent = EXPONENTS.get(money.currency, 2)
    whole, rest = divmod(abs(money.amount), 10**exponent)
    digits = f"{whole:,}".replace(",", style.group) + (f"{style.point}{rest:0{exponent}}" if exponent else "")
    sign = "-" if money.amount < 0 else ""
    if not style.symbol_first:
        return f"{sign}{digits}\u00a0{SYMBOLS.get(money.currency, money.currency)}"
    return f"{sign}{SYMBOLS.get(money.currency, f'{money.currency} ')}{digits}"
