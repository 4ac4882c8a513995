"""What is native to RabbitMQ, on the real server."""

from __future__ import annotations

import asyncio
import logging
from datetime import datetime, timedelta, timezone
from typing import Any

import aio_pika
import pytest

from anystream.core import AckPolicy, Context, Path
from anystream.core.exceptions import (
    BrokerConnectionError,
    FeatureNotSupportedException,
    PublishError,
    SetupError,
)
from anystream.rabbit import (
    Channel,
    ExchangeType,
    QueueType,
    RabbitBroker,
    RabbitExchange,
    RabbitQueue,
    RabbitResponse,
)
from anystream.rabbit.annotations import Channel as ChannelArgument
from anystream.rabbit.annotations import Connection, RabbitMessage, RabbitProducer
from anystream.rabbit.errors import (
    DeclaredDifferently,
    MessageRefused,
    MessageReturned,
    NoExchange,
    NotAllowed,
    NotDeclared,
    PluginMissing,
)
from tests.rabbit.conftest import Bare
from tests.waiting import Seen, running, until

pytestmark = pytest.mark.rabbit


class Lines:
    """A logger that keeps its lines."""

    def __init__(self) -> None:
        self.lines: list[tuple[int, str]] = []

    def log(self, level: int, message: Any, *_: Any, **__: Any) -> None:
        self.lines.append((level, str(message)))


# --- the wire


async def test_every_property_travels(make: Any, bare: Bare) -> None:
    """AMQP's own properties are used, and headers keep their types."""
    name, at = bare.name(), datetime(2024, 5, 6, 7, 8, 9, tzinfo=timezone.utc)
    await bare.queue(name, durable=True)
    async with running(make(app_id="shop")) as broker:
        frame = await broker.publish(
            {"a": 1},
            name,
            persist=True,
            reply_to="answers",
            correlation_id="c-1",
            headers={"n": 1, "ok": True, "list": [1, "x"], "t": at},
            content_encoding="none",
            expiration=timedelta(seconds=90),
            message_id="m-1",
            timestamp=at,
            message_type="order",
            user_id="guest",
            priority=4,
        )
    assert type(frame).__name__ == "Ack"
    got = await bare.take(name)
    assert got.body == b'{"a":1}'
    assert got.headers == {"n": 1, "ok": True, "list": [1, "x"], "t": at}
    expected = {
        "content_type": "application/json",
        "content_encoding": "none",
        "delivery_mode": 2,
        "priority": 4,
        "correlation_id": "c-1",
        "reply_to": "answers",
        "expiration": 90.0,
        "message_id": "m-1",
        "timestamp": at,
        "type": "order",
        "user_id": "guest",
        "app_id": "shop",
    }
    assert {key: getattr(got, key) for key in expected} == expected


async def test_what_is_not_given(make: Any, bare: Bare) -> None:
    """Not persistent, made now, by us, with a correlation id and nothing else."""
    name = bare.name()
    await bare.queue(name, durable=True)
    async with running(make()) as broker:
        await broker.publish("text", name)
        await broker.publish(b"raw", name)
    text, raw = await bare.take(name), await bare.take(name)
    assert (text.body, text.content_type, text.delivery_mode) == (b"text", "text/plain", 1)
    assert text.app_id.startswith("anystream-")
    assert text.correlation_id
    assert abs(text.timestamp - datetime.now(tz=timezone.utc)) < timedelta(minutes=1)
    assert (text.headers, text.expiration, text.reply_to) == ({}, None, None)
    assert (raw.body, raw.content_type) == (b"raw", None)


async def test_a_message_of_the_client_is_sent_as_it_is(make: Any, bare: Bare) -> None:
    """All other options are ignored; handlers may return one, too."""
    name, out = bare.name(), bare.name()
    await bare.queue(out, durable=True)
    ready = aio_pika.Message(b"[1]", content_type="x/y", app_id="mine", priority=2)
    broker = make()

    @broker.subscriber(name)
    @broker.publisher(out)
    async def handle(body: bytes) -> Any:
        return aio_pika.Message(b"made", type="t")

    async with running(broker):
        await broker.publish(ready, name, headers={"no": 1}, priority=7)
        made = await bare.take(out)
        await broker.publish(ready, out, headers={"no": 1}, correlation_id="no")
    assert (made.body, made.type) == (b"made", "t")
    sent = await bare.take(out)
    assert (sent.content_type, sent.app_id, sent.priority) == ("x/y", "mine", 2)
    assert (sent.headers, sent.correlation_id) == ({}, None)


