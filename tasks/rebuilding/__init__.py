"""Derive every sale again from staging, beside the live tables: compare, and copy over on demand.

One account after the other, so that nothing grows with the number of accounts. Live sales go on
being settled; only what differs is looked at once more, in short moments without settlers.
"""

from sales import beside

from .. import sql
from ..understanding import Providers
from .meanwhile import Meanwhile, SettingsChanged, in_scope
from .reading import Reader, Tell
from .report import Report
from .session import Busy, NotAllowed, session
from .walking import Walk

__all__ = [
    "Busy",
    "Incomplete",
    "NotAllowed",
    "Report",
    "SettingsChanged",
    "Tell",
    "Walk",
    "prepare",
    "session",
]

_OLDEST = """
SELECT (SELECT min(received_at) FROM public.sales_sale WHERE account_id = %b::int8),
       (SELECT min(first.received_at) - interval '1 minute' FROM accounts_source s
        CROSS JOIN LATERAL (
          SELECT d.received_at FROM ingest_delivery d WHERE d.source_id = s.id
          ORDER BY d.id LIMIT 1) AS first
        WHERE s.account_id = %b::int8)
"""


class Incomplete(RuntimeError):
    """Deliveries that live sales were made of are no longer in staging."""


def prepare(
    account: int,
    slug: str,
    *,
    providers: Providers | None = None,
    source: int | None = None,
    tell: Tell = lambda phase, done: None,
) -> Walk:
    """Derive an account's sales anew beside the live ones; return the way through both.

    Needs the session of ``session()``. With ``source`` only that source's rows are compared and
    copied, though all are derived: sales of two sources may be one. Raises Incomplete, and database
    errors.
    """
    reader = Reader(account, providers or registered(), tell)
    meanwhile = Meanwhile(reader)
    in_scope(account, lambda: beside.make(account))
    reader.begin()
    meanwhile.begin()
    for one in in_scope(account, meanwhile.sources):
        reader.read(one)
    in_scope(account, lambda: _complete(account))
    in_scope(account, beside.settle_seeds)
    beside.analyse()
    return Walk(meanwhile, slug, source)


def _complete(account: int) -> None:
    """Refuse where sales are older than staging: what was put away would be taken for gone."""
    # One look at every sale: longer than a batch may take.
    sql.rows("SELECT set_config('statement_timeout', '10min', true)")
    ((sale, delivery),) = sql.rows(_OLDEST, account, account)
    if sale is not None and (delivery is None or sale < delivery):
        raise Incomplete


def registered() -> Providers:
    """Return the providers of this installation."""
    from integrations.registry import PROVIDERS

    return PROVIDERS
