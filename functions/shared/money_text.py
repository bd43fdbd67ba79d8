"""Money as people read it."""

from shared.money import Money

# ISO 4217: currencies whose minor unit is not a hundredth.
EXPONENTS = {
    **dict.fromkeys("BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX VND VUV XAF XOF XPF".split(), 0),
    **dict.fromkeys("BHD IQD JOD KWD LYD OMR TND".split(), 3),
}
SYMBOLS = {"GBP": "£", "EUR": "€", "USD": "$", "JPY": "¥"}


def money_text(money: Money) -> str:
    """Money as people write it: £1,234.56, -€0.05, ¥500, CHF 12.00, KWD 1.250."""
    exponent = EXPONENTS.get(money.currency, 2)
    whole, rest = divmod(abs(money.amount), 10**exponent)
    digits = f"{whole:,}.{rest:0{exponent}}" if exponent else f"{whole:,}"
    return f"{'-' if money.amount < 0 else ''}{SYMBOLS.get(money.currency, f'{money.currency} ')}{digits}"
