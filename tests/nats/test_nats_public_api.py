"""The public API where programs written for other brokers' APIs are likely to touch it."""

from __future__ import annotations

import asyncio
import warnings
from typing import Any

import nats.js.errors
import pytest
from nats.aio.client import Client as NativeClient
from nats.js import JetStreamContext
from nats.js.object_store import ObjectStore

from anystream.core import AckPolicy
from anystream.core.exceptions import (
    AckMessage,
    IncorrectState,
    NackMessage,
    OptionError,
    RejectMessage,
    SkipMessage,
)
from anystream.nats import (
    DeliverPolicy,
    NatsBroker,
    NatsPublishCommand,
    NatsPublisher,
    NatsResponse,
    NatsRoute,
    NatsRouter,
    PubAck,
    PullSub,
    TestNatsBroker,
)
from anystream.nats.annotations import Client, JsClient, ObjectStorage
from anystream.nats.errors import BucketNotFound, StreamRefused
from anystream.nats.message import NatsBatchMessage
from anystream.nats.options import POSITIONAL, SubscriberOptions
from tests.nats.conftest import Running
from tests.waiting import Seen, running

on_server = pytest.mark.nats
SETTLED = [AckPolicy.ACK, AckPolicy.REJECT_ON_ERROR, AckPolicy.NACK_ON_ERROR]
WISHES = [SkipMessage, AckMessage, NackMessage, RejectMessage]


@pytest.fixture
def broker(nats_url: str) -> NatsBroker:
    return NatsBroker(nats_url, logger=None)


@pytest.mark.parametrize("wish", WISHES)
@pytest.mark.parametrize("policy", [None, *SETTLED])
async def test_wishes_of_core_subjects_end_there(wish: Any, policy: AckPolicy | None) -> None:
    """`SkipMessage` and the like come out of neither `publish` nor `request`."""
    broker = NatsBroker(logger=None, **({} if policy is None else {"ack_policy": policy}))

    @broker.subscriber("a")
    async def handle() -> None:
        raise wish

    async with TestNatsBroker(broker):
        await broker.publish(1, "a")
        assert (await broker.request(1, "a")).body == b""
        assert handle.mock.call_count == 2


@pytest.mark.parametrize("wish", WISHES)
@pytest.mark.parametrize("policy", [AckPolicy.MANUAL, AckPolicy.ACK_FIRST])
async def test_who_acknowledges_alone_gets_wishes(wish: Any, policy: AckPolicy) -> None:
    """With these policies nobody takes them."""
    broker = NatsBroker(logger=None, ack_policy=policy)

    @broker.subscriber("a")
    async def handle() -> None:
        raise wish

    async with TestNatsBroker(broker):
        with pytest.raises(wish):
            await broker.publish(1, "a")


async def test_the_next_message_after_a_wish(
    broker: NatsBroker, subject: str, seen: Seen, run: Running
) -> None:
    """On the server and in test mode the subscriber goes on."""

    @broker.subscriber(subject)
    async def handle(number: int) -> None:
        seen(number)
        raise WISHES[number]

    async with run(broker):
        for number in range(len(WISHES)):
            await broker.publish(number, subject)
        assert await seen.count(4) == [0, 1, 2, 3]


@on_server
async def test_one_message_of_a_batch_subscriber(
    broker: NatsBroker, stream: str, subject: str
) -> None:
    """`get_one` and iteration give batches of one."""
    subscriber = broker.subscriber(
        subject, stream=stream, pull_sub=PullSub(batch_size=3, batch=True)
    )
    async with running(broker):
        await broker.publish("a", subject, headers={"x": "y"}, stream=stream)
        await broker.publish({"b": 1}, subject, stream=stream)
        message = await subscriber.get_one()
        assert isinstance(message, NatsBatchMessage)
        assert await message.decode() == ["a"]
        assert message.batch_headers[0]["x"] == "y"
        await message.ack_sync()
        async for other in subscriber:
            assert await other.decode() == [{"b": 1}]
            break


def test_the_stream_of_a_response() -> None:
    """Its command has it."""
    assert NatsResponse(1, stream="s").as_publish_command().stream == "s"
    assert NatsResponse(1).as_publish_command().stream is None