async def test_the_client_message_is_at_hand(make: Any, bare: Bare, seen: Seen) -> None:
    """`raw_message` is the client's, and may be acknowledged with its own methods."""
    name, broker = bare.name(), make()

    @broker.subscriber(name)
    async def handle(body: str, message: RabbitMessage) -> None:
        raw = message.raw_message
        await raw.ack()
        seen((type(raw).__mro__[1], raw.routing_key, raw.redelivered, raw.processed))

    async with running(broker):
        await broker.publish("1", name)
        await broker.publish("2", name)  # the channel has survived the first one
        assert await seen.count(2) == [(aio_pika.IncomingMessage, name, False, True)] * 2
    assert await bare.count(name) == 0


async def test_annotations(make: Any, bare: Bare, seen: Seen) -> None:
    """Connection, channel and producer of the client come by their aliases."""
    name, broker = bare.name(), make()

    @broker.subscriber(name)
    async def handle(
        connection: Connection, channel: ChannelArgument, producer: RabbitProducer
    ) -> None:
        seen((type(connection).__mro__[1], type(channel), type(producer).__name__))

    async with running(broker):
        await broker.publish("", name)
        expected = (aio_pika.RobustConnection, aio_pika.RobustChannel, "RabbitSender")
        assert await seen.one() == expected


# --- exchanges


async def test_headers_exchange(make: Any, bare: Bare, seen: Seen) -> None:
    """The arguments of a binding say what must be in the headers."""
    broker, exchange = make(), RabbitExchange(bare.name(), ExchangeType.HEADERS)
    bindings = {
        "all": {"x-match": "all", "a": 1, "b": "x"},
        "any": {"x-match": "any", "a": 1, "b": "x"},
        "default": {"a": 1},
    }

    def declare(label: str, arguments: dict[str, Any]) -> None:
        @broker.subscriber(RabbitQueue(bare.name(), bind_arguments=arguments), exchange)
        async def handle(body: str) -> None:
            seen((label, body))

    for label, arguments in bindings.items():
        declare(label, arguments)
    async with running(broker):
        await broker.publish("both", exchange=exchange, headers={"a": 1, "b": "x", "c": 3})
        await broker.publish("one", exchange=exchange, headers={"b": "x"})
        await broker.publish("none", exchange=exchange, headers={"a": 2})
        got = await seen.count(4)
    assert sorted(got) == [("all", "both"), ("any", "both"), ("any", "one"), ("default", "both")]


async def test_exchanges_bound_to_exchanges(make: Any, bare: Bare, seen: Seen) -> None:
    """What goes to the outer one reaches queues of the inner one, by its key."""
    outer = RabbitExchange(bare.name(), ExchangeType.TOPIC)
    inner = RabbitExchange(bare.name(), ExchangeType.FANOUT, bind_to=outer, routing_key="orders.#")
    broker, name = make(), bare.name()

    @broker.subscriber(name, inner)
    async def handle(body: str) -> None:
        seen(body)

    async with running(broker):
        await broker.publish("no", exchange=outer, routing_key="other")
        await broker.publish("yes", exchange=outer, routing_key="orders.new.eu")
        assert await seen.one() == "yes"


async def test_path_and_topic(make: Any, bare: Bare, seen: Seen) -> None:
    """`{name}` parts of a routing key are captured; `#` takes any number of words."""
    broker, exchange = make(), RabbitExchange(bare.name(), ExchangeType.TOPIC)

    @broker.subscriber(RabbitQueue(bare.name(), routing_key="logs.#.{level}"), exchange)
    async def handle(body: str, level: str = Path()) -> None:
        seen((body, level))

    async with running(broker):
        await broker.publish("a", routing_key="logs.info", exchange=exchange)
        await broker.publish("b", routing_key="logs.eu.db.error", exchange=exchange)
        assert await seen.count(2) == [("a", "info"), ("b", "error")]


