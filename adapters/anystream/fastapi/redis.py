"""Message handlers on Redis in a FastAPI application."""

# FastAPI evaluates annotations of this module: no `from __future__ import annotations` here.
from typing import Annotated

from redis.asyncio import Redis as _Redis

from anystream.fastapi.context import Context, ContextRepo, Logger
from anystream.fastapi.router import StreamRouter
from anystream.redis import message as _message
from anystream.redis.broker import RedisBroker as _Broker
from anystream.redis.broker import RedisSentinelBroker as _SentinelBroker

__all__ = (
    "Context",
    "ContextRepo",
    "Logger",
    "Redis",
    "RedisBroker",
    "RedisChannelMessage",
    "RedisMessage",
    "RedisRouter",
    "RedisSentinelRouter",
)

RedisBroker = Annotated[_Broker, Context("broker")]
RedisMessage = Annotated[_message.RedisMessage, Context("message")]
Redis = Annotated[_Redis, Context("broker.connection")]
RedisChannelMessage = Annotated[_message.RedisChannelMessage, Context("message")]


class RedisRouter(StreamRouter):
    """A FastAPI router with handlers of messages; see `StreamRouter`.

    Args:
        url: see `RedisBroker`.
        **options: those of `StreamRouter`, of `APIRouter` and of `RedisBroker`.
    """

    broker: _Broker
    broker_class = _Broker


class RedisSentinelRouter(StreamRouter):
    """The same through Redis Sentinel.

    Args:
        **options: those of `StreamRouter`, of `APIRouter` and of `RedisSentinelBroker`.
    """

    broker: _SentinelBroker
    broker_class = _SentinelBroker
