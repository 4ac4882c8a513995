"""Consuming from NATS while another process floods the subject."""

import json
import logging
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import nats
from msgspec import Struct

from tests.benchmarks.bodies import Counter, Order, api, known_to_server, nats_url, order_of, unique
from tests.benchmarks.child import Round, say

STREAMED = ("push", "pull")


class OrderStruct(Struct):
    """The usual body for msgspec."""

    user: str
    id: int


@asynccontextmanager
async def open_side(case: str, side: str) -> AsyncIterator[Round]:
    """A running consumer of one side."""
    counter, subject, stream = Counter(), unique(), unique("BENCH")
    admin = await nats.connect(nats_url())
    if case in STREAMED:
        await admin.jetstream().add_stream(name=stream, subjects=[subject], storage="memory")

    async def one_round(count: int) -> dict[str, float]:
        counter.expect(count)
        say(flood={"subjects": [subject], "count": count, "stream": case in STREAMED})
        return {case: await counter.cost(count)}

    make = raw if side == "raw" else framework
    try:
        async with make(case, side, subject, stream, counter):
            yield one_round
    finally:
        if case in STREAMED:
            await admin.jetstream().delete_stream(stream)
        await admin.close()


@asynccontextmanager
async def raw(
    case: str, side: str, subject: str, stream: str, counter: Counter
) -> AsyncIterator[None]:
    """The client library by hand."""
    client = await nats.connect(nats_url())
    fetching = None

    async def handle(order: Order) -> Order:
        counter.one()
        return order

    async def on_message(msg: Any) -> None:
        await handle(order_of(msg.data))

    async def on_push(msg: Any) -> None:
        await handle(order_of(msg.data))
        await msg.ack()

    async def on_republish(msg: Any) -> None:
        result = await handle(order_of(msg.data))
        body = json.dumps(result.model_dump()).encode()
        await client.publish(subject + ".out", body, headers=dict(msg.headers))

    if case == "push":
        await client.jetstream().subscribe(subject, stream=stream, cb=on_push, manual_ack=True)
    elif case == "pull":
        fetching = await fetch_for_ever(client, subject, stream, on_push)
    else:
        cb = on_republish if case == "republish" else on_message
        await client.subscribe(subject, cb=cb)
    await known_to_server(client)
    try:
        yield
    finally:
        if fetching is not None:
            fetching.cancel()
        await client.close()


async def fetch_for_ever(client: Any, subject: str, stream: str, on_message: Any) -> Any:
    """`fetch(100)` in a loop, as its documentation shows it."""
    import asyncio

    pulling = await client.jetstream().pull_subscribe(subject, stream=stream)

    async def loop() -> None:
        while True:
            try:
                for msg in await pulling.fetch(100, timeout=5):
                    await on_message(msg)
            except nats.errors.TimeoutError:
                pass

    return asyncio.ensure_future(loop())


@asynccontextmanager
async def framework(
    case: str, side: str, subject: str, stream: str, counter: Counter
) -> AsyncIterator[None]:
    """The same declarations in anystream and in FastStream."""
    ns = api(side)
    module = ns.module("nats")
    broker = module.NatsBroker(nats_url(), **broker_options(case))
    options: dict[str, Any] = {}
    if case in STREAMED:
        options["stream"] = module.JStream(stream, declare=False)
    if case == "pull":
        options["pull_sub"] = module.PullSub(batch_size=100, timeout=5.0)
    call = handler_of(case, ns.core, counter)
    if case == "republish":
        call = broker.publisher(subject + ".out")(call)
    broker.subscriber(subject, **options)(call)
    await broker.start()
    try:
        await known_to_server(broker.connection)
        yield
    finally:
        await broker.stop()


def broker_options(case: str) -> dict[str, Any]:
    """No log, unless that is the case."""
    if case == "logging":
        quiet = os.open(os.devnull, os.O_WRONLY)
        os.dup2(quiet, 2)
        return {}
    options: dict[str, Any] = {"logger": None}
    if case == "arguments":
        logger = logging.getLogger("bench")
        logger.setLevel(logging.WARNING)
        options["logger"] = logger
    if case == "struct":
        from fast_depends.msgspec import MsgSpecSerializer

        options["serializer"] = MsgSpecSerializer()
    return options


def handler_of(case: str, core: Any, counter: Counter) -> Any:
    """The handler of a case, with annotations of the framework's own."""

    async def number() -> int:
        return 1

    async def model(body: Order) -> None:
        counter.one()

    async def plain(body: dict) -> None:  # type: ignore[type-arg]
        counter.one()

    async def struct(body: OrderStruct) -> None:
        counter.one()

    async def depends(body: Order, one: int = core.Depends(number)) -> None:
        counter.one()

    async def arguments(
        body: Order,
        logger: core.Logger,
        message: Any = core.Context("message"),
        kind: str = core.Header("content-type"),
    ) -> None:
        counter.one()

    async def republish(body: Order) -> Order:
        counter.one()
        return body

    known = {f.__name__: f for f in (plain, struct, depends, arguments, republish)}
    return known.get(case, model)
