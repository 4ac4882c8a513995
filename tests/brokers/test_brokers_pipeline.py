"""What stands around a handler: filters, middlewares, parsers, decoders, codecs."""

from __future__ import annotations

import json
from typing import Annotated, Any

import pytest

from anystream.core import BaseMiddleware, Context, ExceptionMiddleware, PublishType, SourceType
from anystream.core.exceptions import SubscriberNotFound
from tests.brokers.harness import Can
from tests.brokers.rig import Rig

needs = pytest.mark.needs
every_kind = pytest.mark.kinds("every")
Message = Annotated[Any, Context("message")]


@needs(Can.CONTENT_TYPE)
async def test_filters(rig: Rig) -> None:
    """The first handler whose filter takes the message gets it."""
    broker, address, seen = rig.broker(), rig.address(), rig.seen()
    subscriber = rig.subscribe(broker, address)

    @subscriber(filter=lambda message: message.content_type == "application/json")
    async def on_json(body: dict[str, Any]) -> None:
        seen(("json", body))

    @subscriber
    async def on_others(body: Any) -> None:
        seen(("other", body))

    async with rig.running(broker):
        await rig.publish(broker, {"a": 1}, address)
        await rig.publish(broker, "text", address)
        assert sorted(await seen.count(2)) == [("json", {"a": 1}), ("other", "text")]


@needs(Can.HEADERS)
async def test_async_filters_on_headers(rig: Rig) -> None:
    """A filter may be `async def`; it sees headers and the undecoded body."""
    broker, address, seen = rig.broker(), rig.address(), rig.seen()
    subscriber = rig.subscribe(broker, address)

    async def loud(message: Any) -> bool:
        return message.headers.get("tone") == "loud" and message.body == b"x"

    @subscriber(filter=loud)
    async def on_loud(body: str) -> None:
        seen("loud")

    @subscriber
    async def on_rest(body: str) -> None:
        seen("rest")

    async with rig.running(broker):
        await rig.publish(broker, "x", address, headers={"tone": "loud"})
        await rig.publish(broker, "x", address, headers={"tone": "quiet"})
        assert sorted(await seen.count(2)) == ["loud", "rest"]


async def test_no_filter_takes_the_message(rig: Rig) -> None:
    """That is an error of this message; the next one is handled."""
    broker, address, seen = rig.broker(), rig.address(), rig.seen()
    subscriber = rig.subscribe(broker, address)

    @subscriber(filter=lambda message: message.body != b"bad")
    async def handle(body: str) -> None:
        seen(body)

    async with rig.running(broker):
        await rig.publish(broker, "bad", address, fails=SubscriberNotFound)
        await rig.publish(broker, "good", address)
        assert await seen.one() == "good"
    assert seen.items == ["good"]


async def test_each_handler_of_a_subscriber_has_its_own_type(rig: Rig) -> None:
    """Validation belongs to the handler that was chosen."""
    broker, address, seen = rig.broker(), rig.address(), rig.seen()
    subscriber = rig.subscribe(broker, address)

    @subscriber(filter=lambda message: message.correlation_id == "number")
    async def on_number(body: int) -> None:
        seen(body + 1)

    @subscriber(filter=lambda message: message.correlation_id == "text")
    async def on_text(body: str) -> None:
        seen(body + "1")

    async with rig.running(broker):
        await rig.publish(broker, "5", address, correlation_id="number")
        await rig.publish(broker, "5", address, correlation_id="text")
        assert sorted(await seen.count(2), key=str) == ["51", 6]