@on_server
@pytest.mark.parametrize("how", [{}, {"headers": {"x": "y"}}], ids=["bare", "with options"])
async def test_a_response_goes_through_its_stream(
    broker: NatsBroker, stream: str, subject: str, seen: Seen, how: dict[str, Any]
) -> None:
    """The stream acknowledges it; the reply to who asked is no part of the stream."""
    kept, own = f"{subject}.kept", f"{subject}.own"
    broker.subscriber(kept, stream=stream)  # declares the stream

    @broker.publisher(own, **how)
    @broker.publisher(kept, **how)
    @broker.subscriber(subject)
    async def handle() -> NatsResponse:
        return NatsResponse("result", stream=stream)

    broker.publisher(own, stream=stream)
    broker.add_middleware(noting(seen))
    async with running(broker):
        answer = await broker.request(None, subject, timeout=5.0)
        assert await answer.decode() == "result"
        assert await seen.count(2) == [(stream, kept), (stream, own)]


def noting(seen: Seen) -> Any:
    """A middleware that notes which streams have acknowledged what."""
    from anystream.core import BaseMiddleware

    class Noting(BaseMiddleware):
        async def publish_scope(self, call_next: Any, cmd: NatsPublishCommand) -> Any:
            stored = await call_next(cmd)
            if isinstance(stored, PubAck):
                seen((stored.stream, cmd.destination))
            return stored

    return Noting


async def test_the_publishers_stream_comes_first(seen: Seen) -> None:
    """That of a response is for publishers without one; in test mode, too."""
    broker = NatsBroker(logger=None)

    @broker.publisher("out")
    @broker.publisher("out", stream="own")
    @broker.subscriber("in")
    async def handle() -> NatsResponse:
        return NatsResponse("x", stream="response")

    def reader(name: str) -> None:
        @broker.subscriber("out", stream=name)
        async def read() -> None:
            seen(name)

    for name in ("own", "response", "other"):
        reader(name)
    async with TestNatsBroker(broker):
        await broker.publish(1, "in")
        assert seen.items == ["own", "response"]


async def test_an_answer_ignores_the_stream_of_the_response(
    broker: NatsBroker, subject: str, seen: Seen, run: Running
) -> None:
    """An answer goes to a core subject."""

    @broker.subscriber(subject)
    async def handle() -> NatsResponse:
        return NatsResponse("x", stream="nowhere")

    @broker.subscriber(f"{subject}.answers")
    async def answered(body: str) -> None:
        seen(body)

    async with run(broker):
        await broker.publish(1, subject, reply_to=f"{subject}.answers")
        assert await seen.one() == "x"


@pytest.mark.parametrize("how", [{}, {"pull_sub": True}, {"pull_sub": PullSub(batch=True)}])
async def test_requests_to_streams_in_test_mode(how: dict[str, Any]) -> None:
    """The first subscriber that the subject fits answers, with or without `stream=`."""
    broker = NatsBroker(logger=None)
    publisher = broker.publisher("a")

    @broker.subscriber("a", stream="s", **how)
    async def handle(body: Any) -> str:
        return "answer"

    async with TestNatsBroker(broker):
        for ask in (broker.request(1, "a"), broker.request(1, "a", stream="s")):
            assert await (await ask).decode() == "answer"
        assert await (await publisher.request(1)).decode() == "answer"


async def test_clients_in_test_mode(seen: Seen) -> None:
    """Handlers get mocks of them."""
    broker = NatsBroker(logger=None)

    @broker.subscriber("a")
    async def handle(client: Client, js: JsClient) -> None:
        seen((client, js))
        await js.publish("b", b"")

    @broker.subscriber("files", obj_watch=True)
    async def changed(name: str, bucket: ObjectStorage) -> None:
        seen((name, bucket))

    async with TestNatsBroker(broker):
        await broker.publish(1, "a")
        client, js = seen.items[0]
        assert isinstance(client, NativeClient)
        assert isinstance(js, JetStreamContext)
        assert client is broker.connection
        assert js is broker.jetstream is client.jetstream()
        js.publish.assert_awaited_once_with("b", b"")
        await broker.publish("file", "files")
        assert seen.items[1][0] == "file"
        assert isinstance(seen.items[1][1], ObjectStore)


async def test_inboxes(broker: NatsBroker, run: Running) -> None:
    """Each is a subject of its own."""
    async with run(broker):
        first, second = await broker.new_inbox(), await broker.new_inbox()
    assert first != second
    assert {first.partition(".")[0], second.partition(".")[0]} == {"_INBOX"}


