"""Alerts that wait for their commit: many requests share one, so that a storm costs as many as the disk allows."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field

from desk.desk import Desk
from desk.intake import accept
from engine.correlation import Alert

MOST = 20_000
"""Alerts that may wait; past it the source is asked to come again (503), which Alertmanager does."""


class Overfull(OSError):
    """Too much waits for the disk."""


@dataclass
class _Batch:
    alerts: list[Alert] = field(default_factory=list)
    written: "asyncio.Future[list[bool]]" = field(default_factory=lambda: asyncio.get_running_loop().create_future())


class Inbox:
    """Collects alerts while a commit runs; the next commit takes them all. Nothing is answered before it is stored."""

    def __init__(self, desk: Desk):
        self.desk = desk
        self._batch: _Batch | None = None
        self._writer: asyncio.Task[None] | None = None

    async def put(self, alerts: Sequence[Alert]) -> list[bool]:
        """Store alerts; tells for each whether it was new. Raises what the store raises, or Overfull."""
        if not alerts:
            return []
        self._batch = self._batch or _Batch()
        batch, start = self._batch, len(self._batch.alerts)
        if start + len(alerts) > MOST:
            raise Overfull(f"{start} alerts wait to be stored; send again in a few seconds")
        batch.alerts.extend(alerts)
        if self._writer is None or self._writer.done():
            self._writer = asyncio.create_task(self._write())
        fresh = await asyncio.shield(batch.written)
        return fresh[start : start + len(alerts)]

    async def _write(self) -> None:
        while (batch := self._batch) is not None:
            self._batch = None
            try:
                fresh = await asyncio.to_thread(accept, self.desk, batch.alerts)
            except Exception as error:
                batch.written.set_exception(error)
            else:
                batch.written.set_result(fresh)
