"""What breaks: processes die where it hurts, wake-ups are lost, deliveries are settled again."""

from hypothesis import strategies as st
from hypothesis.stateful import rule

from tasks import replays
from tasks.sweep import Sweeper

from .. import staged
from .base import Base, which
from .product import RECEIVER_POINTS, SETTLER_POINTS

#: A new process and a rebuild cost a second or more: so many of them in one run. No precondition:
#: what a run has met must not decide which rules there are to choose from.
_CRASHES = 1


class Faults(Base):
    """The rules of faults, and of whoever settles in spite of them."""

    def _may_crash(self, what: str) -> bool:
        self.crashes[what] += 1
        return self.crashes[what] <= _CRASHES

    @rule(point=st.sampled_from(sorted(RECEIVER_POINTS)), number=which)
    def kill_the_receiver(self, point: str, number: int) -> None:
        """Kill the receiver at a delivery, before or after its commit."""
        till = self.till(number)
        if not till.shop.sent or not self._may_crash("receiver"):
            return
        self.product.kill_receiver_at(point)
        sent = till.shop.sent[-1]
        assert self.product.send(till, sent, till.secret) is None
        till.cut.append(sent.body)
        self.product.disarm()

    @rule(point=st.sampled_from(sorted(SETTLER_POINTS)))
    def kill_a_settler(self, point: str) -> None:
        """Kill a settler with everything that is due in its hands."""
        self.make_due()
        mine = f"WHERE account_id = {self.account} AND due_at < now()"
        due = self.rows(f"SELECT delivery_id FROM ingest_inbox {mine}")
        if due and self._may_crash("settler"):
            assert self.product.crash_settler(point, [row[0] for row in due]) == -9

    @rule()
    def rebuild(self) -> None:
        """Derive everything anew beside what is live, pending and held or not: nothing differs."""
        if self._may_crash("rebuild"):
            report = staged.rebuilt(self.account)
            assert not report, report.as_json()

    @rule()
    def flush(self) -> None:
        """Lose all wake-ups."""
        self.product.flush()

    @rule()
    def wake(self) -> None:
        """Hear the wake-ups that are there."""
        self.product.wake()

    @rule()
    def sweep(self) -> None:
        """Settle what nobody woke."""
        self.make_due()
        Sweeper().sweep()

    @rule(number=which, several=which)
    def replay(self, number: int, several: int) -> None:
        """Settle deliveries again, settled before or not; those of a paused source stay held."""
        every = self.rows(
            "SELECT d.id FROM ingest_delivery d LEFT JOIN ingest_inbox i ON i.delivery_id = d.id"
            " WHERE i.due_at IS DISTINCT FROM 'infinity' ORDER BY d.id"
        )
        if every:
            chosen = [every[(number + 7 * n) % len(every)][0] for n in range(several % 5 + 1)]
            replays.replay(chosen)