class Journal:
    """Notes what middlewares are called for."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def make(self, name: str) -> type[BaseMiddleware]:
        journal = self.lines

        class Noting(BaseMiddleware):
            async def on_receive(self) -> None:
                journal.append(f"{name} receive")

            async def consume_scope(self, call_next: Any, msg: Any) -> Any:
                journal.append(f"{name} consume")
                try:
                    return await call_next(msg)
                finally:
                    journal.append(f"{name} consumed")

            async def publish_scope(self, call_next: Any, cmd: Any) -> Any:
                journal.append(f"{name} {cmd.publish_type.value.lower()}")
                return await call_next(cmd)

            async def after_processed(self, exc_type: Any, exc_val: Any, exc_tb: Any) -> Any:
                journal.append(f"{name} after {exc_type.__name__ if exc_type else 'success'}")
                return False

        return Noting


@every_kind
async def test_all_hooks_in_order(rig: Rig) -> None:
    """Broker outside, then the inclusion, then the router; results pass them in the same order."""
    journal = Journal()
    broker = rig.broker(middlewares=[journal.make("A"), journal.make("B")])
    router = rig.router(middlewares=[journal.make("R")])
    address, out = rig.address(), rig.address()

    @rig.subscribe(router, address)
    @rig.publisher(router, out)
    async def handle(body: str) -> str:
        journal.lines.append("handler")
        return body

    broker.include_router(router, middlewares=[journal.make("I")])
    async with rig.running(broker):
        await rig.publish(broker, "x", address)
        while not journal.lines[-1].startswith("A after"):
            await rig.tick()
    assert journal.lines[:2] == ["A publish", "B publish"]
    assert journal.lines[2:] == [
        *("A receive", "B receive", "I receive", "R receive"),
        *("A consume", "B consume", "I consume", "R consume"),
        "handler",
        *("R consumed", "I consumed", "B consumed", "A consumed"),
        *("A publish", "B publish", "I publish", "R publish"),
        *("R after success", "I after success", "B after success", "A after success"),
    ]


async def test_after_processed_sees_the_exception(rig: Rig) -> None:
    """And the handler's exception reaches it through `consume_scope`."""
    journal = Journal()
    broker, address = rig.broker(middlewares=[journal.make("A")]), rig.address()

    @rig.subscribe(broker, address)
    async def handle(body: str) -> None:
        raise ValueError(body)

    async with rig.running(broker):
        await rig.publish(broker, "x", address, fails=ValueError)
        while not journal.lines[-1].startswith("A after"):
            await rig.tick()
    assert journal.lines == [
        *("A publish", "A receive", "A consume", "A consumed", "A after ValueError"),
    ]


async def test_after_processed_swallows_the_exception(rig: Rig) -> None:
    """A true result ends the exception there: outer middlewares see a success."""
    journal = Journal()

    class Swallowing(BaseMiddleware):
        async def after_processed(self, exc_type: Any, exc_val: Any, exc_tb: Any) -> bool:
            return exc_type is ValueError

    broker = rig.broker(middlewares=[journal.make("A"), Swallowing])
    address = rig.address()

    @rig.subscribe(broker, address)
    async def handle(body: str) -> None:
        raise ValueError(body)

    async with rig.running(broker):
        await rig.publish(broker, "x", address)
        while not journal.lines[-1].startswith("A after"):
            await rig.tick()
    assert journal.lines[-1] == "A after success"


async def test_a_middleware_changes_the_message(rig: Rig) -> None:
    """`consume_scope` may change what is consumed, and the result."""

    class Changing(BaseMiddleware):
        async def consume_scope(self, call_next: Any, msg: Any) -> Any:
            msg.body = msg.body.replace(b"x", b"y")
            return f"{await call_next(msg)}!"

    broker, router = rig.broker(), rig.router(middlewares=[Changing])
    address, out, seen = rig.address(), rig.address(), rig.seen()

    @rig.subscribe(router, address)
    @rig.publisher(broker, out)
    async def handle(body: str) -> str:
        return body * 2

    @rig.subscribe(broker, out)
    async def after(body: str) -> None:
        seen(body)

    broker.include_router(router)
    async with rig.running(broker):
        await rig.publish(broker, "x", address)
        assert await seen.one() == "yy!"


async def test_a_middleware_skips_the_handler(rig: Rig) -> None:
    """`consume_scope` that does not call on decides itself."""

    class Guard(BaseMiddleware):
        async def consume_scope(self, call_next: Any, msg: Any) -> Any:
            if msg.body != b"secret":
                return await call_next(msg)
            return None

    broker, address, seen = rig.broker(middlewares=[Guard]), rig.address(), rig.seen()

    @rig.subscribe(broker, address)
    async def handle(body: str) -> None:
        seen(body)

    async with rig.running(broker):
        await rig.publish(broker, "secret", address)
        await rig.publish(broker, "open", address)
        assert await seen.one() == "open"


@needs(Can.HEADERS)
async def test_a_publish_middleware(rig: Rig) -> None:
    """`publish_scope` may change body, headers and correlation id of everything that goes out."""

    class Stamping(BaseMiddleware):
        async def publish_scope(self, call_next: Any, cmd: Any) -> Any:
            cmd.add_headers({"stamp": "1"})
            cmd.body = f"<{cmd.body}>"
            cmd.correlation_id = "stamped"
            return await call_next(cmd)

    broker, address, seen = rig.broker(middlewares=[Stamping]), rig.address(), rig.seen()

    @rig.subscribe(broker, address)
    async def handle(body: str, message: Message) -> None:
        seen((body, message.headers["stamp"], message.correlation_id))

    async with rig.running(broker):
        await rig.publish(broker, "x", address)
        await rig.publisher(broker, address).publish("y")
        assert sorted(await seen.count(2)) == [("<x>", "1", "stamped"), ("<y>", "1", "stamped")]


