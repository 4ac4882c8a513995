"""What code that was written for the client library, or for FastStream, counts on."""

from __future__ import annotations

import asyncio
from typing import Any

import aio_pika
import aiormq.exceptions as native
import pytest

from anystream.core.ack import AckStatus
from anystream.core.exceptions import OptionError, PublishError, SetupError
from anystream.rabbit import (
    Channel,
    ExchangeType,
    RabbitBroker,
    RabbitExchange,
    RabbitQueue,
    RabbitRouter,
    TestRabbitBroker,
)
from anystream.rabbit import errors as own
from anystream.rabbit.annotations import RabbitMessage
from anystream.rabbit.opentelemetry import RabbitTelemetryMiddleware
from tests.observability.native import Exported
from tests.rabbit.conftest import Bare
from tests.waiting import Seen, running

# --- how many at once


def test_the_brokers_prefetch_count_is_the_number_of_workers() -> None:
    """As that of a subscriber; also of subscribers on routers, included before or after."""
    broker = RabbitBroker(default_channel=Channel(prefetch_count=4))
    early, inner, late = RabbitRouter(), RabbitRouter(), RabbitRouter()
    found = [
        broker.subscriber("a"),
        early.subscriber("b"),
        inner.subscriber("c"),
        broker.subscriber("d", max_workers=2),
        broker.subscriber("e", channel=Channel(prefetch_count=7)),
        broker.subscriber("f", channel=Channel()),
        broker.subscriber("g", batch=True),
    ]
    early.include_router(inner)
    broker.include_routers(early, late)
    found.append(late.subscriber("h"))
    assert [each.workers for each in found] == [4, 4, 4, 2, 7, 1, 1, 4]
    assert RabbitBroker(routers=[early]).subscribers[0].workers == 1


@pytest.mark.rabbit
async def test_so_many_are_handled_at_once(make: Any, bare: Bare, seen: Seen) -> None:
    """Four handlers run side by side, and no fifth."""
    name, broker = bare.name(), make(default_channel=Channel(prefetch_count=4))
    go, now, most = asyncio.Event(), 0, 0

    @broker.subscriber(name)
    async def handle(body: int) -> None:
        nonlocal now, most
        now, most = now + 1, max(most, now + 1)
        seen(body)
        await go.wait()
        now -= 1

    async with running(broker):
        for number in range(8):
            await broker.publish(number, name)
        await seen.count(4)
        go.set()
        await seen.count(8)
    assert most == 4


# --- reading


@pytest.mark.rabbit
async def test_get_one_with_and_without_acknowledgement(make: Any, bare: Bare) -> None:
    """`no_ack=False` leaves it to the user; what he leaves goes back to the queue."""
    name, broker = bare.name(), make()
    subscriber = broker.subscriber(name)
    async with running(broker):
        for body in ("1", "2", "3"):
            await broker.publish(body, name)
        first = await subscriber.get_one(no_ack=False)
        second = await subscriber.get_one(timeout=5, no_ack=False)
        third = await subscriber.get_one(no_ack=True)
        assert [each.body for each in (first, second, third)] == [b"1", b"2", b"3"]
        assert (first.committed, third.committed) == (None, AckStatus.ACKED)
        await first.ack()
        with pytest.raises(OptionError, match="did you mean 'no_ack'"):
            await subscriber.get_one(noack=True)
    again = await bare.take(name)
    assert (again.body, again.redelivered) == (b"2", True)
    assert await bare.count(name) == 0


# --- headers


@pytest.mark.rabbit
@pytest.mark.parametrize("real", [True, False])
@pytest.mark.parametrize("batch", [True, False])
async def test_a_header_is_no_content_type(
    make: Any, bare: Bare, seen: Seen, real: bool, batch: bool
) -> None:
    """The property has the type of the body, whatever headers were passed on."""
    name, broker = bare.name(), make()

    @broker.subscriber(name, batch=batch)
    async def handle(body: Any, message: RabbitMessage) -> None:
        raw = message.raw_message[0] if batch else message.raw_message
        seen((body, raw.content_type, raw.headers))

    headers = {"content-type": "text/plain", "correlation_id": "x"}
    async with running(broker) if real else TestRabbitBroker(broker):
        await broker.publish({"a": 1}, name, headers=headers, correlation_id="c")
        got = await seen.one()
    body = [{"a": 1}] if batch else {"a": 1}
    assert got == (body, "application/json", headers)


