"""Currencies with their minimum and maximum charge amounts.

Source: https://docs.stripe.com/currencies
"""

from localstack.stripe.errors import invalid

_CURRENCIES = frozenset(
    """
    usd aed afn all amd ang aoa ars aud awg azn bam bbd bdt bgn bhd bif bmd bnd bob brl bsd bwp byn
    bzd cad cdf chf clp cny cop crc cve czk djf dkk dop dzd egp etb eur fjd fkp gbp gel gip gmd gnf
    gtq gyd hkd hnl htg huf idr ils inr isk jmd jod jpy kes kgs khr kmf krw kwd kyd kzt lak lbp lkr
    lrd lsl mad mdl mga mkd mmk mnt mop mur mvr mwk mxn myr mzn nad ngn nio nok npr nzd omr pab pen
    pgk php pkr pln pyg qar ron rsd rub rwf sar sbd scr sek sgd shp sle sos srd std szl thb tjs tnd
    top try ttd twd tzs uah ugx uyu uzs vnd vuv wst xaf xcd xof xpf yer zar zmw
    """.split()
)
_ZERO_DECIMAL = frozenset("bif clp djf gnf jpy kmf krw mga pyg rwf ugx vnd vuv xaf xof xpf".split())
# Stripe's documented minimums. For other currencies it is about half a dollar, which is not checked here.
_MINIMUM = {
    **dict.fromkeys(("usd", "aud", "brl", "cad", "chf", "eur", "inr", "nzd", "sgd", "jpy"), 50),
    "gbp": 30,
    "aed": 200,
    "bgn": 100,
    "czk": 1500,
    "dkk": 250,
    "hkd": 400,
    "huf": 17500,
    "mxn": 1000,
    "myr": 200,
    "nok": 300,
    "pln": 200,
    "ron": 200,
    "sek": 300,
    "thb": 1000,
}
_MAXIMUM = 99_999_999


def require_currency(text: str) -> str:
    """Return the currency code in lower case. Raises a 400 if it is not supported."""
    code = text.lower()
    if code not in _CURRENCIES:
        raise invalid(f"Invalid currency: {text[:20]}. Stripe does not support it.", param="currency")
    return code


def require_chargeable(amount: int, code: str, param: str = "amount") -> int:
    """Return the amount. Raises a 400 if it is below the currency's minimum or above eight digits."""
    if amount < 1:
        raise invalid(
            "This value must be greater than or equal to 1.", code="parameter_invalid_integer", param=param
        )
    if amount < _MINIMUM.get(code, 1):
        raise invalid(
            f"Amount must be at least {format_amount(_MINIMUM[code], code)}",
            code="amount_too_small",
            param=param,
        )
    if amount > _MAXIMUM:
        raise invalid(
            f"Amount must be no more than {format_amount(_MAXIMUM, code)}",
            code="amount_too_large",
            param=param,
        )
    return amount


def format_amount(amount: int, code: str) -> str:
    """Return the amount as text: `25.00 GBP`."""
    return (
        f"{amount} {code.upper()}"
        if code in _ZERO_DECIMAL
        else f"{amount // 100}.{amount % 100:02d} {code.upper()}"
    )
