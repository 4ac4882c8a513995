"""Publishing through the client's producer."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

from aiokafka import AIOKafkaProducer
from aiokafka import errors as native

from anystream.core.exceptions import PublishError
from anystream.kafka.admin import make_topics
from anystream.kafka.connection import KafkaConnection
from anystream.kafka.errors import publish_error, topic_not_found
from anystream.kafka_common.errors import BatchBufferOverflowException
from anystream.kafka_common.records import is_tombstone, wire_headers, wire_key
from anystream.kafka_common.response import KafkaPublishCommand
from anystream.kafka_common.topics import Topic, check_topic

DEFAULT_MAX_REQUEST = 1048576


class Sending:
    """Sends commands as records.

    Args:
        connection: has the producer.
        may_make_topics: a topic that is missing is made.
    """

    def __init__(self, connection: KafkaConnection, *, may_make_topics: bool) -> None:
        self.connection = connection
        self.may_make_topics = may_make_topics
        options = connection.options
        self.limit = options.get("max_request_size", DEFAULT_MAX_REQUEST)
        self.own_keys = options.get("key_serializer") is not None
        self._partitioner = options.get("partitioner")

    def key(self, key: Any) -> Any:
        """The key for the client: text as UTF-8, unless a serializer takes care of it."""
        return key if self.own_keys else wire_key(key)

    async def know(self, topic: str) -> None:
        """Sees to it that a topic exists before the client waits for it in vain.

        Raises:
            TopicNotFound: it does not, and may not be made.
        """
        connection = self.connection
        if connection.knows(topic):
            return
        try:
            check_topic(topic, "publish")
        except ValueError as error:
            raise PublishError(str(error)) from error
        if not await connection.missing([topic]):
            return
        if not self.may_make_topics:
            raise topic_not_found(f"publish to {topic!r}", topic)
        await make_topics(connection, [Topic(topic)])

    async def send(
        self,
        producer: AIOKafkaProducer,
        command: KafkaPublishCommand,
        data: bytes,
        headers: dict[str, Any],
    ) -> Any:
        """Sends one record; returns what the server says of it, or the future of that."""
        key = self.key(command.key)
        value = None if key is not None and is_tombstone(command.body, data) else data
        wire = wire_headers(headers, command.reply_to)
        topic = command.destination
        try:
            if not self.connection.knows(topic):
                await self.know(topic)
            confirmed = await producer.send(
                topic, value, key, command.partition, command.timestamp_ms, wire
            )
            return confirmed if command.no_confirm else await confirmed
        except Exception as error:
            self._perhaps_forget(error, topic)
            raise publish_error(error, command, len(data), self.limit) from error

    def _perhaps_forget(self, error: Exception, topic: str) -> None:
        if isinstance(error, (native.UnknownTopicOrPartitionError, native.KafkaTimeoutError)):
            self.connection.forget(topic)

    async def send_batch(
        self,
        producer: AIOKafkaProducer,
        command: KafkaPublishCommand,
        batch: Sequence[tuple[bytes, dict[str, Any]]],
    ) -> Any:
        """Sends records as one batch for each partition that their keys choose."""
        if not batch:
            return None
        topic = command.destination
        try:
            await self.know(topic)
            places = await self._partitions(producer, command, len(batch))
            builders = self._build(producer, command, batch, places)
            sent = [
                await producer.send_batch(builder, topic, partition=partition)
                for partition, builder in builders.items()
            ]
            confirmed = sent[0] if len(sent) == 1 else asyncio.gather(*sent)
            return confirmed if command.no_confirm else await confirmed
        except Exception as error:
            self._perhaps_forget(error, topic)
            size = sum(len(data) for data, _ in batch)
            raise publish_error(error, command, size, self.limit) from error

    async def _partitions(
        self, producer: AIOKafkaProducer, command: KafkaPublishCommand, count: int
    ) -> list[int]:
        """The partition of each record: that of the command, that of its key, or one for all that
        have no key."""
        if command.partition is not None:
            return [command.partition] * count
        known: Any = producer
        everyone = sorted(await known.partitions_for(command.destination))
        choose = self._partitioner or known._partitioner
        keyless = choose(None, everyone, everyone)
        found = []
        for place in range(count):
            key = command.key_for(place)
            found.append(
                keyless if key is None else choose(self._key_bytes(key), everyone, everyone)
            )
        return found

    def _key_bytes(self, key: Any) -> Any:
        make = self.connection.options.get("key_serializer")
        return wire_key(key) if make is None else make(key)

    def _build(
        self,
        producer: AIOKafkaProducer,
        command: KafkaPublishCommand,
        batch: Sequence[tuple[bytes, dict[str, Any]]],
        places: Sequence[int],
    ) -> dict[int, Any]:
        builders: dict[int, Any] = {}
        for place, (data, headers) in enumerate(batch):
            builder = builders.get(places[place])
            if builder is None:
                builder = builders[places[place]] = producer.create_batch()
            own = {**headers, **command.headers_for(place)}
            added = builder.append(
                key=self.key(command.key_for(place)),
                value=data,
                timestamp=command.timestamp_for(place),
                headers=wire_headers(own, command.reply_to, single=False),
            )
            if added is None:
                raise BatchBufferOverflowException(place)
        return builders
