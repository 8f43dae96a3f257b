"""Signature schemes as data: how a delivery proves that its sender knows a secret."""

from .fields import FieldsDigest
from .forms import BearerOrQuery, FormField, Parameter
from .known import SCHEMES, UnknownScheme, named
from .macs import Clock, HmacHeader, StampedHeader
from .standard import StandardWebhooks, new_signing_secret
from .tokens import (
    Address,
    Basic,
    Bearer,
    EchoedToken,
    Never,
    StaticHeader,
    UserBearer,
    call_of,
    is_user,
    user_token,
)

__all__ = [
    "SCHEMES",
    "Address",
    "Basic",
    "Bearer",
    "BearerOrQuery",
    "Clock",
    "EchoedToken",
    "FieldsDigest",
    "FormField",
    "HmacHeader",
    "Never",
    "Parameter",
    "StampedHeader",
    "StandardWebhooks",
    "StaticHeader",
    "UnknownScheme",
    "UserBearer",
    "call_of",
    "is_user",
    "named",
    "new_signing_secret",
    "user_token",
]
