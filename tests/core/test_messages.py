"""StreamMessage, Response and the commands, address templates, ids, logging, security."""

import copy
import io
import logging
import re
import ssl
from typing import Any

import pytest

from anystream.core import (
    AckStatus,
    BatchPublishCommand,
    Context,
    PublishCommand,
    PublishType,
    Response,
    SourceType,
    StreamMessage,
)
from anystream.core.address import Template, nats_template
from anystream.core.exceptions import IncorrectState, SetupError
from anystream.core.ids import gen_cor_id
from anystream.core.logging import get_logger
from anystream.core.response import ensure_response
from anystream.core.security import (
    SASLGSSAPI,
    BaseSecurity,
    SASLOAuthBearer,
    SASLPlaintext,
    SASLScram256,
    SASLScram512,
)
from anystream.memory import MemoryBroker, TestMemoryBroker


def test_attributes_and_defaults() -> None:
    """What is not given has a sensible value."""
    message = StreamMessage("raw", b"body")
    assert (message.raw_message, message.body, message.headers, message.path) == (
        "raw", b"body", {}, {},
    )  # fmt: skip
    assert (message.reply_to, message.content_type, message.committed) == ("", None, None)
    assert message.message_id == message.correlation_id
    shape = r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab]\w{3}-\w{12}"
    assert re.fullmatch(shape, message.message_id)
    assert message.source_type is SourceType.CONSUME
    assert not message.processed
    named = StreamMessage("raw", b"", correlation_id="c")
    assert (named.correlation_id, named.message_id) == ("c", "c")
    assert "reply_to" not in repr(message)
    full = repr(StreamMessage("raw", b"", reply_to="back", headers={"h": "v"}, message_id="m"))
    for part in ("reply_to='back'", "headers={'h': 'v'}", "message_id='m'", "raw_message='raw'"):
        assert part in full


async def test_decoding_once() -> None:
    """Each decoder runs once; a copy and a cleared message decode anew."""
    calls: list[str] = []

    async def one(message: Any) -> str:
        calls.append("one")
        return "first"

    async def two(message: Any) -> str:
        calls.append("two")
        return "second"

    message = StreamMessage(None, b"")
    with pytest.raises(IncorrectState, match="set_decoder"):
        await message.decode()
    message.set_decoder(one)
    assert [await message.decode(), await message.decode()] == ["first", "first"]
    message.set_decoder(two)
    assert await message.decode() == "second"
    message.set_decoder(one)
    assert await message.decode() == "first"
    assert calls == ["one", "two"]
    await copy.copy(message).decode()
    assert calls == ["one", "two", "one"]
    message.clear_cache()
    await message.decode()
    assert calls == ["one", "two", "one", "one"]


@pytest.mark.parametrize(
    ("verb", "status"),
    [("ack", AckStatus.ACKED), ("nack", AckStatus.NACKED), ("reject", AckStatus.REJECTED)],
)
async def test_the_first_word_counts(verb: str, status: AckStatus) -> None:
    """Once told, a message stays as it is."""
    message = StreamMessage(None, b"")
    await getattr(message, verb)()
    assert message.committed is status
    for other in ("ack", "nack", "reject"):
        await getattr(message, other)()
    assert message.committed is status


def test_responses_and_commands() -> None:
    """A response becomes a command with the same body, headers and id."""
    response = Response({"a": 1}, headers={"h": "v"}, correlation_id="c")
    command = response.as_publish_command()
    assert isinstance(command, PublishCommand)
    assert (command.body, command.headers, command.correlation_id) == ({"a": 1}, {"h": "v"}, "c")
    assert command.publish_type is PublishType.PUBLISH
    assert response.get_publish_key() is None
    assert ensure_response(response) is response
    assert ensure_response(5).body == 5
    assert command.batch_bodies == ({"a": 1},)
    assert PublishCommand(None).batch_bodies == ()
    command.add_headers({"h": "new", "x": "y"}, override=False)
    assert command.headers == {"h": "v", "x": "y"}
    command.add_headers({"h": "new"})
    assert command.headers == {"h": "new", "x": "y"}


def test_batch_commands() -> None:
    """The bodies of a batch can be read and set."""
    command = BatchPublishCommand(1, 2, 3, _publish_type=PublishType.PUBLISH)
    assert command.batch_bodies == (1, 2, 3)
    command.batch_bodies = (4, 5)
    assert (command.body, command.batch_bodies) == (4, (4, 5))
    command.batch_bodies = ()
    assert command.batch_bodies == ()