async def test_a_publish_middleware_keeps_a_message_back(rig: Rig) -> None:
    """One that does not call on sends nothing."""

    class Quiet(BaseMiddleware):
        async def publish_scope(self, call_next: Any, cmd: Any) -> Any:
            return None if cmd.body == "secret" else await call_next(cmd)

    broker, address, seen = rig.broker(middlewares=[Quiet]), rig.address(), rig.seen()

    @rig.subscribe(broker, address)
    async def handle(body: str) -> None:
        seen(body)

    async with rig.running(broker):
        await rig.publish(broker, "secret", address)
        await rig.publish(broker, "open", address)
        assert await seen.one() == "open"


@needs(Can.REQUEST)
async def test_middlewares_around_a_request(rig: Rig) -> None:
    """The request passes `publish_scope`; the answer is consumed as a response."""
    found: list[tuple[str, Any]] = []

    class Noting(BaseMiddleware):
        async def publish_scope(self, call_next: Any, cmd: Any) -> Any:
            found.append(("publish", cmd.publish_type))
            return await call_next(cmd)

        async def consume_scope(self, call_next: Any, msg: Any) -> Any:
            found.append(("consume", msg.source_type))
            return await call_next(msg)

    broker, address = rig.broker(middlewares=[Noting]), rig.address()

    @rig.subscribe(broker, address)
    async def handle(body: str) -> str:
        return body

    async with rig.running(broker):
        await rig.request(broker, "x", address)
    assert sorted(found) == sorted(
        [
            ("publish", PublishType.REQUEST),
            ("consume", SourceType.CONSUME),
            ("publish", PublishType.REPLY),
            ("consume", SourceType.RESPONSE),
        ]
    )


async def test_middlewares_added_while_running(rig: Rig) -> None:
    """`add_middleware` and `insert_middleware` count from the next message on."""
    journal = Journal()
    broker, address, seen = rig.broker(middlewares=[journal.make("M")]), rig.address(), rig.seen()

    @rig.subscribe(broker, address)
    async def handle(body: int) -> None:
        seen(body)

    async with rig.running(broker):
        await rig.publish(broker, 1, address)
        await seen.count(1)
        broker.add_middleware(journal.make("inner"))
        broker.insert_middleware(journal.make("outer"))
        await rig.publish(broker, 2, address)
        while not journal.lines[-1].startswith("outer after"):
            await rig.tick()
    received = [line for line in journal.lines if line.endswith("receive")]
    assert received == ["M receive", "outer receive", "M receive", "inner receive"]


async def test_an_exception_middleware(rig: Rig) -> None:
    """It turns exceptions into results (published), or takes them."""
    handlers = ExceptionMiddleware()

    @handlers.add_handler(ZeroDivisionError, publish=True)
    def on_zero(error: ZeroDivisionError) -> str:
        return "infinite"

    taken: list[str] = []

    @handlers.add_handler(ValueError)
    async def on_value(error: ValueError, message: Message) -> None:
        taken.append(f"{error} {message.body!r}")

    broker, address, out = rig.broker(middlewares=[handlers]), rig.address(), rig.address()
    seen = rig.seen()

    @rig.subscribe(broker, address)
    @rig.publisher(broker, out)
    async def handle(body: int) -> str:
        return str(1 / body)

    @rig.subscribe(broker, out)
    async def after(body: str) -> None:
        seen(body)
        if body == "0.5":
            raise ValueError("wrong")

    async with rig.running(broker):
        await rig.publish(broker, 0, address)
        assert await seen.one() == "infinite"
        await rig.publish(broker, 2, address)
        await seen.count(2)
        while not taken:
            await rig.tick()
    assert taken == ["wrong b'0.5'"]


@every_kind
async def test_a_parser(rig: Rig) -> None:
    """A parser gets the native message and the default parser, and makes the message."""

    async def parser(raw: Any, original: Any) -> Any:
        message = await original(raw)
        message.correlation_id = "parsed"
        return message

    broker, address, seen = rig.broker(), rig.address(), rig.seen()

    @rig.subscribe(broker, address, parser=parser)
    async def handle(body: str, message: Message) -> None:
        seen((body, message.correlation_id))

    async with rig.running(broker):
        await rig.publish(broker, "x", address)
        assert await seen.one() == ("x", "parsed")


