"""An option is one line in one `TypedDict`: from there it is taken, explained and handed on."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, get_args, get_type_hints

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from nats.aio.client import Client
from nats.js import JetStreamContext
from redis.asyncio.connection import Connection, ConnectionPool

from anystream import confluent, kafka
from anystream.confluent.client_config import ClientConfig
from anystream.confluent.config import ConfluentConfig
from anystream.confluent.options import ConsumerOptions as LibrdkafkaConsumer
from anystream.core.exceptions import OptionError
from anystream.kafka.consuming import Consuming
from anystream.kafka.message import Link
from anystream.kafka.options import (
    ConsumerOptions,
    EveryConsumerOptions,
    EverywhereOptions,
    NativeProducerOptions,
)
from anystream.kafka_common.options import AnyClientOptions, ProducerOptions
from anystream.nats import NatsBroker
from anystream.nats.options import ClientOptions as NatsClient
from anystream.nats.options import JetStreamOptions
from anystream.rabbit import RabbitBroker
from anystream.rabbit.options import Callbacks, LinkOptions
from anystream.redis import RedisBroker, RedisClusterBroker, RedisSentinelBroker
from anystream.redis.options import ClientOptions as RedisClient
from tests.brokers.harness import Harness
from tests.brokers.registry import harness_names, load


def calls() -> Iterator[Any]:
    """Everything that takes options: each broker class, `subscriber` and `publisher`."""
    classes: dict[str, Any] = {}
    for name in harness_names():
        harness = load(name)
        assert isinstance(harness, Harness)
        classes[name] = harness.broker_class
    more = {"redis sentinel": RedisSentinelBroker, "redis cluster": RedisClusterBroker}
    for name, broker in {**classes, **more}.items():
        yield pytest.param(broker.__init__, broker, id=name)
    for name, broker in classes.items():
        for method in ("subscriber", "publisher"):
            call = getattr(broker(logger=None), method)
            yield pytest.param(
                call, lambda call=call, **given: call("a", **given), id=f"{name} {method}"
            )


def schema_of(call: Callable[..., Any]) -> Any:
    """The `TypedDict` of a call's `**options`."""
    (schema,) = get_args(get_type_hints(call)["options"])
    return schema


def keys_of(schema: Any) -> frozenset[str]:
    return frozenset(schema.__required_keys__ | schema.__optional_keys__)


def origins(schema: Any) -> Iterator[tuple[str, Any]]:
    """Each option with the `TypedDict` that it is written in."""
    bases = [base for base in schema.__orig_bases__ if hasattr(base, "__optional_keys__")]
    inherited = frozenset().union(*map(keys_of, bases))
    yield from ((name, schema) for name in keys_of(schema) - inherited)
    for base in bases:
        yield from origins(base)


takers = pytest.mark.parametrize(("call", "take"), list(calls()))


@takers
def test_each_option_is_written_once_and_explained(call: Any, take: Any) -> None:
    """One line among the keys of one `TypedDict`, whose docstring says what it is."""
    found: dict[str, set[Any]] = {}
    for name, schema in origins(schema_of(call)):
        found.setdefault(name, set()).add(schema)
    assert {name: where for name, where in found.items() if len(where) > 1} == {}
    for name, (schema,) in found.items():
        explained = (inspect.getdoc(schema) or "").partition("Keys:\n")[2]
        assert re.search(rf"^    [\w, ]*\b{name}\b[\w,\s]*:", explained, re.MULTILINE), name


@takers
def test_a_misspelled_option_names_the_right_one(call: Any, take: Any) -> None:
    """Each of them, wherever it is inherited from."""
    for name in keys_of(schema_of(call)):
        with pytest.raises(OptionError, match=f"unknown option '{name}_', did you mean '{name}'"):
            take(**{f"{name}_": None})


async def callback(*_: Any) -> None:
    """For options that must be coroutine functions."""


VALUES: Mapping[str, Any] = {
    **{name: callback for name in NatsClient.__optional_keys__ if name.endswith("_cb")},
    "acks": 0,
    "auto_offset_reset": "earliest",
    "compression_type": "gzip",
    "isolation_level": "read_committed",
    "partitioner": "random",
    "partition_assignment_strategy": ["range"],
    "enable_idempotence": True,
    "check_crcs": False,
}


def value_for(name: str) -> Any:
    """Something that the option can be, and is not by default."""
    return VALUES.get(name, 7)


def aiokafka_consumer(**options: Any) -> Mapping[str, Any]:
    broker = kafka.KafkaBroker(logger=None)
    return Consuming(broker.kafka, broker.subscriber("t", **options), Link())._options()


