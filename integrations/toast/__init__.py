"""Toast: whole orders with their checks, payments and refunds; lost ones are listed."""

from integrations.apps import whole
from integrations.contract import Provider
from integrations.schemes import named
from integrations.senders import Sender

from .asking import API, read_restaurant
from .payload import NORMALISERS, split

PROVIDER = Provider(
    slug="toast",
    title="Toast",
    scheme=named("toast"),
    split=split,
    normalisers=NORMALISERS,
    methods=frozenset({"POST"}),
    part=whole,
    sender=Sender(
        accepts=range(200, 300),
        within=2.0,
        repeats=2,
        pauses=(300, 600),
        then="событие потеряно; после 50 ошибок за 5 минут пауза на минуту, после девяти пауз за 10"
        " минут подписку включает только поддержка / the event is lost; 50 errors in 5 minutes are"
        " a pause of a minute, after nine pauses in 10 minutes only the support resumes it",
        source="https://doc.toasttab.com/doc/devguide/apiWebhookOverview.html, 2026-11-27",
    ),
    default_currency="USD",
    api=API,
    settings={"restaurant": read_restaurant},
)
