"""Parsers, decoders, codecs and filters."""

from typing import Any

import pytest

from anystream.core import StreamMessage
from anystream.core.codec import decode_message, encode_message
from anystream.core.exceptions import SetupError, SubscriberNotFound
from anystream.memory import Letter, MemoryBroker, MemoryRouter, TestMemoryBroker


async def echo(body: Any) -> Any:
    """The handler of these tests."""
    return ["got", body]


def plain_replacing(msg: Any) -> Any:
    return "decoded"


async def async_replacing(msg: Any) -> Any:
    return "decoded"


async def wrapping(msg: Any, original: Any) -> Any:
    return f"wrapped {await original(msg)}"


async def wrapping_by_name(msg: Any, whatever: Any) -> Any:
    return f"wrapped {await whatever(msg)}"


@pytest.mark.parametrize("level", ["broker", "router", "subscriber", "handler"])
@pytest.mark.parametrize(
    ("decoder", "expected"),
    [
        (plain_replacing, "decoded"),
        (async_replacing, "decoded"),
        (wrapping, "wrapped text"),
        (wrapping_by_name, "wrapped text"),
    ],
)
async def test_decoders(decoder: Any, expected: str, level: str) -> None:
    """One parameter replaces, two wrap; at every level, plain or async."""
    broker = MemoryBroker(logger=None, decoder=decoder if level == "broker" else None)
    router = MemoryRouter(decoder=decoder if level == "router" else None)
    broker.include_router(router)
    subscriber = router.subscriber("in", **({"decoder": decoder} if level == "subscriber" else {}))
    subscriber(echo, decoder=decoder if level == "handler" else None)
    async with TestMemoryBroker(broker):
        await broker.publish("text", "in")
        broker.subscribers[0].calls[0].call.mock.assert_called_once_with(expected)


@pytest.mark.parametrize("level", ["broker", "router", "subscriber", "handler"])
async def test_parsers(level: str) -> None:
    """A parser makes the message; with two parameters it gets the default one."""

    async def replacing(raw: Any) -> Any:
        return StreamMessage(raw, b"from the parser", content_type="text/plain", reply_to=raw.reply)

    async def wrap(raw: Any, original: Any) -> Any:
        message = await original(raw)
        message.body = b"more " + message.body
        return message

    for parser, expected in ((replacing, "from the parser"), (wrap, "more text")):
        broker = MemoryBroker(logger=None)
        if level == "broker":
            broker.layer.parser = parser
        router = MemoryRouter(parser=parser if level == "router" else None)
        broker.include_router(router)
        options = {"parser": parser} if level == "subscriber" else {}
        subscriber = router.subscriber("in", **options)  # type: ignore[typeddict-item]
        subscriber(echo, parser=parser if level == "handler" else None)
        async with TestMemoryBroker(broker):
            await broker.subscribers[0].process_message(_letter(b"text"))
            broker.subscribers[0].calls[0].call.mock.assert_called_once_with(expected)


def _letter(data: bytes, **headers: Any) -> Any:
    return Letter("in", data, {"content-type": "text/plain", **headers})


async def test_the_innermost_level_wins() -> None:
    """A handler's own decoder hides those further out."""
    broker = MemoryBroker(logger=None, decoder=plain_replacing)
    subscriber = broker.subscriber("in", decoder=plain_replacing)
    subscriber(echo, decoder=wrapping)
    async with TestMemoryBroker(broker):
        await subscriber.process_message(_letter(b"text"))
        subscriber.calls[0].call.mock.assert_called_once_with("wrapped text")


class Reverse:
    """A codec that writes bodies backwards."""

    async def decode(self, msg: Any) -> Any:
        return msg.body[::-1].decode()

    async def encode(self, msg: Any, serializer: Any = None) -> tuple[bytes, str | None]:
        return str(msg).encode()[::-1], "text/reversed"


async def test_a_codec_of_the_broker() -> None:
    """It is used for receiving and for sending, the answer included."""
    broker = MemoryBroker(logger=None, codec=Reverse())
    got: list[Any] = []

    @broker.subscriber("in")
    async def handler(body: Any) -> str:
        got.append(body)
        return "answer"

    async with TestMemoryBroker(broker):
        answer = await broker.request("text", "in")
    assert got == ["text"]
    assert (answer.body, answer.content_type) == (b"rewsna", "text/reversed")


async def test_a_codec_of_a_subscriber() -> None:
    """It only decodes."""
    broker = MemoryBroker(logger=None)

    @broker.subscriber("in", codec=Reverse())
    async def handler(body: Any) -> str:
        return f"got {body}"

    async with TestMemoryBroker(broker):
        assert await (await broker.request("text", "in")).decode() == "got txet"


async def test_codec_and_decoder() -> None:
    """Both together make no sense: an error at the start."""
    broker = MemoryBroker(logger=None)
    broker.subscriber("in", codec=Reverse(), decoder=plain_replacing)(echo)
    with pytest.raises(SetupError, match=r"codec and a decoder"):
        await broker.start()


async def test_a_batch_needs_a_batch_codec() -> None:
    """Said at the start."""
    broker = MemoryBroker(logger=None)
    broker.subscriber("in", codec=Reverse(), batch=True)(echo)
    with pytest.raises(SetupError, match=r"Reverse.*decode_batch"):
        await broker.start()


