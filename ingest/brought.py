"""Secrets that deliveries bring: cut from what is kept, and kept encrypted beside it."""

from integrations.contract import Delivery, Provider

from .crypto import Vault


def sealed(provider: Provider, delivery: Delivery, vault: Vault) -> tuple[str, bytes] | tuple[()]:
    """Return whose secret a delivery brings, and the secret encrypted: the last fields of a Row."""
    brought = None if provider.brings is None else provider.brings(delivery)
    return () if brought is None else (brought.merchant, vault.encrypt(brought.value))
