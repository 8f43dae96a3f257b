"""The machine: all that may happen, and what holds whenever all is quiet."""

from collections import Counter
from collections.abc import Iterator

from hypothesis.stateful import invariant, rule

from accounts.rls import scoped
from integrations.registry import PROVIDERS
from sales.models import Sale
from tasks.sweep import Sweeper
from tests.heard import finish_replays

from .. import staged
from ..shops import Figures
from .faults import Faults
from .people import People
from .product import Till, digests
from .providers import Providers


class Machine(Providers, Faults, People):
    """A receiver hears every provider over HTTP, settlers work, people edit."""

    @invariant()
    def every_acknowledged_delivery_is_staged_and_no_refused_one(self) -> None:
        rows = self.rows("SELECT source_id, sha256 FROM ingest_delivery WHERE origin = 'push'")
        found = Counter((source, bytes(digest)) for source, digest in rows)
        for till in self.tills:
            source = till.site.source_id
            least = Counter((source, one) for one in digests(till.acknowledged))
            most = least + Counter((source, one) for one in digests(till.cut))
            mine = Counter({key: n for key, n in found.items() if key[0] == source})
            assert least <= mine <= most

    @rule()
    def quiesce(self) -> None:
        """Let everything that may settle settle, and compare."""
        for _ in range(10):
            self.make_due()
            if not Sweeper().sweep() and not finish_replays(dict(PROVIDERS)):
                break
        mine = f"SELECT delivery_id FROM ingest_inbox WHERE account_id = {self.account}"
        held = {row[0] for row in self.rows(mine)}
        if not self.paused:
            assert held == set()
        staged.assert_settled([self.account], without=held)
        self._assert_one_outcome()

    def _assert_one_outcome(self) -> None:
        assert not self.rows(
            "SELECT d.id FROM ingest_delivery d WHERE NOT EXISTS (SELECT FROM ingest_inbox i"
            " WHERE i.delivery_id = d.id) AND NOT EXISTS (SELECT FROM tasks_attempt a"
            " WHERE a.delivery_id = d.id)"
        )
        assert not self.rows("SELECT error FROM tasks_attempt WHERE error = 'process died'")
        assert not self.rows(
            "SELECT key FROM tasks_event GROUP BY source_id, key, sha256 HAVING count(*) > 1"
        )

    def teardown(self) -> None:
        """Bring everything through, release what is held, and compare to what is true as well."""
        for till in self.tills:
            if till.site.source_id in self.paused:
                self.pause_or_resume(self.tills.index(till))
            for index in tuple(self.waiting[till.site.source_id]):
                self.bring(till, index)
        self.every_acknowledged_delivery_is_staged_and_no_refused_one()
        self.quiesce()
        for till in self.tills:
            assert self._seen(till) == self._true(till)

    def _untouched(self, till: Till) -> Iterator[Sale]:
        with scoped([self.account]):
            yield from Sale.objects.filter(source=till.source, hand={})

    def _seen(self, till: Till) -> dict[str, Figures]:
        return {
            row.external_id: Figures(row.total, row.paid_total, row.refunded_total, row.status)
            for row in self._untouched(till)
            if row.visible
        }

    def _true(self, till: Till) -> dict[str, Figures]:
        untouched = {row.external_id for row in self._untouched(till)}
        return {name: of for name, of in till.shop.truth().items() if name in untouched}
