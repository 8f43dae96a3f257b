"""Whose turn it is: batches out of the inbox in which no account waits for another's backlog.

Each account has an equal share of a batch, and what some leave of theirs goes to those that have
more. Of its share an account's oldest deliveries take three quarters and its newest the rest: a
backlog goes down in order, and a sale made now does not wait until it has.
"""

import random
from collections import Counter
from collections.abc import Iterator, Sequence
from math import ceil
from uuid import UUID

from . import inbox, options
from .inbox import Claim


def batches(named: Sequence[UUID] = ()) -> Iterator[list[Claim]]:
    """Claim batch after batch, what is named first, until nobody has more that is due and fresh.

    A batch may be a little over the usual size. Raises a database error where claiming fails.
    """
    limit, after = options.batch(), anywhere()
    while True:
        accounts = circle(after, limit)
        claims = inbox.claim(named[:limit]) if named else []
        named = ()
        claims += _in_turns(accounts, limit - len(claims))
        if claims:
            yield sorted(claims, key=lambda one: one.delivery_id)
        if not claims or (len(claims) < limit and len(accounts) < limit):
            return
        after = accounts[-1] if accounts else after


def _in_turns(accounts: Sequence[int], limit: int) -> list[Claim]:
    claims: list[Claim] = []
    while accounts and len(claims) < limit:
        share = ceil((limit - len(claims)) / len(accounts))
        taken = inbox.claim_oldest_and_newest(accounts, share, newest=newest_of(share))
        claims += taken
        had = Counter(one.account_id for one in taken)
        accounts = [account for account in accounts if had[account] >= share]
    return claims


def newest_of(share: int) -> int:
    """Return how many of an account's share are its newest."""
    return (share + 2) // 4


def anywhere() -> int:
    """Return where to begin: where there are too many accounts for a batch, each gets its turn."""
    return random.randint(0, inbox.highest_account())  # noqa: S311


def circle(after: int, limit: int) -> list[int]:
    """Return accounts that have something in the inbox, in a circle from behind an id."""
    accounts = inbox.accounts(after, limit)
    if len(accounts) < limit:
        first = inbox.accounts(0, limit - len(accounts))
        accounts += [one for one in first if one <= after]
    return accounts