async def test_filters_choose_the_handler() -> None:
    """In order of declaration, plain or async; the last one without a filter takes the rest."""
    broker = MemoryBroker(logger=None)
    subscriber = broker.subscriber("in")

    async def is_two(message: StreamMessage[Any]) -> bool:
        return message.headers.get("kind") == "two"

    @subscriber(filter=lambda message: message.headers.get("kind") == "one")
    async def one(body: Any) -> str:
        return "one"

    @subscriber(filter=is_two)
    async def two(body: Any) -> str:
        return "two"

    @subscriber
    async def rest(body: Any) -> str:
        return "rest"

    async with TestMemoryBroker(broker):
        for kind in ("one", "two", "rest"):
            answer = await broker.request(1, "in", headers={"kind": kind})
            assert await answer.decode() == kind


async def test_a_filter_sees_an_undecoded_message() -> None:
    """The body is bytes, and decoding it there is possible."""
    broker = MemoryBroker(logger=None)
    subscriber = broker.subscriber("in")
    seen: list[Any] = []

    async def decide(message: Any) -> bool:
        seen.append((message.body, await message.decode()))
        return True

    subscriber(echo, filter=decide)
    async with TestMemoryBroker(broker):
        await broker.publish({"a": 1}, "in")
    assert seen == [(b'{"a":1}', {"a": 1})]


async def test_no_handler_takes_it() -> None:
    """That is an error in a test, and a filter's error comes out as it is."""
    broker = MemoryBroker(logger=None)
    broker.subscriber("none")(echo, filter=lambda message: False)
    broker.subscriber("bad")(echo, filter=lambda message: 1 / 0)
    async with TestMemoryBroker(broker):
        with pytest.raises(SubscriberNotFound, match="There is no suitable handler for msg="):
            await broker.publish(1, "none")
        with pytest.raises(ZeroDivisionError):
            await broker.publish(1, "bad")


async def test_handlers_with_the_same_parser_share_the_message() -> None:
    """It runs once for several handlers."""
    parsed: list[Any] = []

    async def parser(raw: Any, original: Any) -> Any:
        parsed.append(raw)
        return await original(raw)

    broker = MemoryBroker(logger=None)
    subscriber = broker.subscriber("in", parser=parser)
    subscriber(echo, filter=lambda message: False)
    subscriber(echo, filter=lambda message: True)
    async with TestMemoryBroker(broker):
        await broker.publish(1, "in")
    assert len(parsed) == 1


def encoded(body: Any, **options: Any) -> Any:
    return encode_message(body, MemoryBroker(**options).serializer)


@pytest.mark.parametrize(
    ("body", "data", "content_type"),
    [
        (None, b"", None),
        (b"raw", b"raw", None),
        ("text", b"text", "text/plain"),
        ({"a": [1, None]}, b'{"a":[1,null]}', "application/json"),
        ((1, 2), b"[1,2]", "application/json"),
        (True, b"true", "application/json"),
        (1.5, b"1.5", "application/json"),
    ],
)
def test_encoding(body: Any, data: bytes, content_type: str | None) -> None:
    """None, bytes and str go as they are, everything else as compact JSON."""
    assert encoded(body) == (data, content_type)


def test_encoding_without_a_serializer() -> None:
    """Plain `json.dumps`, with its spaces."""
    assert encoded({"a": 1}, serializer=None) == (b'{"a": 1}', "application/json")


async def test_what_is_sent_equals_what_encode_message_says() -> None:
    """The broker's quick way to encode gives the same bytes for rich types."""
    import datetime
    import decimal
    import uuid
    from dataclasses import dataclass

    from pydantic import BaseModel

    class Model(BaseModel):
        at: datetime.datetime

    @dataclass
    class Data:
        x: int

    now = datetime.datetime(2024, 5, 6, 7, 8, 9, tzinfo=datetime.timezone.utc)
    values = [
        Model(at=now), Data(1), now, decimal.Decimal("1.50"), uuid.UUID(int=5), {1},
        bytearray(b"b"), [Model(at=now)], {"k": Data(2)}, "é", ["é"], 1e300,
    ]  # fmt: skip
    broker = MemoryBroker(logger=None)
    for value in values:
        assert broker.outbox.encode(value) == encode_message(value, broker.serializer), value


@pytest.mark.parametrize(
    ("data", "content_type", "expected"),
    [
        (b"text", "text/plain", "text"),
        (b'{"a": 1}', "application/json", {"a": 1}),
        (b'{"a": 1}', "application/json; charset=utf-8", {"a": 1}),
        (b'{"a": 1}', "application/octet-stream", b'{"a": 1}'),
        (b"1", None, 1),
        (b"1", "", 1),
        (b"not json", None, b"not json"),
        (b"", None, b""),
        (b"1", "text/plain", "1"),
    ],
)
def test_decoding(data: bytes, content_type: str | None, expected: Any) -> None:
    """By content type; without one JSON is tried."""
    message = StreamMessage(None, data, content_type=content_type)
    assert decode_message(message) == expected


def test_broken_json() -> None:
    """What says it is JSON and is not raises."""
    with pytest.raises(ValueError):
        decode_message(StreamMessage(None, b"{", content_type="application/json"))