@on_server
async def test_a_bucket_that_is_not_there(broker: NatsBroker) -> None:
    """The error is ours and the client's."""
    async with running(broker):
        for opened in (broker.key_value, broker.object_storage):
            with pytest.raises(BucketNotFound, match="no such bucket: leave declare") as missing:
                await opened("no-such-bucket", declare=False)
            assert isinstance(missing.value, nats.js.errors.BucketNotFoundError)
            assert isinstance(missing.value, IncorrectState)


@on_server
async def test_the_wrong_stream(broker: NatsBroker, stream: str, subject: str) -> None:
    """The error is ours and the client's."""
    broker.publisher(subject, stream=stream)
    async with running(broker):
        with pytest.raises(nats.js.errors.BadRequestError, match="'other' refused") as refused:
            await broker.publish("a", subject, stream="other")
    assert isinstance(refused.value, StreamRefused)
    assert (refused.value.code, refused.value.err_code) == (400, 10060)


def test_options_by_position(broker: NatsBroker) -> None:
    """In this order, after subject and queue; all that there are."""
    keys = SubscriberOptions.__required_keys__ | SubscriberOptions.__optional_keys__
    assert set(POSITIONAL) <= keys
    assert len(set(POSITIONAL)) == len(POSITIONAL) == 26

    source = broker.subscriber("a", "q", 100, 2000, 3).source
    limits = (source.pending_msgs_limit, source.pending_bytes_limit, source.max_msgs)
    assert limits == (100, 2000, 3)

    new = DeliverPolicy.NEW
    given = [None, None, 0, "d", None, False, None, None, new, None, True, None, False, b"_INBOX."]
    subscriber = broker.subscriber("a", "", *given, "s", title="T")
    source = subscriber.source
    assert (source.kind, source.durable, source.stream_name) == ("pull", "d", "s")
    assert source.deliver_policy is new
    assert subscriber.title == "T"


def test_the_default_inbox_by_position(broker: NatsBroker) -> None:
    """It is no option without effect."""
    given = [None, None, 0, None, None, False, None, None, None, None, False, None, False]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        broker.subscriber("a", "", *given, b"_INBOX.", "s")
        broker.subscriber("a", "", *given, b"_INBOX.")


def test_wrong_options_by_position(broker: NatsBroker) -> None:
    """Twice the same, and too many."""
    with pytest.raises(OptionError, match=r"subscriber\('a'\).*'pending_msgs_limit'.* twice"):
        broker.subscriber("a", "q", 100, pending_msgs_limit=5)
    with pytest.raises(OptionError, match=r"27 options by position.*'include_in_schema'"):
        broker.subscriber("a", "q", *[None] * 27)


async def test_positions_in_routes(seen: Seen) -> None:
    """Routes hand them on."""

    async def handle(body: int) -> None:
        seen(body)

    route = NatsRoute(handle, "a", "q", 100, publishers=(NatsPublisher("b"),))
    broker = NatsBroker(logger=None, routers=[NatsRouter(handlers=[route])])
    (subscriber,) = broker.subscribers
    assert subscriber.source.pending_msgs_limit == 100
    async with TestNatsBroker(broker):
        await broker.publish(1, "a")
    assert seen.items == [1]


async def test_attributes(seen: Seen) -> None:
    """What was declared can be read, prefixes included."""
    router = NatsRouter(prefix="p.")
    subscriber = router.subscriber("a.{name}", "q")
    publisher = router.publisher("b", headers={"x": "y"}, reply_to="r")
    bare = router.publisher("c")
    filtered = router.subscriber("d")
    broker = NatsBroker(logger=None, routers=[router])

    @broker.subscriber("p.b")
    async def handle(body: int) -> None:
        seen(body)

    assert (subscriber.subject, subscriber.queue) == ("p.a.{name}", "q")
    assert (filtered.subject, filtered.queue) == ("p.d", "")
    assert (publisher.subject, publisher.headers, publisher.reply_to) == ("p.b", {"x": "y"}, "r")
    assert (bare.headers, bare.reply_to) == ({}, "")
    async with TestNatsBroker(broker):
        await broker.publish(1, publisher.subject)
        await asyncio.wait_for(seen.enough(1), 5.0)
