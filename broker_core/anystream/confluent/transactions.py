"""Transactions of librdkafka's producer."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any

from confluent_kafka import KafkaException

from anystream.confluent.blocking import in_thread
from anystream.confluent.commits import places
from anystream.confluent.errors import TransactionFailed, inner
from anystream.kafka_common.offsets import Key


class ProducerTransactions:
    """Begins and ends transactions of a producer; its calls block, so they run in threads.

    Args:
        producer: the client's producer, made with a `transactional.id`.
    """

    def __init__(self, producer: Any) -> None:
        self.producer = producer

    @asynccontextmanager
    async def around(self) -> AsyncIterator[None]:
        """One transaction.

        Raises:
            TransactionFailed: the server does not take it.
        """
        await self._do("begin", self.producer.begin_transaction)
        try:
            yield
            await self._do("commit", self.producer.commit_transaction)
        except BaseException:
            await asyncio.shield(self._do("abort", self.producer.abort_transaction))
            raise

    async def send_offsets(self, offsets: Mapping[Key, int], message: Any) -> bool:
        """Makes offsets part of the open transaction."""
        consumer = message.consumer
        if consumer is None:
            return False
        member = await consumer.call(lambda native: native.consumer_group_metadata())
        await self._do(
            "take offsets",
            lambda: self.producer.send_offsets_to_transaction(places(offsets), member),
        )
        return True

    async def _do(self, what: str, call: Callable[[], Any]) -> None:
        try:
            await in_thread(call)
        except KafkaException as error:
            cause = inner(error)
            raise TransactionFailed(
                cause, f"the transaction did not {what}: {cause.str()}"
            ) from error
