"""Money formatted for people, per language."""

from typing import NamedTuple

from shared.values.money import Money

# Decimals of the currencies that do not have two (ISO 4217).
EXPONENTS = {
    **dict.fromkeys("BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX VND VUV XAF XOF XPF".split(), 0),
    **dict.fromkeys("BHD IQD JOD KWD LYD OMR TND".split(), 3),
}
SYMBOLS = {"GBP": "£", "EUR": "€", "USD": "$", "JPY": "¥"}


class Style(NamedTuple):
    """The format of amounts in a language."""

    thousands_separator: str
    decimal_separator: str
    symbol_first: bool


# Unicode CLDR 46, numbers/symbols-latn and currencyFormats/standard.
STYLES = {"en": Style(",", ".", True), "de": Style(".", ",", False)}


def format_money(money: Money, language: str = "en") -> str:
    """Format money: £1,234.56, -€0.05, ¥500, CHF 12.00, KWD 1.250; in German 1.234,56 €.

    The space before a symbol is a no-break space. Raises KeyError if the language has no style.
    """
    style = STYLES[language]
    exponent = EXPONENTS.get(money.currency, 2)
    whole, fraction = divmod(abs(money.amount), 10**exponent)
    digits = f"{whole:,}".replace(",", style.thousands_separator)
    digits += f"{style.decimal_separator}{fraction:0{exponent}}" if exponent else ""
    sign = "-" if money.amount < 0 else ""
    if not style.symbol_first:
        return f"{sign}{digits}\u00a0{SYMBOLS.get(money.currency, money.currency)}"
    return f"{sign}{SYMBOLS.get(money.currency, f'{money.currency} ')}{digits}"
