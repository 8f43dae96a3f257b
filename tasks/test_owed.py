"""Batches that could not even be given back: each is, once, by whichever thread comes first."""

import threading
from collections import deque
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

import pytest

from tasks import inbox, pipeline
from tasks.inbox import Claim


class Asked(deque[Any]):
    """What is owed; whoever asks how much it is hears it together with the other thread."""

    def __init__(self, *owed: Any) -> None:
        super().__init__(owed)
        self._both = threading.Barrier(2)

    def __len__(self) -> int:
        count = super().__len__()
        with suppress(threading.BrokenBarrierError):
            self._both.wait(timeout=5)
        return count


def test_two_threads_that_both_would_give_back_the_one_batch_owed_both_end_well(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    given: list[Sequence[Claim]] = []
    failures: list[BaseException] = []
    batch: list[Claim] = []
    monkeypatch.setattr(pipeline, "_owed", Asked((batch, "away")))
    monkeypatch.setattr(inbox, "give_back", lambda claims, _: given.append(claims))

    def repay() -> None:
        try:
            pipeline._repay()
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=repay) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert failures == []
    assert given == [batch]
