"""Reading does not slow hearing: acks while a client pages the longest lists."""

import pytest

from benchmarks import load, paging, receipts

from .stack import running

#: Rows to page through: four of the longest pages.
ROWS = 2_000
#: What a till does not notice, in milliseconds: below it a ratio says nothing.
UNNOTICED = 25
#: A busy machine may spoil all windows of a round.
ROUNDS = 3


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_an_ack_takes_at_most_twice_as_long_while_long_lists_are_paged() -> None:
    with running() as stack:
        source = stack.manage_json("source", "add", "standard", "--account", "shop")
        token = stack.manage_json("token", "add", "--account", "shop", "--role", "analyst")["token"]
        wanted = receipts.requests(source["path"], source["secret"], ROWS)
        assert load.run(stack.port, wanted, connections=16, limit=120).statuses == {200: ROWS}
        stack.wait_settled()

        found = paging.measure(stack, source, token, rate=100, seconds=6)
        for _ in range(1, ROUNDS):
            if found.paged <= 2 * max(found.quiet, UNNOTICED):
                break
            found = paging.measure(stack, source, token, rate=100, seconds=6)

    assert found.pages >= 10
    assert found.paged <= 2 * max(found.quiet, UNNOTICED), found
