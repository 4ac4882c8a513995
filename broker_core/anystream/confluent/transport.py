"""The transport: sending, asking, and which feed reads what."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

from anystream.confluent.clients import KafkaClients
from anystream.confluent.connection import KafkaConnection
from anystream.confluent.feeds import KafkaBatchFeed, KafkaFeed, KafkaWorkerFeed
from anystream.confluent.message import Link, batch_parser, message_parser
from anystream.confluent.readers import KafkaReader
from anystream.confluent.replies import Replies
from anystream.confluent.transactions import ProducerTransactions
from anystream.core.ack import AckPolicy
from anystream.core.exceptions import IncorrectState
from anystream.core.subscriber import Subscriber
from anystream.core.transport import Deliver, Parse, Transport
from anystream.kafka_common.declared import declared_topics
from anystream.kafka_common.records import wire_headers, wire_key
from anystream.kafka_common.replies import no_reply_topic
from anystream.kafka_common.source import CommitPlan, wire_pattern
from anystream.kafka_common.transactions import Transaction, Transactions

if TYPE_CHECKING:
    from anystream.core.broker import Broker
    from anystream.kafka_common.response import KafkaPublishCommand
    from anystream.kafka_common.topics import Topic


class KafkaTransport(Transport):
    """Sends through one producer, receives through a consumer for each subscriber.

    Args:
        clients: makes both.
        reply_topic: where answers to requests come, None for no requests.
        confirm_seconds: how long a publish waits for the server.
    """

    def __init__(
        self, clients: KafkaClients, reply_topic: Topic | None, confirm_seconds: float
    ) -> None:
        self.clients = clients
        self.connection = KafkaConnection(clients)
        self.reply_topic = reply_topic
        self.confirm_seconds = confirm_seconds
        self.broker: Broker | None = None
        self.transactions = Transactions(clients.config.producer().get("transactional.id"))
        self._replies: Replies | None = None
        self._links: WeakKeyDictionary[Subscriber, Link] = WeakKeyDictionary()

    @property
    def native(self) -> Any:
        return self.connection.producer

    async def connect(self) -> Any:
        producer = await self.connection.connect()
        self.transactions.reset()
        return producer

    async def close(self) -> None:
        replies, self._replies = self._replies, None
        if replies is not None:
            await replies.close()
        await self.connection.close()

    async def ping(self, timeout: float | None) -> bool:
        return await self.connection.trips.ping(timeout)

    def known_health(self) -> bool | None:
        return self.connection.trips.known()

    async def prepare(self, subscribers: Sequence[Subscriber]) -> None:
        if not self.clients.topics.may_make and subscribers:
            self.clients.warn(
                "allow_auto_create_topics is off: the topics of subscribers must exist"
            )
        publishers = self.broker.publishers if self.broker is not None else ()
        await self.clients.topics.ensure(declared_topics(subscribers, publishers))

    async def started(self) -> None:
        feeds = [link.holder for link in self._links.values()]
        await asyncio.gather(*(feed.intake.joined() for feed in feeds if feed is not None))

    def _link(self, subscriber: Subscriber) -> Link:
        from anystream.core.plan import resolve_policy

        link = self._links.setdefault(subscriber, Link())
        pattern = wire_pattern(subscriber)
        link.pattern = pattern if pattern is not None and pattern.names else None
        link.first = resolve_policy(subscriber) is AckPolicy.ACK_FIRST
        return link

    def parser(self, subscriber: Subscriber | None) -> Parse:
        if subscriber is None:
            return message_parser(Link(first=True))
        make = batch_parser if subscriber.batch else message_parser
        return make(self._link(subscriber))

    def acks_by_mark(self, subscriber: Subscriber) -> bool:
        own_parser = subscriber.merged.parser or any(item.parser for item in subscriber.calls)
        plan = CommitPlan.of(subscriber)
        return subscriber.workers == 1 and not own_parser and not plan.at_once

    def feed(self, subscriber: Subscriber, deliver: Deliver) -> KafkaFeed:
        kind = KafkaWorkerFeed if subscriber.workers > 1 else KafkaFeed
        return (KafkaBatchFeed if subscriber.batch else kind)(
            self.clients, subscriber, self._link(subscriber)
        )

    def reader(self, subscriber: Subscriber) -> KafkaReader:
        return KafkaReader(self.clients, subscriber, self._link(subscriber))

    async def send(  # type: ignore[override]
        self, command: KafkaPublishCommand, data: bytes, headers: dict[str, Any]
    ) -> Any:
        self._check()
        if self.transactions.needed:
            async with self.transaction():
                return await self.send(command, data, headers)
        producing = self.connection.producing
        record = (
            command.destination,
            None if command.body is None and not data else data,
            wire_key(command.key),
            wire_headers(headers, command.reply_to),
            command.partition,
            command.timestamp_ms,
            None if command.no_confirm else self.confirm_seconds,
        )
        future = producing.hand_over(*record) or await producing.send(*record)
        return future if command.no_confirm else await future

    async def send_batch(  # type: ignore[override]
        self, command: KafkaPublishCommand, batch: Sequence[tuple[bytes, dict[str, Any]]]
    ) -> Any:
        self._check()
        if self.transactions.needed:
            async with self.transaction():
                return await self.send_batch(command, batch)
        producing = self.connection.producing
        futures = []
        for place, (data, headers) in enumerate(batch):
            headers = {**headers, **command.headers_for(place)}
            future = await producing.send(
                command.destination,
                data,
                wire_key(command.key_for(place)),
                wire_headers(headers, command.reply_to, single=False),
                command.partition,
                command.timestamp_for(place),
                None if command.no_confirm else self.confirm_seconds,
            )
            futures.append(future)
        if command.no_confirm:
            return asyncio.gather(*futures)
        results = await asyncio.gather(*futures, return_exceptions=True)
        for result in results:
            if isinstance(result, BaseException):
                raise result

    def transaction(self) -> AbstractAsyncContextManager[Transaction]:
        """A transaction of the producer."""
        self._check()
        return self.transactions.begin(ProducerTransactions(self.connection.producer))

    async def request(  # type: ignore[override]
        self, command: KafkaPublishCommand, data: bytes, headers: dict[str, Any], timeout: float
    ) -> Any:
        if self.reply_topic is None:
            raise no_reply_topic(self.broker)
        self._check()
        replies = self._replies
        if replies is None:
            replies = self._replies = Replies(self.clients, self.reply_topic)
        await replies.open()
        command.reply_to = self.reply_topic.name
        return await replies.pending.ask(
            headers["correlation_id"],
            lambda: self.send(command, data, headers),
            command.destination,
            timeout,
        )

    def _check(self) -> None:
        if self.connection.producer is None:
            raise IncorrectState(
                f"{self.broker!r} is not connected: await `broker.connect()` first"
            )

    async def flush(self) -> None:
        """Waits until everything that was handed over is delivered or has failed."""
        await self.connection.producing.flush()
