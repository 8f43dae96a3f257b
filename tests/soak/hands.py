"""The people: edits by hand through the API, each repeated until it is taken."""

import asyncio
import json
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import timedelta
from random import Random
from typing import Any

import httpx

from .journal import Journal
from .model import Edit
from .workload import Due

_PAUSE = 1.0


class Hands:
    """Finds the sale in the list, as a person does, and changes it."""

    def __init__(
        self, base: str, tokens: Mapping[str, str], ids: Mapping[str, int], journal: Journal
    ) -> None:
        self.causes: Counter[str] = Counter()
        self.done = 0
        self.waiting = 0
        self._tokens, self._ids, self._journal = tokens, ids, journal
        self._chance = Random(0)
        self._client = httpx.AsyncClient(base_url=base, timeout=15)
        self._slots = asyncio.Semaphore(4)

    async def run(self, due: Sequence[Due], started: float) -> None:
        """Do every edit at its time; return when all are taken."""
        tasks = []
        for one in due:
            if one.edit is None:
                continue
            await asyncio.sleep(max(0.0, started + one.at - time.monotonic()))
            tasks.append(asyncio.create_task(self._edit(one.edit)))
        await asyncio.gather(*tasks)
        await self._client.aclose()

    async def _edit(self, edit: Edit) -> None:
        self.waiting += 1
        while (path := await self._find(edit)) is None:
            await asyncio.sleep(_PAUSE)
        steps = {
            "PATCH": (("PATCH", path),),
            "DELETE": (("DELETE", path),),
            "RESTORE": (("DELETE", path), ("POST", f"{path}restore/")),
        }
        for method, where in steps[edit.verb]:
            while not await self._is_taken(method, where, edit):
                await asyncio.sleep(_PAUSE * self._chance.uniform(0.5, 1.5))
        await self._journal.write(
            edit=edit.verb,
            source=edit.wanted.till.name,
            external_id=edit.wanted.external_id,
            fields=dict(edit.fields),
        )
        self.done += 1
        self.waiting -= 1

    async def _find(self, edit: Edit) -> str | None:
        """Look for the sale by its source and its second."""
        wanted = edit.wanted
        after, before = wanted.occurred_at, wanted.occurred_at + timedelta(seconds=1)
        answer = await self._ask(
            edit,
            "GET",
            "/sales/",
            params={
                "source": str(self._ids[wanted.till.name]),
                "occurred_after": after.isoformat(),
                "occurred_before": before.isoformat(),
            },
        )
        if answer is None or answer.status_code != 200:
            return None
        found = [
            row["id"] for row in answer.json()["results"]
            if row["external_id"] == wanted.external_id
        ]  # fmt: skip
        return f"/sales/{found[0]}/" if found else None

    async def _is_taken(self, method: str, path: str, edit: Edit) -> bool:
        body = json.dumps(edit.fields).encode() if method == "PATCH" else None
        answer = await self._ask(edit, method, path, content=body)
        if answer is None:
            return False
        # What was deleted by an attempt that nobody heard of is gone at the next.
        return answer.is_success or (method == "DELETE" and answer.status_code == 404)

    async def _ask(self, edit: Edit, method: str, path: str, **more: Any) -> httpx.Response | None:
        token = self._tokens[edit.wanted.till.account]
        headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
        try:
            async with self._slots:
                answer = await self._client.request(method, path, headers=headers, **more)
        except httpx.HTTPError as error:
            self.causes[type(error).__name__] += 1
            return None
        self.causes[str(answer.status_code)] += 1
        return answer
