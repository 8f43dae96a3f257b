"""What every record of a message has: whose it is, its id, and as of when it speaks.

A message is written when it is sent, with the record as it is then, also when it is sent again
(developer.salesforce.com, Understanding Notifications, read 2026-11): of two messages with the same
time, the one received later knows more.
"""

import re
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from integrations.clocks import version, version_of_answer
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


def flag(reader: Reader) -> bool:
    """Return true or false, as JSON has it or as XML spells it."""
    return reader.value if type(reader.value) is bool else boolean(reader)


def is_deleted(record: Reader) -> bool:
    """Say whether a record lies in the recycle bin."""
    return record.maybe("IsDeleted", flag) or False


def clock_of(settings: Mapping[str, Any]) -> str:
    """Return the one field whose time orders the states of a source's records."""
    return str(settings.get("clock") or CLOCKS[0])


def version_of(record: Reader, context: Context) -> Version:
    """Return as of when the record of a message speaks: by the source's one clock, else by its
    first receipt."""
    at = record.maybe(clock_of(context.settings), Reader.time)
    up = _SECOND if is_deleted(record) else None
    return version(Rank.FULL, at, context, seq=context.received, round_up=up)


def version_of_listed(record: Reader, context: Context) -> Version:
    """Return as of when a record of a list speaks: by the same clock, which the list always has;
    of one clock, what was asked for later. An end stands to the end of its second."""
    at = record[clock_of(context.settings)].time()
    return version_of_answer(at.replace(microsecond=999_999) if is_deleted(record) else at, context)