PLACES: dict[str, tuple[Any, Callable[..., Mapping[str, Any]], list[Any]]] = {
    # the TypedDict, what its client is given, and where that client names it (if it does)
    "nats": (NatsClient, lambda **o: NatsBroker(**o).nats.options, [Client.connect]),
    "jetstream": (
        JetStreamOptions,
        lambda **o: NatsBroker(js_options=o).nats.js_options,
        [JetStreamContext.__init__],
    ),
    "redis": (
        RedisClient,
        lambda **o: RedisBroker(**o).redis.servers.options,
        [*(kind.__init__ for kind in Connection.__mro__), ConnectionPool.__init__],
    ),
    "rabbit": (LinkOptions, lambda **o: RabbitBroker(**o).rabbit.options, []),
    "rabbit callbacks": (Callbacks, lambda **o: RabbitBroker(**o).rabbit.callbacks, []),
    "kafka producer": (
        NativeProducerOptions,
        lambda **o: kafka.KafkaBroker(**o).kafka.options,
        [AIOKafkaProducer.__init__],
    ),
    "kafka everywhere": (
        EverywhereOptions,
        lambda **o: kafka.KafkaBroker(**o).kafka.common_options(),
        [AIOKafkaProducer.__init__],
    ),
    "kafka consumers": (
        EveryConsumerOptions,
        lambda **o: kafka.KafkaBroker(**o).kafka.consumer_options(),
        [AIOKafkaConsumer.__init__],
    ),
    "kafka consumer": (ConsumerOptions, aiokafka_consumer, [AIOKafkaConsumer.__init__]),
}


@pytest.mark.parametrize("place", PLACES)
def test_every_option_of_a_client_reaches_it(place: str) -> None:
    """By its own name, which the client knows."""
    schema, given_to_client, named = PLACES[place]
    known = {name for call in named for name in inspect.signature(call).parameters}
    for name in keys_of(schema):
        value = value_for(name)
        assert given_to_client(**{name: value})[name] == value
        assert name in known or not named, name


def librdkafka(kind: str, **options: Any) -> Mapping[str, Any]:
    """What librdkafka is given for one of its clients."""
    broker = confluent.KafkaBroker(logger=None, **({} if kind == "consumer" else options))
    config: ClientConfig = broker._real.clients.config
    if kind != "consumer":
        return config.producer()
    source = broker.subscriber("t", group_id="g", **options).source
    return config.consumer(source.client, source.group_id, {})


@pytest.mark.parametrize(
    ("kind", "schema"),
    [
        ("connection", AnyClientOptions),
        ("producer", ProducerOptions),
        ("consumer", LibrdkafkaConsumer),
    ],
)
def test_every_option_becomes_a_key_of_librdkafka(kind: str, schema: Any) -> None:
    """One key each (a transaction also needs idempotence), which librdkafka knows."""
    usual = librdkafka(kind)
    for name in keys_of(schema):
        changed = dict(librdkafka(kind, **{name: value_for(name)}).items() - usual.items())
        if name == "transactional_id":
            assert changed.pop("enable.idempotence") is True
        assert len(changed) == 1, (name, changed)
        assert changed.keys() <= ConfluentConfig.__optional_keys__


def heirs(schema: Any, base: Any) -> Iterator[Any]:
    """The `TypedDict`s at and below `schema` that have the options of `base`."""
    parents = [each for each in schema.__orig_bases__ if hasattr(each, "__optional_keys__")]
    found = [heir for parent in parents for heir in heirs(parent, base)]
    if schema is base or found:
        yield schema
    yield from found


@pytest.mark.parametrize(
    ("broker", "place"),
    [
        (NatsBroker, "nats"),
        (RedisBroker, "redis"),
        (RabbitBroker, "rabbit"),
        (kafka.KafkaBroker, "kafka producer"),
    ],
)
def test_one_more_line_is_enough(broker: Any, place: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A key that is added to the client's `TypedDict`, and to nothing else, is taken by the broker
    and reaches the client."""
    schema, given_to_client, _ = PLACES[place]
    with pytest.raises(OptionError, match="unknown option 'brand_new'"):
        given_to_client(brand_new=7)
    for heir in heirs(schema_of(broker.__init__), schema):  # Python does it for a line in a file
        monkeypatch.setattr(heir, "__optional_keys__", heir.__optional_keys__ | {"brand_new"})
    assert given_to_client(brand_new=7)["brand_new"] == 7