async def test_headers_of_one_response_do_not_leak_into_the_next() -> None:
    """A handler may return the same Response object again and again."""
    broker = MemoryBroker(logger=None)
    shared = Response("x", headers={"h": "v"})

    @broker.subscriber("in")
    @broker.publisher("one", headers={"one": "1"})
    @broker.publisher("two", headers={"two": "2"})
    async def handler() -> Response:
        return shared

    seen: list[Any] = []

    async def note(message: Any = Context()) -> None:
        seen.append((message.correlation_id, {k for k in message.headers if len(k) <= 3}))

    broker.subscriber("one")(note)
    broker.subscriber("two")(note)
    async with TestMemoryBroker(broker):
        await broker.publish(None, "in", correlation_id="first")
        await broker.publish(None, "in", correlation_id="second")
    assert shared.headers == {"h": "v"}
    assert seen == [
        ("first", {"h", "two"}), ("first", {"h", "one"}),
        ("second", {"h", "two"}), ("second", {"h", "one"}),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "wire", "address", "captured"),
    [
        ("a.{x}", "a.*", "a.1", {"x": "1"}),
        ("a.{x}.b.{y}", "a.*.b.*", "a.1.b.2", {"x": "1", "y": "2"}),
        ("a.{x}.>", "a.*.>", "a.1.b.c", {"x": "1"}),
        ("a.{x}.*", "a.*.*", "a.1.b", {"x": "1"}),
        ("plain", "plain", "plain", {}),
        ("{{x}}.{y}", "{x}.*", "{x}.1", {"y": "1"}),
        ("a.{x}", "a.*", "b.1", {}),
        ("a.{x}", "a.*", "a.1.2", {}),
    ],
)
def test_templates(text: str, wire: str, address: str, captured: dict[str, str]) -> None:
    """Names become wildcards on the wire, and values when something arrives."""
    template = nats_template(text)
    assert template.wire == wire
    assert template.capture(address) == captured


def test_names_twice_in_a_template() -> None:
    """All of them are listed."""
    with pytest.raises(SetupError, match=r"Duplicated param name\(s\) x, y at path"):
        Template("{x}.{y}.{x}.{y}", wildcard="*")


def test_ids() -> None:
    """Unique, and of the shape of a UUID."""
    assert len({gen_cor_id() for _ in range(1000)}) == 1000


async def test_log_lines_of_a_message() -> None:
    """Received and Processed, with columns; an error with its traceback; at the given level."""
    stream = io.StringIO()
    columns = {"address": 6, "message_id": 4}
    logger = get_logger("tests.anystream.lines", columns=columns, stream=stream)
    broker = MemoryBroker(logger=logger)

    @broker.subscriber("in")
    async def handler(body: str) -> None:
        if body == "bad":
            raise ValueError("boom")

    async with TestMemoryBroker(broker):
        await broker.publish("good", "in", correlation_id="one")
        with pytest.raises(ValueError):
            await broker.publish("bad", "in", correlation_id="two")
    text = stream.getvalue()
    lines = [line.split(" ", 2)[2] for line in text.splitlines() if re.match(r"\d{4}-", line)]
    assert lines == [
        "INFO     - in     |      - `handler` waiting for messages",
        "INFO     - in     | one  - Received",
        "INFO     - in     | one  - Processed",
        "INFO     - in     | two  - Received",
        "ERROR    - in     | two  - ValueError: boom",
        "INFO     - in     | two  - Processed",
    ]
    assert 'raise ValueError("boom")' in text


async def test_log_level() -> None:
    """Lines below the logger's level are not written; `log_level` moves them."""
    stream = io.StringIO()
    logger = get_logger("tests.anystream.level", level=logging.WARNING, stream=stream)
    broker = MemoryBroker(logger=logger)
    broker.subscriber("in")(print)
    async with TestMemoryBroker(broker):
        await broker.publish("x", "in")
    assert stream.getvalue() == ""
    loud = MemoryBroker(logger=logger, log_level=logging.WARNING)
    loud.subscriber("in")(print)
    async with TestMemoryBroker(loud):
        await loud.publish("x", "in")
    assert "WARNING  - Received" in stream.getvalue()


def test_a_logger_that_is_configured_stays_as_it_is() -> None:
    """Handlers and level of the user's own logging are not touched."""
    mine = logging.getLogger("tests.anystream.mine")
    handler = logging.NullHandler()
    mine.addHandler(handler)
    mine.setLevel(logging.ERROR)
    assert get_logger("tests.anystream.mine", level=logging.DEBUG) is mine
    assert (mine.handlers, mine.level) == ([handler], logging.ERROR)


def test_security() -> None:
    """A TLS context means TLS."""
    context = ssl.create_default_context()
    assert BaseSecurity(ssl_context=context).use_ssl
    assert not BaseSecurity().use_ssl
    assert BaseSecurity(use_ssl=True).use_ssl
    for kind in (SASLPlaintext, SASLScram256, SASLScram512):
        made = kind("user", "secret", ssl_context=context)
        assert (made.username, made.password, made.use_ssl) == ("user", "secret", True)
        assert "secret" not in repr(made)
        assert made.get_schema()
        assert made.get_requirement()
    for other in (SASLOAuthBearer, SASLGSSAPI):
        assert other(use_ssl=True).get_requirement()
