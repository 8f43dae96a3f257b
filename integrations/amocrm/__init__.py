"""amoCRM and Kommo: hooks with many entities in one form, and leads read by the API."""

from integrations.contract import Provider
from integrations.schemes import Address
from integrations.senders import Sender

from .asking import API, account_host
from .payload import IGNORED, NORMALISERS, split

PROVIDER = Provider(
    slug="amocrm",
    title="amoCRM / Kommo",
    scheme=Address(),
    split=split,
    normalisers=NORMALISERS,
    ignored=IGNORED,
    methods=frozenset({"POST"}),
    signed=False,
    sender=Sender(
        accepts=range(100, 300),
        within=2.0,
        repeats=4,
        pauses=(300, 900, 900, 3600),
        then="событие потеряно; больше 100 плохих ответов за 2 часа, и последний плохой, — хук"
        " отключат / the event is lost; the hook is switched off after more than 100 bad answers"
        " within 2 hours, the last one bad",
        source="https://www.amocrm.ru/developers/content/crm_platform/webhooks-format, 2026-11-25",
    ),
    api=API,
    settings={"subdomain": account_host},
)
