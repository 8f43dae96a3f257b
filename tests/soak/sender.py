"""The providers: each delivery is repeated until it is acknowledged, and journaled then."""

import asyncio
import hashlib
import json
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from random import Random
from typing import NamedTuple
from urllib.parse import urlsplit

from .journal import Journal
from .model import Message
from .signing import SIGN
from .wire import Answer, Wire
from .workload import Due

#: Seconds between two attempts: doubled each time, with jitter.
_FIRST, _MOST = 0.4, 4.0
#: Requests at the same time; a provider has its own bound as well.
_AT_ONCE = 200


@dataclass(slots=True)
class Address:
    """Where a source is told, and with which secrets: the newest first."""

    url: str
    secrets: list[str]
    #: One that was replaced, and whose overlap is over.
    revoked: str = ""

    @property
    def path(self) -> str:
        return urlsplit(self.url).path


class Acknowledged(NamedTuple):
    """When an answer came (monotonic), its status, and the seconds it took."""

    at: float
    status: int
    seconds: float


@dataclass(slots=True)
class Told:
    """What the senders saw."""

    answers: list[Acknowledged] = field(default_factory=list)
    #: ``200``, ``503 unavailable``, ``reset`` … → how often.
    causes: Counter[str] = field(default_factory=Counter)
    #: (source, sha256 of the body) → how often it was sent with a valid signature.
    sent: Counter[tuple[str, str]] = field(default_factory=Counter)
    acknowledged: int = 0
    tampered: Counter[int] = field(default_factory=Counter)
    #: Stale by a wrong clock of the sender, and refused for it.
    stale: int = 0
    stale_taken: int = 0


class Sender:
    """Sends what is due; ``skew`` seconds wrong is the clock of those who sign a time."""

    def __init__(self, addresses: Mapping[str, Address], journal: Journal, seed: int) -> None:
        self.addresses, self.told, self.skew = addresses, Told(), 0.0
        parts = urlsplit(next(iter(addresses.values())).url)
        self._wire = Wire(parts.hostname or "", parts.port or 80)
        self._journal = journal
        self._chance = Random(f"sender-{seed}")
        self._slots = asyncio.Semaphore(_AT_ONCE)
        self.waiting = 0

    async def run(self, due: Sequence[Due], started: float) -> None:
        """Send everything at its time; return when all is acknowledged."""
        tasks: set[asyncio.Task[None]] = set()
        for one in due:
            if one.message is None:
                continue
            pause = started + one.at - time.monotonic()
            if pause > 0:
                await asyncio.sleep(pause)
            work = self._forge(one.message) if one.tampered else self._deliver(one.message)
            task = asyncio.create_task(work)
            tasks.add(task)
            task.add_done_callback(tasks.discard)
        while tasks:
            await asyncio.gather(*tasks)

    async def _deliver(self, message: Message) -> None:
        self.waiting += 1
        digest = hashlib.sha256(message.body).hexdigest()
        tries = 0
        while True:
            async with self._slots:  # signed only when its turn has come
                answer = await self._attempt(message, digest)
            tries += 1
            if 200 <= answer.status < 300:
                break
            wait = min(_FIRST * 2 ** min(tries - 1, 5), _MOST)
            await asyncio.sleep(wait * self._chance.uniform(0.5, 1.0))
        await self._journal.write(
            source=message.till.name, sha256=digest, key=message.key, tries=tries
        )
        self.told.acknowledged += 1
        self.waiting -= 1

    async def _attempt(self, message: Message, digest: str) -> Answer:
        address = self.addresses[message.till.name]
        secret = self._chance.choice(address.secrets)
        skew = self.skew if message.till.provider == "standard" else 0.0
        proof = SIGN[message.till.provider](message, secret, address.url, skew)
        if not skew:
            self.told.sent[message.till.name, digest] += 1
        answer = await self._exchange(message, message.body, proof)
        if skew and answer.status in (401, 429):  # many refusals of one address are 429
            self.told.stale += 1
            self.told.causes["refused for its clock"] += 1
            return answer
        self.told.stale_taken += bool(skew and 200 <= answer.status < 300)
        self._note(answer)
        return answer

    async def _forge(self, message: Message) -> None:
        """Send a changed body once: under the proof of the true one, or by a revoked secret."""
        address = self.addresses[message.till.name]
        changed = replace(message, body=message.body[:-1] + b" " + message.body[-1:])
        sign = SIGN[message.till.provider]
        if address.revoked and self._chance.random() < 0.5:
            proof = sign(changed, address.revoked, address.url, 0.0)
        else:
            proof = sign(message, address.secrets[0], address.url, 0.0)
            if "Authorization" in proof:
                proof["Authorization"] += "x"
        answer = await self._exchange(changed, changed.body, proof)
        self.told.tampered[answer.status] += 1

    async def _exchange(self, message: Message, body: bytes, proof: Mapping[str, str]) -> Answer:
        headers = {"Content-Type": "application/json", **message.headers, **proof}
        path = self.addresses[message.till.name].path
        return await self._wire.exchange(message.method, path, headers=headers, body=body)

    def _note(self, answer: Answer) -> None:
        self.told.answers.append(Acknowledged(time.monotonic(), answer.status, answer.seconds))
        self.told.causes[_cause(answer)] += 1

    def close(self) -> None:
        """Close the connections."""
        self._wire.close()


def _cause(answer: Answer) -> str:
    if answer.status == 0:
        return answer.cause
    if 200 <= answer.status < 300:
        return str(answer.status)
    try:
        code = json.loads(answer.body)["code"]
    except (ValueError, KeyError, TypeError):
        code = "?"
    return f"{answer.status} {code}"
