"""NATS: core subjects, and streams pushed and pulled."""

from __future__ import annotations

from typing import Any, ClassVar

import nats

from anystream.nats import ConsumerConfig, JStream, NatsBroker, PullSub
from tests.faults.harness import Deletion, FaultHarness, Handler


class Core(FaultHarness):
    name = "nats-core"
    kept = False
    why_not_kept = "core NATS hands a message to those who listen right now and keeps nothing"

    def broker(
        self, url: str, logger: Any, *, watchful: bool = False, **options: Any
    ) -> NatsBroker:
        options |= {"ping_interval": 1} if watchful else {}
        return NatsBroker(url, logger=logger, **options)

    def subscribe(self, broker: NatsBroker, address: str, handler: Handler) -> None:
        broker.subscriber(address, queue="group")(handler)

    async def publish(self, broker: NatsBroker, address: str, number: int) -> None:
        await broker.publish(number, address)


async def delete_consumer(url: str, address: str) -> None:
    client = await nats.connect(url)
    await client.jetstream().delete_consumer(address, "durable")
    await client.close()


async def delete_stream(url: str, address: str) -> None:
    client = await nats.connect(url)
    await client.jetstream().delete_stream(address)
    await client.close()


# the server says nothing to a consumer that it pushes to and that was deleted: it is looked for
LOOKED_FOR = 8.0


class Push(Core):
    name = "nats-push"
    kept = True
    why_not_kept = ""
    options: ClassVar[dict[str, Any]] = {}
    deletions: ClassVar = {
        "consumer": Deletion(delete_consumer, noticed_within=LOOKED_FOR),
        "stream": Deletion(delete_stream, with_messages=True, noticed_within=LOOKED_FOR),
    }

    def subscribe(self, broker: NatsBroker, address: str, handler: Handler) -> None:
        broker.subscriber(
            address,
            stream=JStream(address),
            durable="durable",
            config=ConsumerConfig(ack_wait=2.0),
            **self.options,
        )(handler)

    async def publish(self, broker: NatsBroker, address: str, number: int) -> None:
        await broker.publish(number, address, stream=address)


class Pull(Push):
    name = "nats-pull"
    options: ClassVar[dict[str, Any]] = {"pull_sub": PullSub(batch_size=100)}
    deletions: ClassVar = {
        "consumer": Deletion(delete_consumer),
        "stream": Deletion(delete_stream, with_messages=True),
    }
