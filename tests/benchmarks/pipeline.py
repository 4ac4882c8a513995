"""The way from a native message to the handler, without the network.

The client's `subscribe` is real, but its callback is kept, and native messages are given to it.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from unittest.mock import patch

import nats
from nats.aio.client import Client
from nats.aio.msg import Msg

from tests.benchmarks.bodies import DATA, Counter, Order, api, headers, nats_url, order_of, unique
from tests.benchmarks.child import Round


@asynccontextmanager
async def open_side(case: str, side: str) -> AsyncIterator[Round]:
    """A started subscriber whose callback is at hand; `workers` has max_workers=10."""
    counter, subject = Counter(), unique()

    async def handle(order: Order) -> None:
        counter.one()

    if side == "raw":
        client: Any = await nats.connect(nats_url())

        async def callback(msg: Msg) -> None:
            await handle(order_of(msg.data))

    else:
        broker = api(side).module("nats").NatsBroker(nats_url(), logger=None)
        options = {"max_workers": 10} if case == "workers" else {}
        broker.subscriber(subject, **options)(handle)
        callback = await caught(broker)
        client = broker.connection

    async def one_round(count: int) -> dict[str, float]:
        head = headers()
        messages = [Msg(_client=client, subject=subject, data=DATA, headers=head)] * count
        counter.expect(count)
        for number, message in enumerate(messages):
            await callback(message)
            if number % 100 == 99:
                await asyncio.sleep(0)
        return {case: await counter.cost(count)}

    yield one_round
    await (client.close() if side == "raw" else broker.stop())


async def caught(broker: Any) -> Any:
    """Starts a broker and returns the callback that it gave to its client."""
    found: list[Any] = []
    real = Client.subscribe

    async def subscribe(self: Any, *args: Any, **kwargs: Any) -> Any:
        if kwargs.get("cb"):
            found.append(kwargs["cb"])
        return await real(self, *args, **kwargs)

    with patch.object(Client, "subscribe", subscribe):
        await broker.start()
    if len(found) != 1:
        raise RuntimeError(f"{broker!r} subscribed {len(found)} callbacks")
    return found[0]
