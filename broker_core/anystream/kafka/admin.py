"""Making topics that are missing."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

from aiokafka import errors as native
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType

from anystream.core.exceptions import SetupError
from anystream.kafka.connection import KafkaConnection
from anystream.kafka.ending import end_client, start
from anystream.kafka_common.topics import Topic

_HARMLESS = (0, native.TopicAlreadyExistsError.errno)
_DEFAULTS = {"num.partitions": 1, "default.replication.factor": 1}
VISIBLE_TIMEOUT = 10.0


async def make_topics(connection: KafkaConnection, topics: Sequence[Topic]) -> None:
    """Makes topics and waits until the server shows them; those that exist stay as they are.

    Raises:
        SetupError: the server refuses one.
        KafkaError: it does not answer.
    """
    client: Any = AIOKafkaAdminClient(**connection.common_options())
    try:
        await start(client)
        defaults = await _server_defaults(client, topics)
        answer = await client.create_topics([_new_topic(topic, defaults) for topic in topics])
        for name, code, *rest in answer.topic_errors:
            if code not in _HARMLESS:
                raise SetupError(_refused(name, code, rest, connection))
    finally:
        await end_client(client._client, [])
    await _until_visible(connection, [topic.name for topic in topics])


def _refused(name: str, code: int, rest: Sequence[Any], connection: KafkaConnection) -> str:
    error = native.for_code(code)
    reason = f": {rest[0]}" if rest and rest[0] else ""
    return (
        f"Kafka at {connection.address} does not make the topic {name!r}: {error.__name__}{reason}."
        " Make it by hand, or check what its `Topic` asks for"
    )


def _new_topic(topic: Topic, defaults: dict[str, int]) -> NewTopic:
    partitions, copies = topic.num_partitions, topic.replication_factor
    return NewTopic(
        name=topic.name,
        num_partitions=partitions if partitions > 0 else defaults["num.partitions"],
        replication_factor=copies if copies > 0 else defaults["default.replication.factor"],
        topic_configs=dict(topic.config),
    )


async def _server_defaults(client: Any, topics: Sequence[Topic]) -> dict[str, int]:
    """How many partitions and copies the server would make by itself. The client's request has no
    word for "your default"."""
    found = dict(_DEFAULTS)
    if all(topic.num_partitions > 0 and topic.replication_factor > 0 for topic in topics):
        return found
    node = str(client._client.get_random_node())
    wanted = ConfigResource(ConfigResourceType.BROKER, node, dict.fromkeys(_DEFAULTS))
    try:
        answers = await client.describe_configs([wanted])
    except (native.KafkaError, asyncio.TimeoutError):
        return found  # not allowed to ask
    for answer in answers:
        for resource in answer.resources:
            for name, value, *_ in resource[4]:
                if name in found and str(value).isdigit():
                    found[name] = int(value)
    return found


async def _until_visible(connection: KafkaConnection, names: Sequence[str]) -> None:
    deadline = asyncio.get_running_loop().time() + VISIBLE_TIMEOUT
    while await connection.missing(names):
        if asyncio.get_running_loop().time() > deadline:
            return  # whoever needs it will say so
        await asyncio.sleep(0.02)
