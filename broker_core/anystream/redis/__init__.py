"""Redis: channels, lists and streams."""

from typing import TYPE_CHECKING

try:
    import redis.asyncio as _client
except ModuleNotFoundError as error:
    if (error.name or "").partition(".")[0] != "redis":
        raise
    raise ImportError(
        'anystream.redis needs the client library redis-py: pip install "anystream[redis]"'
    ) from error

from anystream.core.lazy_names import lazy_names
from anystream.redis.broker import RedisBroker, RedisClusterBroker, RedisSentinelBroker
from anystream.redis.declarations import RedisPublisher, RedisRoute, RedisRouter
from anystream.redis.exceptions import StreamClaimUnsupportedError, StreamGroupNotFoundError
from anystream.redis.parser import BinaryMessageFormatV1, MessageFormat
from anystream.redis.response import RedisPublishCommand, RedisResponse
from anystream.redis.schemas import ListSub, PubSub, StreamSub

if TYPE_CHECKING:
    from anystream.core.testing import TestApp
    from anystream.redis.annotations import (
        Pipeline,
        Redis,
        RedisBatchListMessage,
        RedisBatchStreamMessage,
        RedisChannelMessage,
        RedisListMessage,
        RedisMessage,
        RedisStreamMessage,
    )
    from anystream.redis.testing import TestRedisBroker

__all__ = (
    "BinaryMessageFormatV1",
    "ListSub",
    "MessageFormat",
    "Pipeline",
    "PubSub",
    "Redis",
    "RedisBatchListMessage",
    "RedisBatchStreamMessage",
    "RedisBroker",
    "RedisChannelMessage",
    "RedisClusterBroker",
    "RedisListMessage",
    "RedisMessage",
    "RedisParserType",
    "RedisPublishCommand",
    "RedisPublisher",
    "RedisResponse",
    "RedisRoute",
    "RedisRouter",
    "RedisSentinelBroker",
    "RedisStreamMessage",
    "StreamClaimUnsupportedError",
    "StreamGroupNotFoundError",
    "StreamSub",
    "TestApp",
    "TestRedisBroker",
)

del _client

RedisParserType = type[MessageFormat]

_ANNOTATIONS = "anystream.redis.annotations"

__getattr__ = lazy_names(
    __name__,
    {
        "Pipeline": _ANNOTATIONS,
        "Redis": _ANNOTATIONS,
        "RedisBatchListMessage": _ANNOTATIONS,
        "RedisBatchStreamMessage": _ANNOTATIONS,
        "RedisChannelMessage": _ANNOTATIONS,
        "RedisListMessage": _ANNOTATIONS,
        "RedisMessage": _ANNOTATIONS,
        "RedisStreamMessage": _ANNOTATIONS,
        "TestRedisBroker": "anystream.redis.testing",
        "TestApp": "anystream.core.testing",
    },
)