async def test_publishing_to_an_exchange_that_is_not_there(make: Any, bare: Bare) -> None:
    """An error of ours that names it; the channel, and later messages, do not suffer."""
    name = bare.name()
    await bare.queue(name, durable=True)
    async with running(make()) as broker:
        with pytest.raises(NoExchange, match="'nowhere-at-all'"):
            await broker.publish("x", name, "nowhere-at-all")
        await broker.publish("y", name)
        late = bare.name()
        await broker.declare_exchange(late)
        await broker.publish("x", "k", late, mandatory=False)
        await bare.channel.exchange_delete(late)
        with pytest.raises(PublishError, match=late):
            await broker.publish("x", "k", late)
        await broker.publish("z", name)
    assert [(await bare.take(name)).body for _ in range(2)] == [b"y", b"z"]


async def test_an_exchange_of_a_plugin_that_is_missing(make: Any, bare: Bare) -> None:
    """The error names the plugin's type, the subscriber and the remedy; nothing is left."""
    broker = make()
    exchange = RabbitExchange(
        bare.name(), ExchangeType.X_DELAYED_MESSAGE, arguments={"x-delayed-type": "direct"}
    )

    @broker.subscriber(bare.name(), exchange)
    async def handle(body: str) -> None: ...

    with pytest.raises(PluginMissing, match="rabbitmq-plugins enable"):
        await broker.start()
    assert not broker.running
    assert broker.rabbit.link is None


# --- declarations


async def test_a_queue_declared_differently(make: Any, bare: Bare) -> None:
    """Our error names the subscriber, the queue, what differs and the remedy."""
    name, broker = bare.name(), make()
    await bare.queue(name, durable=False, auto_delete=False)

    @broker.subscriber(name)
    async def on_order(body: str) -> None: ...

    with pytest.raises(DeclaredDifferently) as error:
        await broker.start()
    text = str(error.value)
    assert "on_order" in text
    assert name in text
    assert "declare=False" in text
    assert "durable" in text or "x-queue-type" in text


async def test_two_subscribers_that_disagree(make: Any, bare: Bare) -> None:
    """Also inside one broker."""
    name, broker = bare.name(), make()
    for arguments in (None, {"x-max-length": 3}):

        @broker.subscriber(RabbitQueue(name, arguments=arguments))
        async def handle(body: str) -> None: ...

    with pytest.raises(DeclaredDifferently, match="x-max-length"):
        await broker.start()


async def test_passive_declaration(make: Any, bare: Bare, seen: Seen) -> None:
    """`declare=False` takes a queue as it is, without binding it; it must be there."""
    name = bare.name()
    broker = make()

    @broker.subscriber(RabbitQueue(name, declare=False), RabbitExchange(declare=False))
    async def handle(body: str) -> None:
        seen(body)

    with pytest.raises(NotDeclared, match="Leave declare=False out"):
        await broker.start()
    await bare.queue(name, durable=False, auto_delete=True)
    async with running(broker):
        await broker.publish("x", name)
        assert await seen.one() == "x"


async def test_an_exclusive_queue_of_somebody_else(make: Any, bare: Bare) -> None:
    """Said as such."""
    name, broker = bare.name(), make()
    await bare.queue(name, exclusive=True)

    @broker.subscriber(name)
    async def handle(body: str) -> None: ...

    with pytest.raises(NotAllowed, match="exclusive"):
        await broker.start()


async def test_declaring_by_hand(make: Any, bare: Bare, seen: Seen) -> None:
    """`declare_queue` and `declare_exchange` return the client's objects."""
    name, other = bare.name(), bare.name()
    async with running(make()) as broker:
        exchange = await broker.declare_exchange(RabbitExchange(other, ExchangeType.TOPIC))
        queue = await broker.declare_queue(RabbitQueue(name))
        assert (exchange.name, queue.name) == (other, name)
        await queue.bind(exchange, "a.*")
        await broker.publish("x", routing_key="a.b", exchange=other)
        assert (await bare.take(name)).body == b"x"
        assert (await broker.declare_exchange("")).name == ""
        with pytest.raises(DeclaredDifferently, match="declare_queue"):
            await broker.declare_queue(RabbitQueue(name, durable=False))
    with pytest.raises(SetupError.__mro__[1], match="not connected"):
        await broker.declare_queue(name)