@every_kind
async def test_a_decoder(rig: Rig) -> None:
    """A decoder gets the message and makes the body."""

    def decoder(message: Any) -> Any:
        return {"size": len(message.body)}

    broker, address, seen = rig.broker(), rig.address(), rig.seen()

    @rig.subscribe(broker, address, decoder=decoder)
    async def handle(body: dict[str, int]) -> None:
        seen(body)

    async with rig.running(broker):
        await rig.publish(broker, "12345", address)
        assert await seen.one() == {"size": 5}


async def test_a_decoder_around_the_default(rig: Rig) -> None:
    """With a second parameter it gets the default decoder."""

    async def decoder(message: Any, original: Any) -> Any:
        return [await original(message)]

    broker, address, seen = rig.broker(decoder=decoder), rig.address(), rig.seen()

    @rig.subscribe(broker, address)
    async def handle(body: list[int]) -> None:
        seen(body)

    async with rig.running(broker):
        await rig.publish(broker, 5, address)
        assert await seen.one() == [5]


async def test_the_nearest_decoder_counts(rig: Rig) -> None:
    """Handler, then subscriber, then router, then broker."""

    def named(name: str) -> Any:
        return lambda message: name

    broker, seen = rig.broker(decoder=named("broker")), rig.seen()
    router = rig.router(decoder=named("router"))
    addresses = {name: rig.address() for name in ("broker", "router", "subscriber", "handler")}
    subscribers = {
        "broker": rig.subscribe(broker, addresses["broker"]),
        "router": rig.subscribe(router, addresses["router"]),
        "subscriber": rig.subscribe(router, addresses["subscriber"], decoder=named("subscriber")),
    }
    for subscriber in subscribers.values():
        subscriber(seen_by(seen))
    last = rig.subscribe(router, addresses["handler"], decoder=named("subscriber"))
    last(decoder=named("handler"))(seen_by(seen))
    broker.include_router(router)
    async with rig.running(broker):
        for address in addresses.values():
            await rig.publish(broker, "x", address)
        assert sorted(await seen.count(4)) == sorted(addresses)


def seen_by(seen: Any) -> Any:
    async def handle(body: str) -> None:
        seen(body)

    return handle


async def test_a_failing_decoder(rig: Rig) -> None:
    """Its exception belongs to the message; the next one is handled."""

    def decoder(message: Any) -> Any:
        if message.body == b"bad":
            raise ValueError("unreadable")
        return message.body

    broker, address, seen = rig.broker(), rig.address(), rig.seen()

    @rig.subscribe(broker, address, decoder=decoder)
    async def handle(body: bytes) -> None:
        seen(body)

    async with rig.running(broker):
        await rig.publish(broker, "bad", address, fails=ValueError)
        await rig.publish(broker, "good", address)
        assert await seen.one() == b"good"


class Reversed:
    """A codec: JSON, backwards."""

    async def encode(self, msg: Any, serializer: Any = None) -> tuple[bytes, str | None]:
        return json.dumps(msg).encode()[::-1], "application/x-reversed"

    async def decode(self, msg: Any) -> Any:
        return json.loads(msg.body[::-1])


@every_kind
async def test_a_codec(rig: Rig) -> None:
    """The broker's codec writes and reads; its content type is sent."""
    broker, address, seen = rig.broker(codec=Reversed()), rig.address(), rig.seen()

    @rig.subscribe(broker, address)
    async def handle(body: dict[str, int], message: Message) -> None:
        seen((body, message.body, message.content_type))

    async with rig.running(broker):
        await rig.publish(broker, {"a": 1}, address)
        body, data, content_type = await seen.one()
    assert body == {"a": 1}
    assert data == b'}1 :"a"{'
    assert content_type == "application/x-reversed"


async def test_a_codec_of_a_subscriber(rig: Rig) -> None:
    """It only reads there."""
    broker, address, other, seen = rig.broker(), rig.address(), rig.address(), rig.seen()

    @rig.subscribe(broker, address, codec=Reversed())
    async def handle(body: Any) -> None:
        seen(body)

    @rig.subscribe(broker, other)
    async def usual(body: Any) -> None:
        seen(body)

    async with rig.running(broker):
        await rig.publish(broker, b'}1 :"a"{', address)
        await rig.publish(broker, {"b": 2}, other)
        assert sorted(map(str, await seen.count(2))) == ["{'a': 1}", "{'b': 2}"]
