"""A rebalance listener that logs."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from aiokafka import ConsumerRebalanceListener
from aiokafka.structs import TopicPartition

from anystream.kafka.rebalance import Rebalancing

__all__ = ("make_logging_listener",)


def make_logging_listener(
    *,
    consumer: Any = None,
    logger: Any = None,
    log_extra: dict[str, Any] | None = None,
    listener: Any = None,
) -> ConsumerRebalanceListener:
    """A listener for a consumer of one's own that logs assigned partitions.

    Subscribers of a broker do that by themselves.

    Args:
        consumer: whose partitions they are, for the text.
        logger: object with `.log()`; None for silence.
        log_extra: goes with every line.
        listener: is told, too; its methods may be sync or async.
    """

    def say(level: int, text: str) -> None:
        if logger is not None:
            logger.log(level, text, extra=log_extra)

    async def begin(partitions: Iterable[TopicPartition]) -> None:
        return None

    async def give_up(partitions: Iterable[TopicPartition], lost: bool) -> None:
        return None

    owner = "the consumer" if consumer is None else repr(consumer)
    return Rebalancing(listener, begin, give_up, lambda: False, owner, say)
