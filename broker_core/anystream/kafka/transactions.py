"""Transactions of aiokafka's producer."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

from aiokafka import errors as native
from aiokafka.structs import TopicPartition

from anystream.core.exceptions import PublishError
from anystream.kafka_common.offsets import Key


class ProducerTransactions:
    """Begins and ends transactions of a producer.

    Args:
        producer: the client's producer, made with a `transactional_id`.
        transactional_id: for messages.
    """

    def __init__(self, producer: Any, transactional_id: str | None) -> None:
        self.producer = producer
        self.transactional_id = transactional_id

    @asynccontextmanager
    async def around(self) -> AsyncIterator[None]:
        """One transaction.

        Raises:
            PublishError: the server does not take it.
        """
        try:
            async with self.producer.transaction():
                yield
        except native.KafkaError as error:
            if isinstance(error, PublishError):
                raise
            raise PublishError(
                f"the transaction of {self.transactional_id!r} failed: {error!r}"
            ) from error

    async def send_offsets(self, offsets: Mapping[Key, int], message: Any) -> bool:
        """Makes offsets part of the open transaction."""
        group = getattr(message.consumer, "_group_id", None)
        if group is None:
            return False
        native_offsets = {TopicPartition(*key): offset for key, offset in offsets.items()}
        await self.producer.send_offsets_to_transaction(native_offsets, group)
        return True