# --- errors


@pytest.mark.parametrize(
    ("error", "kinds"),
    [
        (own.NotDeclared("text"), [aio_pika.exceptions.ChannelNotFoundEntity, SetupError]),
        (own.DeclaredDifferently("text"), [aio_pika.exceptions.ChannelPreconditionFailed]),
        (own.NotAllowed("text"), [native.ChannelAccessRefused, native.ChannelLockedResource]),
        (own.PluginMissing("text"), [native.ConnectionCommandInvalid, SetupError]),
        (own.NoExchange("text"), [aio_pika.exceptions.ChannelNotFoundEntity, PublishError]),
        (own.MessageReturned("text", None), [aio_pika.exceptions.PublishError, PublishError]),
        (own.MessageRefused("text"), [aio_pika.exceptions.DeliveryError, native.ChannelClosed]),
        (
            own.ConnectionLost("text"),
            [native.AMQPConnectionError, native.ChannelInvalidStateError, ConnectionError],
        ),
    ],
    ids=lambda value: type(value).__name__,
)
def test_ours_are_the_clients_too(error: Exception, kinds: list[type]) -> None:
    """`except` for either of them works, and the text is ours."""
    assert all(isinstance(error, kind) for kind in [*kinds, aio_pika.exceptions.AMQPError])
    assert str(error) == "text"
    assert repr(error) == f"{type(error).__name__}('text')"


@pytest.mark.rabbit
async def test_the_clients_errors_have_its_frames(make: Any, bare: Bare) -> None:
    """What is caught as the client's has the attributes that the client's has."""
    full = bare.name()
    await bare.queue(full, arguments={"x-max-length": 1, "x-overflow": "reject-publish"})
    async with running(make(default_channel=Channel(on_return_raises=True))) as broker:
        with pytest.raises(aio_pika.exceptions.PublishError) as returned:
            await broker.publish("x", "nobody-reads-this")
        assert returned.value.message.body == b"x"
        assert returned.value.frame.routing_key == "nobody-reads-this"
        await broker.publish("1", full)
        with pytest.raises(aio_pika.exceptions.DeliveryError) as refused:
            await broker.publish("2", full)
        assert type(refused.value.frame).__name__ == "Nack"
        with pytest.raises(aio_pika.exceptions.ChannelNotFoundEntity):
            await broker.publish("x", "k", "no-such-exchange")
        with pytest.raises(aio_pika.exceptions.ChannelPreconditionFailed):
            await broker.declare_queue(full)


# --- declaring by hand


@pytest.mark.rabbit
async def test_equal_declarations_are_one_object(make: Any, bare: Bare) -> None:
    """Also after they were made; what differs is another one."""
    name, other = bare.name(), bare.name()
    fanout = RabbitExchange(name, ExchangeType.FANOUT)
    async with running(make()) as broker:
        queue = await broker.declare_queue(RabbitQueue(name))
        assert await broker.declare_queue(name) is queue
        assert await broker.declare_queue(other) is not queue
        exchange = await broker.declare_exchange(fanout)
        assert await broker.declare_exchange(RabbitExchange(name, ExchangeType.FANOUT)) is exchange
        await queue.bind(exchange)
        await broker.publish("x", exchange=name)
    assert (await bare.take(name)).body == b"x"


# --- traces


@pytest.mark.rabbit
@pytest.mark.parametrize("real", [True, False])
async def test_the_default_exchange_has_no_name_in_attributes(
    make: Any, bare: Bare, seen: Seen, real: bool
) -> None:
    """Attributes have the exchange's name as it is; the names of spans call it `default`."""
    exported, name = Exported(), bare.name()
    broker = make(middlewares=[RabbitTelemetryMiddleware(tracer_provider=exported.provider)])
    broker.subscriber(name)(seen)
    async with running(broker) if real else TestRabbitBroker(broker):
        await broker.publish("x", name)
        await seen.one()
    sent = exported.one(f"default.{name} publish").attributes or {}
    came = exported.one(f"default.{name} process").attributes or {}
    assert sent["messaging.destination.name"] == ""
    assert came["messaging.destination_publish.name"] == ""
