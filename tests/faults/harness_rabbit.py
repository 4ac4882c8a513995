"""RabbitMQ: a durable queue, persistent messages, publisher confirms."""

from __future__ import annotations

from typing import Any, ClassVar

import aio_pika

from anystream.rabbit import Channel, RabbitBroker, RabbitQueue
from tests.faults.harness import Deletion, FaultHarness, Handler


async def delete_queue(url: str, address: str) -> None:
    connection = await aio_pika.connect(url)
    async with connection:
        channel = await connection.channel()
        await channel.queue_delete(address)


class Queue(FaultHarness):
    name = "rabbit"
    deletions: ClassVar = {"queue": Deletion(delete_queue, with_messages=True)}

    def broker(
        self, url: str, logger: Any, *, watchful: bool = False, **options: Any
    ) -> RabbitBroker:
        # a message that no queue took counts as not published
        strict = Channel(on_return_raises=True)
        address = f"{url}?heartbeat=1" if watchful else url
        return RabbitBroker(address, logger=logger, default_channel=strict, **options)

    def subscribe(self, broker: RabbitBroker, address: str, handler: Handler) -> None:
        broker.subscriber(RabbitQueue(address))(handler)

    async def publish(self, broker: RabbitBroker, address: str, number: int) -> None:
        await broker.publish(number, address, persist=True)
