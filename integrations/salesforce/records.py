"""What every record of a message has: whose it is, its id, and as of when it speaks.

A message is written when it is sent, with the record as it is then, also when it is sent again
(developer.salesforce.com, Understanding Notifications, read 2026-11): of two messages with the same
time, the one received later knows more.
"""

import re
from datetime import timedelta

from integrations.clocks import version
from integrations.contract import Context, Event
from integrations.reading import Reader
from integrations.strict_xml import boolean
from sales.drafts import Rank, Version

#: Times that may order the states of a record; the first where a source does not choose.
CLOCKS = ("LastModifiedDate", "SystemModstamp")
_ORGANIZATION = re.compile(r"00D[0-9A-Za-z]{12}(?:[0-9A-Za-z]{3})?")
_RECORD = re.compile(r"[0-9A-Za-z]{18}")
#: An id has 15 characters, and three more that check them where upper and lower case are one.
_SIGNIFICANT = 15
_SECOND = timedelta(seconds=1)


def read_organization(text: str) -> str:
    """Return the id of an organization, of 15 characters or 18. Raises ValueError."""
    found = text.strip()
    if not _ORGANIZATION.fullmatch(found):
        raise ValueError(text)
    return found


def read_clock(text: str) -> str:
    """Return the field whose time orders the states of a record. Raises ValueError."""
    found = text.strip()
    if found not in CLOCKS:
        raise ValueError(text)
    return found


def record_of(event: Event, context: Context) -> Reader:
    """Return the record of a notification of this source's organization."""
    told, expected = Reader(event.payload), context.settings.get("organization")
    given = told["OrganizationId"]
    if expected and given.id()[:_SIGNIFICANT] != expected[:_SIGNIFICANT]:
        raise given.refuse(f"not {expected}, the organization of this source")
    return told["sObject"]


def id_of(record: Reader, key: str = "Id") -> str:
    """Return the id of a record, as messages write it: 18 characters."""
    found = record[key]
    if not _RECORD.fullmatch(found.text()):
        raise found.refuse("not the id of a record, 18 letters and digits")
    return found.text()


def is_deleted(record: Reader) -> bool:
    """Say whether a record lies in the recycle bin."""
    return record.maybe("IsDeleted", boolean) or False


def version_of(record: Reader, context: Context) -> Version:
    """Return as of when a record speaks: by the source's one clock, else by its first receipt."""
    at = record.maybe(context.settings.get("clock") or CLOCKS[0], Reader.time)
    up = _SECOND if is_deleted(record) else None
    return version(Rank.FULL, at, context, seq=context.received, round_up=up)
