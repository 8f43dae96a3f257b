"""What providers do: sell, send, send again, and sign with secrets that changed."""

from datetime import timedelta

from hypothesis import strategies as st
from hypothesis.stateful import rule

from accounts.models import SourceState
from accounts.rls import scoped
from tasks.sources import set_state

from ..shops import Move
from .base import Base, numbers, which
from .product import Till, rotate

moves = st.builds(Move, which, which, st.integers(0, 5), st.integers(0, 2))


class Providers(Base):
    """The rules of tills and of the network between them and us."""

    @rule(number=which, move=moves)
    def happen(self, number: int, move: Move) -> None:
        """Let something happen at a till."""
        till = self.till(number)
        known = len(till.shop.sent)
        till.shop.play([move])
        self.waiting[till.site.source_id] += range(known, len(till.shop.sent))

    @rule(number=which, index=which, several=st.lists(moves, min_size=3, max_size=8))
    def busy_hour(self, number: int, index: int, several: list[Move]) -> None:
        """Let much happen at a till, and bring all of it, the latest first or not."""
        for one in several:
            self.happen(number, one)
        waiting = self.waiting[self.till(number).site.source_id]
        for _ in range(len(waiting)):
            self.bring(self.till(number), waiting[index % len(waiting)])

    @rule(number=which, several=st.lists(moves, min_size=3, max_size=8))
    def quiet_hour(self, number: int, several: list[Move]) -> None:
        """Let this and that happen at a till, and settle each thing before the next."""
        for one in several:
            self.happen(number, one)
            for index in tuple(self.waiting[self.till(number).site.source_id]):
                self.bring(self.till(number), index)
            self.product.wake()

    @rule(number=which, index=which)
    def deliver(self, number: int, index: int) -> None:
        """Bring one request, in no order."""
        till = self.till(number)
        waiting = self.waiting[till.site.source_id]
        if waiting:
            self.bring(till, waiting[index % len(waiting)])

    @rule(number=which, index=which)
    def duplicate(self, number: int, index: int) -> None:
        """Bring a request that was answered already."""
        till = self.till(number)
        if till.shop.sent:
            self.bring(till, index % len(till.shop.sent))

    def bring(self, till: Till, index: int) -> None:
        sent, waiting = till.shop.sent[index], self.waiting[till.site.source_id]
        status = self.product.send(till, sent, till.secret)
        if status is None:
            till.cut.append(sent.body)  # it comes again: the index stays
            return
        assert status == 200
        till.acknowledged.append(sent.body)
        if index in waiting:
            waiting.remove(index)

    @rule(number=which, overlap=st.booleans())
    def rotate(self, number: int, overlap: bool) -> None:
        """Replace a secret; the old one holds for a while, or not at all."""
        till = self.till(number)
        old, till.secret = till.secret, f"whsec_{next(numbers):031d}R"
        rotate(till, till.secret, timedelta(hours=overlap))
        if overlap:
            till.overlapping.append(old)
        else:
            till.ended += [old, *till.overlapping]
            till.overlapping.clear()

    @rule(number=which, index=which)
    def forge(self, number: int, index: int) -> None:
        """Bring a request signed by a former secret: heard in the overlap, refused after it."""
        till = self.till(number)
        if till.shop.sent and till.ended:
            sent = till.shop.sent[index % len(till.shop.sent)]
            assert self.product.send(till, sent, till.ended[index % len(till.ended)]) == 401
            till.refused.append(sent.body)
        if till.shop.sent and till.overlapping:
            sent = till.shop.sent[index % len(till.shop.sent)]
            assert self.product.send(till, sent, till.overlapping[0]) == 200
            till.acknowledged.append(sent.body)

    @rule(number=which)
    def pause_or_resume(self, number: int) -> None:
        """Hold what a source delivers, or release it."""
        till = self.till(number)
        key = till.site.source_id
        self.paused ^= {key}
        with scoped([self.account]):
            set_state(till.source, SourceState.PAUSED if key in self.paused else SourceState.ACTIVE)
