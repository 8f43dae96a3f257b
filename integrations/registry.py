"""The providers there are: one explicit line each."""

from collections.abc import Mapping
from typing import Any

from .amocrm import PROVIDER as AMOCRM
from .bitrix24 import PROVIDER as BITRIX24
from .cloudevents import PROVIDER as CLOUDEVENTS
from .clover import PROVIDER as CLOVER
from .contract import Provider, SettingUnusable
from .custom import PROVIDER as CUSTOM
from .evotor import PROVIDER as EVOTOR
from .github import PROVIDER as GITHUB
from .hubspot import PROVIDER as HUBSPOT
from .iiko import PROVIDER as IIKO
from .lightspeed import PROVIDER as LIGHTSPEED
from .loyverse import PROVIDER as LOYVERSE
from .manual import PROVIDER as MANUAL
from .moysklad import PROVIDER as MOYSKLAD
from .pipedrive import PROVIDER as PIPEDRIVE
from .poster import PROVIDER as POSTER
from .retailcrm import PROVIDER as RETAILCRM
from .salesforce import PROVIDER as SALESFORCE
from .shopify import PROVIDER as SHOPIFY
from .square import PROVIDER as SQUARE
from .standard import PROVIDER as STANDARD
from .stripe import PROVIDER as STRIPE
from .sumup import PROVIDER as SUMUP
from .toast import PROVIDER as TOAST
from .woocommerce import PROVIDER as WOOCOMMERCE
from .yclients import PROVIDER as YCLIENTS
from .zettle import PROVIDER as ZETTLE

PROVIDERS: Mapping[str, Provider] = {
    provider.slug: provider
    for provider in (
        STANDARD,
        GITHUB,
        CLOUDEVENTS,
        SQUARE,
        SHOPIFY,
        STRIPE,
        WOOCOMMERCE,
        EVOTOR,
        MOYSKLAD,
        BITRIX24,
        AMOCRM,
        HUBSPOT,
        PIPEDRIVE,
        SALESFORCE,
        IIKO,
        LOYVERSE,
        LIGHTSPEED,
        CLOVER,
        TOAST,
        ZETTLE,
        SUMUP,
        POSTER,
        YCLIENTS,
        RETAILCRM,
        CUSTOM,
        MANUAL,
    )
}


def of_source(slug: str, settings: Mapping[str, Any]) -> Provider | None:
    """Return the provider of a source as its settings make it; None where nothing can."""
    try:
        return get(slug).of(settings)
    except (UnknownProvider, SettingUnusable):
        return None


class UnknownProvider(KeyError):
    """No provider has this slug; the message lists those there are."""

    def __str__(self) -> str:
        return str(self.args[0])


def get(slug: str) -> Provider:
    """Return the provider of a slug. Raises UnknownProvider, which lists the slugs."""
    try:
        return PROVIDERS[slug]
    except KeyError:
        known = ", ".join(sorted(PROVIDERS))
        raise UnknownProvider(
            f"Неизвестный провайдер «{slug}», есть: {known} / Unknown provider, there are: {known}"
        ) from None