@pytest.mark.parametrize(
    ("url", "text"),
    [
        ("amqp://guest:wrong@localhost:5672/", "credentials are refused"),
        ("amqp://guest:guest@localhost:5672/no-such-host", "no-such-host"),
        ("amqp://guest:guest@127.0.0.1:1/", "127.0.0.1:1"),
    ],
)
async def test_no_connection(url: str, text: str) -> None:
    """Our error says what was wrong, and where, without the password."""
    broker = RabbitBroker(url, logger=None)
    with pytest.raises(BrokerConnectionError, match=text) as error:
        await broker.start()
    assert "wrong@" not in str(error.value)
    assert await broker.ping(0.5) is False
    await broker.stop()


# --- publishing


async def test_a_returned_message_is_visible(make: Any) -> None:
    """A mandatory message that reaches no queue is logged, and the frame is the result."""
    log = Lines()
    async with running(make(logger=log)) as broker:
        result = await broker.publish("x", "nobody-reads-this")
        assert result.delivery.reply_text == "NO_ROUTE"
        quiet = await broker.publish("x", "nobody-reads-this", mandatory=False)
        assert type(quiet).__name__ == "Ack"
    returned = [text for level, text in log.lines if level == logging.WARNING]
    assert len(returned) == 1
    assert "'nobody-reads-this' was returned" in returned[0]


async def test_returned_messages_can_raise(make: Any, bare: Bare) -> None:
    """With `on_return_raises` the error has the returned frame; a publisher may say otherwise."""
    settings = Channel(on_return_raises=True)
    async with running(make(default_channel=settings)) as broker:
        with pytest.raises(MessageReturned, match="no queue takes it") as error:
            await broker.publish("x", "nobody-reads-this")
        assert error.value.returned.body == b"x"
        relaxed = broker.publisher("nobody-reads-this", mandatory=False)
        await relaxed.publish("x")
        with pytest.raises(MessageReturned):
            await relaxed.publish("x", mandatory=True)


async def test_the_options_of_a_publisher(make: Any, bare: Bare) -> None:
    """They count for handlers' results, too; a response counts more, the caller most."""
    name, out = bare.name(), bare.name()
    await bare.queue(out, durable=True)
    broker = make()
    publisher = broker.publisher(
        out, persist=True, priority=1, headers={"h": 1}, message_type="t", expiration=60
    )

    @broker.subscriber(name)
    @publisher
    async def handle(body: str) -> Any:
        return RabbitResponse(body, priority=2, headers={"r": 2}) if body == "r" else body

    async with running(broker):
        await broker.publish("plain", name)
        plain = await bare.take(out)
        await broker.publish("r", name)
        response = await bare.take(out)
        await publisher.publish("by hand", priority=3, persist=False)
        by_hand = await bare.take(out)
    assert (plain.delivery_mode, plain.priority, plain.type, plain.expiration) == (2, 1, "t", 60.0)
    assert (response.priority, response.delivery_mode) == (2, 2)
    assert response.headers == {"h": 1, "r": 2}
    assert (by_hand.priority, by_hand.delivery_mode, by_hand.type) == (3, 1, "t")


async def test_a_response_chooses_the_exchange(make: Any, bare: Bare) -> None:
    """Its exchange counts more than the publisher's; the key is the publisher's."""
    name, out, other = bare.name(), bare.name(), bare.name()
    broker = make()

    @broker.subscriber(name)
    @broker.publisher(out)
    async def handle(body: str) -> RabbitResponse:
        return RabbitResponse(body, exchange=other)

    async with running(broker):
        await broker.declare_exchange(RabbitExchange(other))
        queue = await broker.declare_queue(bare.name())
        await queue.bind(other, out)
        await broker.publish("x", name)
        assert (await bare.take(queue.name)).body == b"x"


async def test_replies_to_an_exchange(make: Any, bare: Bare) -> None:
    """`queue|exchange` is a routing key and an exchange."""
    name, exchange = bare.name(), bare.name()
    broker = make()

    @broker.subscriber(name)
    async def handle(body: str) -> str:
        return body.upper()

    async with running(broker):
        await broker.declare_exchange(RabbitExchange(exchange))
        queue = await broker.declare_queue(bare.name())
        await queue.bind(exchange, "answers")
        await broker.publish("x", name, reply_to=f"answers|{exchange}", correlation_id="c")
        answer = await bare.take(queue.name)
    assert (answer.body, answer.correlation_id) == (b"X", "c")


