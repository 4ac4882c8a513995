"""The transport of aiokafka: what reads, what sends, what has to exist before."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

from aiokafka import errors as native

from anystream.core.subscriber import Subscriber
from anystream.core.transport import Deliver, Feed, Parse, Reader, Transport
from anystream.kafka.admin import make_topics
from anystream.kafka.connection import KafkaConnection
from anystream.kafka.errors import topic_not_found
from anystream.kafka.feed import KafkaFeed, acks_by_mark
from anystream.kafka.message import Link, batch_parser, message_parser
from anystream.kafka.readers import KafkaReader
from anystream.kafka.replying import Replying
from anystream.kafka.sending import Sending
from anystream.kafka.transactions import ProducerTransactions
from anystream.kafka_common.declared import declared_topics
from anystream.kafka_common.replies import no_reply_topic
from anystream.kafka_common.response import KafkaPublishCommand
from anystream.kafka_common.source import CommitPlan, wire_pattern
from anystream.kafka_common.topics import Topic
from anystream.kafka_common.transactions import Transaction, Transactions

if TYPE_CHECKING:
    from anystream.core.router import Router


class KafkaTransport(Transport):
    """Sends and receives through one producer and a consumer for each subscriber.

    Args:
        connection: the connection.
        broker: what is declared, and who is asked for answers.
        may_make_topics: topics that are missing are made.
        reply_topic: where answers to requests come; None for no requests.
    """

    def __init__(
        self,
        connection: KafkaConnection,
        broker: Router,
        *,
        may_make_topics: bool,
        reply_topic: Topic | None,
    ) -> None:
        self.connection = connection
        self.broker = broker
        self.may_make_topics = may_make_topics
        self.sending = Sending(connection, may_make_topics=may_make_topics)
        self.transactions = Transactions(connection.options.get("transactional_id"))
        self.replying = (
            Replying(connection, reply_topic, self._know) if reply_topic is not None else None
        )
        self._links: WeakKeyDictionary[Subscriber, Link] = WeakKeyDictionary()

    @property
    def native(self) -> Any:
        if self.connection.producer is not None:
            return self.connection.producer
        return self.connection if self.connection.open else None

    async def connect(self) -> Any:
        await self.connection.connect()
        self.transactions.reset()
        return self.native

    async def close(self) -> None:
        if self.replying is not None:
            await self.replying.close()
        await self.connection.close()

    async def ping(self, timeout: float | None) -> bool:
        return await self.connection.trips.ping(timeout)

    def known_health(self) -> bool | None:
        return self.connection.trips.known()

    async def prepare(self, subscribers: Sequence[Subscriber]) -> None:
        """Makes missing topics of subscribers and publishers, or says which ones are missing."""
        if self.connection.producer is None:
            return
        wanted = declared_topics(subscribers, self.broker.publishers)
        if self.replying is not None:
            wanted.setdefault(self.replying.topic.name, (self.replying.topic, None))
        try:
            missing = await self.connection.missing(wanted)
            if missing and self.may_make_topics:
                await make_topics(self.connection, [wanted[name][0] for name in missing])
                return
        except native.KafkaError as error:
            raise self.connection.failure(error) from error
        for name in missing:
            reader = wanted[name][1]
            if reader is not None:
                raise topic_not_found(repr(reader), name)

    async def _know(self, topic: Topic) -> None:
        if self.may_make_topics and await self.connection.missing([topic.name]):
            await make_topics(self.connection, [topic])
        await self.sending.know(topic.name)

    def _link(self, subscriber: Subscriber) -> Link:
        link = self._links.get(subscriber)
        if link is None:
            link = self._links[subscriber] = Link()
        # prefixes and policies may have changed since
        link.declared(wire_pattern(subscriber), first=CommitPlan.of(subscriber).by_client)
        return link

    def parser(self, subscriber: Subscriber | None) -> Parse:
        if subscriber is None:
            return message_parser(Link())
        link = self._link(subscriber)
        return batch_parser(link) if subscriber.batch else message_parser(link)

    def acks_by_mark(self, subscriber: Subscriber) -> bool:
        return acks_by_mark(subscriber)

    def feed(self, subscriber: Subscriber, deliver: Deliver) -> Feed:
        return KafkaFeed(self.connection, subscriber, self._link(subscriber))

    def reader(self, subscriber: Subscriber) -> Reader:
        return KafkaReader(self.connection, subscriber, self._link(subscriber))

    async def send(  # type: ignore[override]
        self, command: KafkaPublishCommand, data: bytes, headers: dict[str, Any]
    ) -> Any:
        producer = self.connection.needed_producer()
        if not self.transactions.needed:
            return await self.sending.send(producer, command, data, headers)
        async with self.transaction():
            return await self.sending.send(producer, command, data, headers)

    async def send_batch(  # type: ignore[override]
        self, command: KafkaPublishCommand, batch: Sequence[tuple[bytes, dict[str, Any]]]
    ) -> Any:
        producer = self.connection.needed_producer()
        if not self.transactions.needed:
            return await self.sending.send_batch(producer, command, batch)
        async with self.transaction():
            return await self.sending.send_batch(producer, command, batch)

    def transaction(self) -> AbstractAsyncContextManager[Transaction]:
        """A transaction of the producer."""
        producer = self.connection.needed_producer()
        driver = ProducerTransactions(producer, self.transactions.transactional_id)
        return self.transactions.begin(driver)

    async def request(  # type: ignore[override]
        self, command: KafkaPublishCommand, data: bytes, headers: dict[str, Any], timeout: float
    ) -> Any:
        replying = self.replying
        if replying is None:
            raise no_reply_topic(self.broker)
        command.reply_to = replying.topic.name

        async def send() -> None:
            await self.send(command, data, headers)

        asked = str(headers["correlation_id"])
        return await replying.ask(asked, send, command.destination, timeout)

    async def flush(self) -> None:
        """Waits until everything that was published is confirmed."""
        producer: Any = self.connection.needed_producer()
        await producer.flush()

    def is_transient(self, error: Exception) -> bool:
        return bool(getattr(error, "retriable", False)) or super().is_transient(error)
