"""Ready-made annotations for handlers of Redis."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Annotated, Any

from redis.asyncio.client import Pipeline as _Pipeline
from redis.asyncio.client import Redis as _Redis

from anystream.core.annotations import ContextRepo, Logger, NoCast
from anystream.core.params import Context, Depends
from anystream.redis import message as _message
from anystream.redis.broker import RedisBroker as _Broker

__all__ = (
    "ContextRepo",
    "Logger",
    "NoCast",
    "Pipeline",
    "Redis",
    "RedisBatchListMessage",
    "RedisBatchStreamMessage",
    "RedisBroker",
    "RedisChannelMessage",
    "RedisListMessage",
    "RedisMessage",
    "RedisStreamMessage",
)

RedisBroker = Annotated[_Broker, Context("broker")]
RedisMessage = Annotated[_message.RedisMessage, Context("message")]
RedisChannelMessage = Annotated[_message.RedisChannelMessage, Context("message")]
RedisListMessage = Annotated[_message.RedisListMessage, Context("message")]
RedisStreamMessage = Annotated[_message.RedisStreamMessage, Context("message")]
RedisBatchListMessage = Annotated[_message.RedisBatchListMessage, Context("message")]
RedisBatchStreamMessage = Annotated[_message.RedisBatchStreamMessage, Context("message")]
Redis = Annotated[_Redis, Context("broker.connection")]


async def _open_pipeline(redis: Any = Context("broker.connection")) -> AsyncIterator[Any]:
    async with redis.pipeline() as pipeline:
        yield pipeline


# open while the handler runs; the handler calls `await pipe.execute()`
Pipeline = Annotated[_Pipeline, Depends(_open_pipeline, cast=False)]