async def test_without_confirms(make: Any, bare: Bare) -> None:
    """Nothing is waited for, so nothing is returned."""
    name = bare.name()
    await bare.queue(name, durable=True)
    async with running(make(default_channel=Channel(publisher_confirms=False))) as broker:
        assert await broker.publish("x", name) is None
    assert (await bare.take(name)).body == b"x"


async def test_what_the_server_refuses(make: Any, bare: Bare) -> None:
    """A full queue, a wrong user, values that AMQP cannot carry: errors of ours."""
    full, name = bare.name(), bare.name()
    arguments = {"x-max-length": 1, "x-overflow": "reject-publish"}
    await bare.queue(full, durable=True, arguments=arguments)
    await bare.queue(name, durable=True)
    async with running(make()) as broker:
        await broker.publish("x", full)
        with pytest.raises(MessageRefused, match="a queue is full"):
            await broker.publish("x", full)
        with pytest.raises(MessageRefused, match="user_id"):
            await broker.publish("x", name, user_id="somebody")
        with pytest.raises(PublishError, match="AMQP cannot carry"):
            await broker.publish("x", name, headers={"o": object()})
        with pytest.raises(PublishError, match="AMQP cannot carry"):
            await broker.publish("x", name, expiration="soon")  # type: ignore[arg-type]
        with pytest.raises(PublishError, match="AMQP cannot carry"):
            await broker.publish("x", "k" * 300)
        with pytest.raises(FeatureNotSupportedException, match="since version 3"):
            await broker.publish("x", name, immediate=True)
        await broker.publish("still", name)
    assert (await bare.take(name)).body == b"still"


async def test_fifty_requests_at_once(make: Any, bare: Bare) -> None:
    """Each gets its own answer, also when two have one correlation id."""
    name, broker = bare.name(), make()

    @broker.subscriber(name, max_workers=20)
    async def handle(number: int) -> int:
        await asyncio.sleep(0.001 * (number % 7))
        return number * 2

    async with running(broker):
        asked = [broker.request(number, name, timeout=10) for number in range(50)]
        answers = [await answer.decode() for answer in await asyncio.gather(*asked)]
        assert answers == [number * 2 for number in range(50)]
        same = [broker.request(n, name, correlation_id="c", timeout=10) for n in (1, 2)]
        both = [await answer.decode() for answer in await asyncio.gather(*same)]
        assert sorted(both) == [2, 4]
        assert broker.transport.requests._waiting == {}


async def test_a_responder_without_correlation_ids(make: Any, bare: Bare) -> None:
    """An answer without an id is for the only one who waits."""
    name = bare.name()
    queue = await bare.queue(name, durable=True)

    async def answer(message: Any) -> None:
        await bare.send(message.reply_to, b"foreign")
        await message.ack()

    await queue.consume(answer)
    async with running(make()) as broker:
        reply = await broker.request("x", name, timeout=5)
        assert await reply.decode() == b"foreign"


# --- consuming


async def test_dead_letters(make: Any, bare: Bare, seen: Seen) -> None:
    """A rejected message, and one that is too old, go to the dead letter exchange."""
    name, dead = bare.name(), bare.name()
    broker = make()
    arguments = {
        "x-dead-letter-exchange": "",
        "x-dead-letter-routing-key": dead,
        "x-message-ttl": 60000,
    }

    @broker.subscriber(RabbitQueue(name, arguments=arguments))
    async def fail(body: str) -> None:
        raise ValueError(body)

    @broker.subscriber(dead)
    async def bury(body: str, message: RabbitMessage) -> None:
        seen((body, message.headers["x-death"][0]["reason"]))

    async with running(broker):
        await broker.publish("bad", name)
        assert await seen.one() == ("bad", "rejected")


async def test_delayed_by_ttl_and_dead_letters(make: Any, bare: Bare, seen: Seen) -> None:
    """A queue that nobody reads, with a TTL, delivers later to another one."""
    waiting, name = bare.name(), bare.name()
    broker = make()

    @broker.subscriber(name)
    async def handle(body: str, message: RabbitMessage) -> None:
        seen((body, message.headers["x-death"][0]["reason"]))

    async with running(broker):
        arguments = {"x-dead-letter-exchange": "", "x-dead-letter-routing-key": name}
        await broker.declare_queue(RabbitQueue(waiting, arguments=arguments))
        await broker.publish("later", waiting, expiration=0.1)
        assert await seen.one() == ("later", "expired")


