"""Queues, exchanges and channels, as a program declares them."""

from anystream.rabbit.channel import Channel
from anystream.rabbit.exchange import ExchangeType, RabbitExchange
from anystream.rabbit.queue import RABBIT_REPLY, QueueType, RabbitQueue
from anystream.rabbit.queue_arguments import (
    ClassicQueueArguments,
    QueueArguments,
    QuorumQueueArguments,
    StreamQueueArguments,
)

__all__ = (
    "RABBIT_REPLY",
    "Channel",
    "ClassicQueueArguments",
    "ExchangeType",
    "QueueArguments",
    "QueueType",
    "QuorumQueueArguments",
    "RabbitExchange",
    "RabbitQueue",
    "StreamQueueArguments",
)
