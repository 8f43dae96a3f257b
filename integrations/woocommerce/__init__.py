"""WooCommerce: a shop's orders, customers and products, signed by HMAC over the raw body."""

from integrations.contract import Provider
from integrations.hosts import read_host
from integrations.schemes import named
from integrations.senders import Sender

from .asking import API
from .payload import DELIVERY, IGNORED, NORMALISERS, TOPIC, is_ping, split

PROVIDER = Provider(
    slug="woocommerce",
    title="WooCommerce",
    scheme=named("woocommerce"),
    split=split,
    normalisers=NORMALISERS,
    ignored=IGNORED,
    methods=frozenset({"POST"}),
    handshake=is_ping,
    sender=Sender(
        accepts=(200,),
        within=60.0,
        repeats=0,
        then="после шести неудач подряд вебхук выключен / the webhook is disabled after six"
        " failures in a row",
        source="https://github.com/woocommerce/woocommerce (class-wc-webhook.php), 2026-11-27",
    ),
    reads_headers=frozenset({TOPIC, DELIVERY}),
    api=API,
    settings={"shop": read_host},
)