async def test_priorities(make: Any, bare: Bare, seen: Seen) -> None:
    """What is more urgent overtakes what waits."""
    name, broker = bare.name(), make()
    queue = RabbitQueue(name, arguments={"x-max-priority": 10})
    await broker.connect()
    await broker.declare_queue(queue)
    for priority in (1, 9, 5):
        await broker.publish(str(priority), name, priority=priority)

    @broker.subscriber(queue)
    async def handle(body: str) -> None:
        seen(body)

    async with running(broker):
        assert await seen.count(3) == ["9", "5", "1"]


async def test_the_limit_of_a_channel(make: Any, bare: Bare, seen: Seen) -> None:
    """So many are handled at once, and no more are taken from the server."""
    name, broker, go = bare.name(), make(), asyncio.Event()

    @broker.subscriber(name, channel=Channel(prefetch_count=3))
    async def handle(body: int) -> None:
        seen(body)
        await go.wait()

    async with running(broker):
        await broker.publish_batch(*range(10), queue=name)
        await seen.count(3)
        assert await bare.count(name) == 7
        go.set()
        assert sorted(await seen.count(10)) == list(range(10))


async def test_a_shared_channel(make: Any, bare: Bare, seen: Seen) -> None:
    """Subscribers with one `Channel` object share the real channel; others have their own."""
    broker, shared = make(), Channel(prefetch_count=5)
    names = [bare.name() for _ in range(3)]
    for name, settings in zip(names, (shared, shared, None), strict=True):

        @broker.subscriber(name, channel=settings)
        async def handle(body: str, message: RabbitMessage) -> None:
            seen(message.raw_message.channel.number)

    async with running(broker):
        for name in names:
            await broker.publish("x", name)
        first, second, third = sorted(await seen.count(3), key=seen.items.count, reverse=True)
        assert first == second != third
        await broker.subscribers[0].stop()  # the other one goes on
        await broker.publish("x", names[1])
        await seen.count(4)


async def test_channel_numbers(make: Any, bare: Bare, seen: Seen) -> None:
    """A number that is given is used; one that is taken is an error of ours."""
    broker, name = make(default_channel=Channel(channel_number=77)), bare.name()

    @broker.subscriber(name, channel=Channel(channel_number=99))
    async def handle(body: str, message: RabbitMessage) -> None:
        seen(message.raw_message.channel.number)

    async with running(broker):
        await broker.publish("x", name)
        assert await seen.one() == 99
        taken = broker.subscriber(bare.name(), channel=Channel(channel_number=77))
        taken(lambda body: None)
        with pytest.raises(SetupError, match="number 77"):
            await taken.start()


async def test_an_abandoned_message_goes_back(make: Any, bare: Bare, seen: Seen) -> None:
    """Also from a channel that stays open for another subscriber."""
    broker, shared = make(graceful_timeout=0.1), Channel(prefetch_count=5)
    stuck, other = bare.name(), bare.name()

    @broker.subscriber(stuck, channel=shared)
    async def hang(body: str) -> None:
        seen(body)
        await asyncio.sleep(60)

    @broker.subscriber(other, channel=shared)
    async def handle(body: str) -> None: ...

    async with running(broker):
        await broker.publish("x", stuck)
        await seen.one()
        await broker.subscribers[0].stop()
        message = await bare.take(stuck)
        assert (message.body, message.redelivered) == (b"x", True)


async def test_skipped_messages_do_not_stop_the_consumer(make: Any, bare: Bare, seen: Seen) -> None:
    """They stay unacknowledged, and the server sends more than the limit."""
    from anystream.core.exceptions import SkipMessage

    name, broker = bare.name(), make()

    @broker.subscriber(name)
    async def handle(body: int) -> None:
        seen(body)
        if body < 20:
            raise SkipMessage

    async with running(broker):
        await broker.publish_batch(*range(25), queue=name)
        assert sorted(await seen.count(25)) == list(range(25))
    assert await bare.count(name) == 20


