"""Messages one by one, for `get_one` and iteration."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from anystream.confluent.intake import Intake
from anystream.core.transport import Reader
from anystream.kafka_common.offsets import PartitionProgress
from anystream.kafka_common.source import CommitPlan

if TYPE_CHECKING:
    from anystream.confluent.clients import KafkaClients
    from anystream.confluent.message import Link
    from anystream.core.subscriber import Subscriber


class KafkaReader(Reader):
    """Takes one message at a time; nothing is committed but what is acknowledged.

    The consumer is made at the first `get`, which waits until it has its partitions; only then
    the timeout counts.

    Args:
        clients: what all clients of the broker share.
        subscriber: whose messages they are.
        link: tells the parser of this reader.
    """

    def __init__(self, clients: KafkaClients, subscriber: Subscriber, link: Link) -> None:
        plan = CommitPlan(by_client=False, at_once=True, strict=False)
        self.intake = Intake(clients, subscriber, plan, set)
        self.link = link
        self.late = True  # a message may be acknowledged after others were taken
        self.message: Any = None
        self._opened = False
        self._current: PartitionProgress | None = None
        self._waiting: deque[tuple[PartitionProgress, Any]] = deque()

    async def get(self, timeout: float | None) -> Any | None:
        intake = self.intake
        if not self._opened:
            await intake.open()
            self._opened, self.link.holder = True, self
            await intake.joined()
        loop = asyncio.get_running_loop()
        deadline = None if timeout is None else loop.time() + timeout
        while True:
            while self._waiting:
                progress, raw = self._waiting.popleft()
                if progress.begin(raw.offset()):
                    self._current = progress
                    return raw
            left = None if deadline is None else max(0.0, deadline - loop.time())
            intake.want(1)
            try:
                await asyncio.wait_for(intake.wait(), left)
            except asyncio.TimeoutError:
                return None
            while intake.runs:
                progress, messages = intake.runs.popleft()
                self._waiting.extend((progress, raw) for raw in messages)

    def places(self, raw: Any) -> Sequence[tuple[PartitionProgress, int]]:
        """The partition and the offset of the message that was taken last."""
        return () if self._current is None else ((self._current, raw.offset()),)

    async def close(self) -> None:
        if self._opened:
            await self.intake.close()
        self.link.holder = None
