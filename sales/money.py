"""Amounts: the scale of a currency, rounding, and fair allocation.

All amounts are ``Decimal`` at the currency's ISO-4217 exponent, made from the payload's text.
"""

from collections.abc import Sequence
from decimal import ROUND_HALF_UP, Decimal

#: Currencies whose exponent is not 2 (ISO 4217, list one, amendment 176).
_EXPONENTS = {
    **dict.fromkeys(
        "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF".split(), 0
    ),
    **dict.fromkeys("BHD IQD JOD KWD LYD OMR TND".split(), 3),
    **dict.fromkeys("CLF UYW".split(), 4),
}
_CURRENCIES = frozenset(
    """AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BGN BHD BIF BMD BND BOB BRL BSD BTN BWP BYN
    BZD CAD CDF CHF CLF CLP CNY COP CRC CUP CVE CZK DJF DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL
    GHS GIP GMD GNF GTQ GYD HKD HNL HTG HUF IDR ILS INR IQD IRR ISK JMD JOD JPY KES KGS KHR KMF KPW
    KRW KWD KYD KZT LAK LBP LKR LRD LSL LYD MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MYR MZN
    NAD NGN NIO NOK NPR NZD OMR PAB PEN PGK PHP PKR PLN PYG QAR RON RSD RUB RWF SAR SBD SCR SDG SEK
    SGD SHP SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT TND TOP TRY TTD TWD TZS UAH UGX USD UYI UYU
    UYW UZS VED VES VND VUV WST XAF XCD XCG XOF XPF YER ZAR ZMW ZWG""".split()
)
#: A till sends doubles: 199.99999999999997 is 200.00, 199.995 is an error (sale.md).
TOLERANCE = Decimal("0.0001")
_UNITS = {exponent: Decimal(1).scaleb(-exponent) for exponent in range(5)}


class AmountError(ValueError):
    """An amount does not fit its currency."""


def is_currency(code: str) -> bool:
    """Say whether the code is an active ISO-4217 currency."""
    return code in _CURRENCIES


def exponent(currency: str) -> int:
    """Return the number of decimals that amounts of this currency have."""
    return _EXPONENTS.get(currency, 2)


def to_scale(amount: Decimal, currency: str) -> Decimal:
    """Round half-up to the currency's scale a value that is nearer to it than 0.0001.

    Raises AmountError where the rounding would change the amount by more.
    """
    rounded = round_money(amount, currency)
    if abs(rounded - amount) > TOLERANCE:
        raise AmountError(f"{amount} has more decimals than {currency} allows")
    return rounded


def round_money(amount: Decimal, currency: str) -> Decimal:
    """Round half-up to the currency's scale, however far it is: for our own arithmetic."""
    return amount.quantize(_UNITS[exponent(currency)], rounding=ROUND_HALF_UP)


def from_minor(units: int, currency: str) -> Decimal:
    """Turn an integer of minor units (cents, kopecks) into an amount."""
    return Decimal(units).scaleb(-exponent(currency))


def allocate(amount: Decimal, weights: Sequence[Decimal], currency: str) -> list[Decimal]:
    """Spread an amount over weights by the largest remainder; the parts sum up to it exactly.

    Where all weights are zero, the first one takes it all. Ties go to the earlier part.
    """
    if not weights:
        return []
    unit = _UNITS[exponent(currency)]
    whole = sum(weights)
    if whole == 0:
        return [amount, *(Decimal(0).quantize(unit) for _ in weights[1:])]
    units = int(amount / unit)
    exact = [units * weight / whole for weight in weights]
    parts = [int(share) for share in exact]
    step = 1 if units >= 0 else -1
    order = sorted(range(len(parts)), key=lambda i: (-abs(exact[i] - parts[i]), i))
    for index in order[: abs(units - sum(parts))]:
        parts[index] += step
    return [(part * unit).quantize(unit) for part in parts]
