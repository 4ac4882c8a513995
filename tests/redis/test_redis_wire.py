"""The envelope byte for byte, and what else is read."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anystream.core.exceptions import OptionError, PublishError
from anystream.redis import BinaryMessageFormatV1, MessageFormat, RedisBroker, RedisResponse
from anystream.redis.parser import pack, read_message
from tests.redis.conftest import broker_at
from tests.waiting import Seen, running

HEAD = bytes.fromhex("8942494e0d0a1a0a") + b"\x00\x01" + b"\x00\x00\x00\x12"


def test_envelope_byte_for_byte() -> None:
    """Magic, version, two offsets, the number of headers, the pairs, the body."""
    made = pack(b"body", {"a": "xy", "content-type": "text/plain"})
    pairs = b"\x00\x01a\x00\x02xy" + b"\x00\x0ccontent-type\x00\x0atext/plain"
    assert made == (HEAD + (20 + len(pairs)).to_bytes(4, "big") + b"\x00\x02" + pairs + b"body")
    assert pack(b"", {}) == HEAD + b"\x00\x00\x00\x14" + b"\x00\x00"


def test_lengths_are_bytes() -> None:
    """A header that is no ASCII does not shift what follows."""
    made = pack("ü".encode(), {"größe": "zehn €", "b": b"raw"})
    assert "größe".encode() in made
    assert made[20:22] == len("größe".encode()).to_bytes(2, "big")
    assert read_message(made) == ("ü".encode(), {"größe": "zehn €", "b": "raw"})


@given(
    st.binary(max_size=200),
    st.dictionaries(st.text(max_size=20), st.text(max_size=50), max_size=6),
)
def test_everything_comes_back(body: bytes, headers: dict[str, str]) -> None:
    """Any body with any headers is read as it was written."""
    try:
        made = pack(body, headers)
    except PublishError:  # lone surrogates have no UTF-8
        return
    assert read_message(made) == (body, headers)


@given(st.binary(max_size=60))
def test_garbage_behind_the_magic_is_no_accident(tail: bytes) -> None:
    """A broken envelope is a bare body, or at least no exception."""
    body, headers = read_message(HEAD + tail)
    assert isinstance(body, bytes)
    assert isinstance(headers, dict)


@pytest.mark.parametrize(
    ("data", "body", "headers"),
    [
        (b'{"data": "hi", "headers": {"a": "1"}}', b"hi", {"a": "1"}),
        (b'{"data": "hi"}', b"hi", {}),
        (b'{"data": {"x": 1}}', b'{"data": {"x": 1}}', {}),
        (b'{"user": "joe"}', b'{"user": "joe"}', {}),
        (b'{"data": ', b'{"data": ', {}),
        (b"[1, 2]", b"[1, 2]", {}),
        (b"", b"", {}),
        (b"\xff\x00", b"\xff\x00", {}),
        (HEAD[:9] + b"\x02" + HEAD[10:] + b"later version", None, {}),
    ],
)
def test_other_writers(data: bytes, body: bytes | None, headers: dict[str, Any]) -> None:
    """JSON with `data` as older versions wrote it; anything else is a bare body."""
    assert read_message(data) == (data if body is None else body, headers)


@pytest.mark.parametrize(
    ("headers", "text"),
    [
        ({"n": 1}, "'n' is 1: headers must be str or bytes"),
        ({1: "n"}, "headers must be str or bytes"),
        ({"long": "x" * 65536}, "65536 bytes: 65535 is the most"),
        ({"odd": "\ud800"}, "cannot be written as UTF-8"),
    ],
)
async def test_bad_headers(headers: Any, text: str) -> None:
    """What the envelope cannot hold is refused, with the name of the header."""
    with pytest.raises(PublishError, match=text):
        pack(b"", headers)


@pytest.mark.redis
async def test_order_on_the_wire(client: Any, name: str, redis_url: str) -> None:
    """Correlation id, content type, reply address, then the user's headers, which win."""
    broker = broker_at(redis_url)
    async with running(broker):
        await broker.publish(
            {"n": 1}, list=name, correlation_id="c", reply_to="r", headers={"x": "1", "y": "2"}
        )
        await broker.publish("hi", list=name, correlation_id="c", headers={"content-type": "own"})
        await broker.publish(
            b"", list=name, correlation_id="c", reply_to="r", headers={"reply_to": "s"}
        )
    first, second, third = await client.lrange(name, 0, -1)
    body, headers = read_message(first)
    assert body == b'{"n":1}'
    assert list(headers.items()) == [
        ("correlation_id", "c"),
        ("content-type", "application/json"),
        ("reply_to", "r"),
        ("x", "1"),
        ("y", "2"),
    ]
    assert read_message(second) == (b"hi", {"correlation_id": "c", "content-type": "own"})
    assert read_message(third) == (b"", {"correlation_id": "c", "reply_to": "s"})


