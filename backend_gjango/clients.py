"""Whose address a request to the Django side came from, through the proxies we trust."""

import ipaddress

from django.conf import settings
from django.http import HttpRequest

from ingest.addresses import TrustedProxies


def address_of(request: HttpRequest) -> str:
    """Return the address; empty for a Unix socket that nobody else is behind."""
    proxies = TrustedProxies(settings.TRUSTED_PROXIES)
    peer = request.META.get("REMOTE_ADDR", "")
    return proxies.client(peer, request.headers.get("X-Forwarded-For", ""))


def login_address(request: HttpRequest) -> str | None:
    """Return the address that failed logins are counted for; None where it is no address."""
    try:
        return str(ipaddress.ip_address(address_of(request)))
    except ValueError:
        return None