async def test_manual_acknowledgement_keeps_the_limit(make: Any, bare: Bare, seen: Seen) -> None:
    """Who acknowledges several at once gets so many; when the limit is reached, a line says so."""
    name, log = bare.name(), Lines()
    broker = make(logger=log)

    @broker.subscriber(
        name, channel=Channel(prefetch_count=4), ack_policy=AckPolicy.MANUAL, max_workers=1
    )
    async def handle(body: int, message: RabbitMessage) -> None:
        seen(message)

    async with running(broker):
        await broker.publish_batch(*range(10), queue=name)
        messages = await seen.count(4)

        async def said() -> None:
            while not any("gets no more" in text for _, text in log.lines):
                await asyncio.sleep(0.01)

        await asyncio.wait_for(said(), 5)
        await messages[3].ack(multiple=True)
        assert len(await seen.count(8)) == 8
    assert await bare.count(name) == 6


async def test_ack_first(make: Any, bare: Bare, seen: Seen) -> None:
    """The server forgets the message when it sends it."""
    name, broker, go = bare.name(), make(), asyncio.Event()

    @broker.subscriber(name, ack_policy=AckPolicy.ACK_FIRST)
    async def handle(body: str, message: RabbitMessage) -> None:
        seen((message.committed is not None, message.raw_message.processed))
        await go.wait()

    async with running(broker):
        await broker.publish("x", name)
        assert await seen.one() == (True, True)
        go.set()
    assert await bare.count(name) == 0


async def test_a_stream(make: Any, bare: Bare, seen: Seen) -> None:
    """A stream is read from where `x-stream-offset` says; what is rejected does not come again."""
    name, broker = bare.name(), make()
    queue = RabbitQueue(name, QueueType.STREAM)
    await broker.connect()
    await broker.declare_queue(queue)
    await broker.publish_batch(*range(10), queue=name)

    @broker.subscriber(queue, consume_args={"x-stream-offset": 3})
    async def handle(body: int, message: RabbitMessage) -> None:
        seen(body)
        if body == 5:
            raise ValueError(body)

    async with running(broker):
        assert await seen.count(7) == [3, 4, 5, 6, 7, 8, 9]
        await broker.subscribers[0].pause()
        await broker.publish(10, name)
        await broker.subscribers[0].resume()
        assert (await seen.count(8))[-1] == 10
        broker.rabbit.link.cut()
        await until(lambda: not broker.rabbit.is_up)
        await broker.publish(11, name)
        assert (await seen.count(9))[-1] == 11
    assert seen.items == [3, 4, 5, 6, 7, 8, 9, 10, 11]


async def test_reading_without_a_handler(make: Any, bare: Bare) -> None:
    """`get_one` takes a message out of the queue; iteration leaves acknowledging to the user."""
    name = bare.name()
    async with running(make()) as broker:
        reader = broker.subscriber(name)
        await reader.start()
        await broker.publish_batch("a", "b", "c", queue=name)
        first = await reader.get_one(timeout=5)
        assert first is not None
        assert (await first.decode(), first.committed is not None) == ("a", True)
        async for message in reader:
            assert message.committed is None
            await message.ack()
            if await message.decode() == "c":
                break
        assert await reader.get_one(timeout=0.05) is None
        await reader.stop()
    assert await bare.count(name) == 0


async def test_batches(make: Any, bare: Bare, seen: Seen) -> None:
    """A handler takes all that waits, up to the limit; one acknowledgement counts for all."""
    name, broker = bare.name(), make()
    await broker.connect()
    await broker.declare_queue(name)
    await broker.publish_batch(*range(25), queue=name)

    @broker.subscriber(name, batch=True, channel=Channel(prefetch_count=10))
    async def handle(bodies: list[int]) -> None:
        seen(bodies)

    async with running(broker):
        while sum(len(bodies) for bodies in seen.items) < 25:
            await seen.count(len(seen.items) + 1)
    assert max(len(bodies) for bodies in seen.items) <= 10
    assert [number for bodies in seen.items for number in bodies] == list(range(25))
    assert await bare.count(name) == 0


async def test_headers_are_injected_with_their_types(make: Any, bare: Bare, seen: Seen) -> None:
    """Numbers stay numbers."""
    name, broker = bare.name(), make()

    @broker.subscriber(name)
    async def handle(body: str, count: int = Context("message.headers.count")) -> None:
        seen(count)

    async with running(broker):
        await broker.publish("x", name, headers={"count": 3})
        assert await seen.one() == 3