@pytest.mark.redis
async def test_faststream_reads_and_writes_the_same(client: Any, name: str, redis_url: str) -> None:
    """An envelope of FastStream's is the same, byte for byte, and both read each other's."""
    from faststream.redis import BinaryMessageFormatV1 as Theirs
    from faststream.redis import RedisBroker as TheirBroker

    broker, theirs = broker_at(redis_url), TheirBroker(redis_url, logger=None)
    options: dict[str, Any] = {"correlation_id": "c", "headers": {"x": "1"}, "reply_to": "r"}
    await theirs.connect()
    async with running(broker):
        await broker.publish({"n": 1}, list=name, **options)
        await theirs.publish({"n": 1}, list=name, **options)
    await theirs.stop()
    ours, other = await client.lrange(name, 0, -1)
    assert ours == other
    body, headers = Theirs.parse(ours)
    assert (body, headers["x"], headers["reply_to"]) == (b'{"n":1}', "1", "r")


@pytest.mark.redis
async def test_entries_of_other_producers(
    client: Any, name: str, redis_url: str, seen: Seen
) -> None:
    """Fields of a foreign entry become a JSON object; its field `data` becomes the body."""
    broker = broker_at(redis_url)

    @broker.subscriber(stream=name)
    async def handle(body: Any) -> None:
        seen(body)

    async with running(broker):
        await client.xadd(name, {"user": "joe", "id": "1"})
        await client.xadd(name, {"data": "hello"})
        await client.xadd(name, {"__data__": b"[1]"})
        assert await seen.count(3) == [{"user": "joe", "id": "1"}, b"hello", [1]]


class Shouting(MessageFormat):
    """Upper case, and headers in JSON before a tab."""

    @classmethod
    async def encode(cls, **parts: Any) -> bytes:
        built = await cls.build(**parts)
        return json.dumps(built.headers).encode() + b"\t" + built.data.upper()

    @classmethod
    def parse(cls, data: bytes) -> tuple[bytes, dict[str, Any]]:
        head, _, body = data.partition(b"\t")
        return body, json.loads(head)


@pytest.mark.redis
async def test_format_of_ones_own(client: Any, name: str, redis_url: str, seen: Seen) -> None:
    """On a broker, a subscriber, a publisher and a response; requests work with it, too."""
    broker = broker_at(redis_url, message_format=Shouting)

    @broker.subscriber(name)
    async def handle(body: str) -> str:
        seen(body)
        return body + "!"

    publisher = broker.publisher(list=name, message_format=BinaryMessageFormatV1)

    @broker.subscriber(list=f"{name}-b", message_format=BinaryMessageFormatV1)
    async def plain(body: str) -> None:
        seen(body)

    async with running(broker):
        answer = await broker.request("hi", name, timeout=3.0)
        assert await answer.decode() == "HI!"
        await publisher.publish("quiet")
        assert read_message(await client.lpop(name))[0] == b"quiet"
        await client.rpush(f"{name}-b", pack(b"plain", {"content-type": "text/plain"}))
        assert await seen.count(2) == ["HI", "plain"]


@pytest.mark.redis
async def test_format_of_a_response(client: Any, name: str, redis_url: str) -> None:
    """A response says how it is written."""
    broker = broker_at(redis_url)

    @broker.publisher(list=name)
    @broker.subscriber(f"{name}-in")
    async def handle(body: str) -> RedisResponse:
        return RedisResponse(body, headers={"x": "1"}, message_format=Shouting)

    async with running(broker):
        await broker.publish("hi", f"{name}-in")
        _, data = await client.blpop([name], timeout=5)
        body, headers = Shouting.parse(data)
        assert (body, headers["x"], headers["content-type"]) == (b"HI", "1", "text/plain")


def test_format_must_be_one() -> None:
    """Anything else is refused when the broker is made."""
    with pytest.raises(OptionError, match="no subclass of MessageFormat"):
        RedisBroker(message_format=dict)  # type: ignore[arg-type]
