"""Messages one by one, for `get_one` and iteration; the consumer is made when first asked."""

from __future__ import annotations

import asyncio
from typing import Any

from anystream.core.exceptions import IncorrectState
from anystream.core.subscriber import Subscriber
from anystream.core.transport import Reader
from anystream.kafka.connection import KafkaConnection
from anystream.kafka.consuming import Consuming
from anystream.kafka.message import Link

LONGEST_WAIT_MS = 5000.0


class KafkaReader(Reader):
    """Reads what a subscriber declares; an acknowledged message is committed at once.

    Args:
        connection: the broker's connection.
        subscriber: what is read.
        link: tells the parser of the consumer.
    """

    def __init__(self, connection: KafkaConnection, subscriber: Subscriber, link: Link) -> None:
        self.connection = connection
        self.subscriber = subscriber
        self.consuming = Consuming(connection, subscriber, link, at_once=True)

    async def get(self, timeout: float | None) -> Any | None:
        consuming = self.consuming
        loop = asyncio.get_running_loop()
        if consuming.consumer is None:
            if not self.connection.open:
                raise IncorrectState(f"{self.subscriber!r} cannot read: it is not connected")
            await consuming.open()
        deadline = None if timeout is None else loop.time() + timeout
        while True:
            left = LONGEST_WAIT_MS / 1000 if deadline is None else max(deadline - loop.time(), 0)
            wait = min(left * 1000, LONGEST_WAIT_MS)
            await consuming.until_settled(wait / 1000)
            consumer: Any = consuming.consumer
            taken = await consumer.getmany(timeout_ms=wait, max_records=1)
            for records in taken.values():
                return self._begun(records[0])
            if deadline is not None and loop.time() >= deadline:
                return None

    def _begun(self, record: Any) -> Any:
        book = self.consuming.book
        book.of(record.topic, record.partition).taken(record.offset, 1)
        if book.begin(record.topic, record.partition, record.offset):
            book.ended()  # nobody waits for whoever reads by hand
        return [record] if self.subscriber.batch else record

    async def close(self) -> None:
        await self.consuming.close()
