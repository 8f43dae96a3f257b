"""The schemes whose signature is data, by name; their published values are in vectors.json.

What has no published value (Zettle, Toast, Poster, Lightspeed, Loyverse, amoCRM's chats) follows
the documented formula and is unconfirmed.
"""

import re
from collections.abc import Mapping

from integrations.contract import Scheme

from .fields import FieldsDigest
from .macs import Clock, HmacHeader, StampedHeader
from .standard import StandardWebhooks
from .tokens import Address, Basic, Bearer

_HUBSPOT = "x-hubspot-signature"
_HUBSPOT_TIME = "x-hubspot-request-timestamp"
_ENTITY = re.compile(r"&(?:#(0*3[489]|0*6[02])|#[xX](0*2[267])|(lt|gt|amp|quot));", re.ASCII)
_NAMED = {"lt": "<", "gt": ">", "amp": "&", "quot": '"'}


def without_entities(secret: str) -> str:
    """Return the key that WordPress makes from a secret that it keeps with HTML entities.

    As ``wp_specialchars_decode($secret, ENT_QUOTES)``: one pass over ``& < > " '`` and no more,
    https://github.com/woocommerce/woocommerce (class-wc-webhook.php, 2026-09).
    """

    def character(match: re.Match[str]) -> str:
        decimal, hexadecimal, name = match.groups()
        return _NAMED[name] if name else chr(int(decimal) if decimal else int(hexadecimal, 16))

    return _ENTITY.sub(character, secret)


SCHEMES: Mapping[str, Scheme] = {
    "address": Address(),
    "amocrm-chats": HmacHeader("x-signature", "sha1", "hex"),
    "basic": Basic(),
    "bearer": Bearer(),
    "github": HmacHeader("x-hub-signature-256", encoding="hex", prefix="sha256="),
    # v1 and v2 can be extended by whoever has one signature: only where v3 is not sent.
    "hubspot-v1": HmacHeader(_HUBSPOT, encoding="hex", keyed="leading"),
    "hubspot-v2": HmacHeader(
        _HUBSPOT, encoding="hex", keyed="leading", parts=("method", "url", "body")
    ),
    "hubspot-v3": HmacHeader(
        f"{_HUBSPOT}-v3",
        parts=("method", "url", "body", f"header:{_HUBSPOT_TIME}"),
        clock=Clock(_HUBSPOT_TIME, per_second=1000),
    ),
    "lightspeed-x": HmacHeader(
        "x-signature", encoding="hex", prefix="signature=", suffix=",algorithm=HMAC-SHA256"
    ),
    "loyverse": HmacHeader("x-loyverse-signature", "sha1"),
    "poster": FieldsDigest(
        ("account", "object", "object_id", "action", "data", "time"),
        free=frozenset({"data"}),
        form="data",  # so its console sends a test hook
    ),
    "shopify": HmacHeader("x-shopify-hmac-sha256"),
    "square": HmacHeader("x-square-hmacsha256-signature", parts=("url", "body")),
    "standard-webhooks": StandardWebhooks(),
    "stripe": StampedHeader("stripe-signature"),
    "toast": HmacHeader("toast-signature", parts=("body", "field:timestamp")),
    "woocommerce": HmacHeader("x-wc-webhook-signature", key=without_entities),
    "zettle": HmacHeader(
        "x-izettle-signature",
        encoding="hex",
        parts=("field:timestamp", "text:.", "field:payload"),
    ),
}


class UnknownScheme(ValueError):
    """No scheme has this name; the message lists those there are."""


def named(name: str) -> Scheme:
    """Return the scheme of a name. Raises UnknownScheme: nothing is ever taken unproven instead."""
    try:
        return SCHEMES[name]
    except KeyError:
        known = ", ".join(sorted(SCHEMES))
        raise UnknownScheme(
            f"Неизвестная схема подписи «{name}», есть: {known} / "
            f"Unknown signature scheme, there are: {known}"
        ) from None
