"""What is refused at declaration, and what reaches librdkafka."""

from __future__ import annotations

import ssl
from typing import Any

import pytest

from anystream.confluent import KafkaBroker, KafkaRouter, TopicPartition
from anystream.confluent.helpers.config import ConfluentConfig
from anystream.core import AckPolicy
from anystream.core.exceptions import FeatureNotSupportedException, OptionError, SetupError
from anystream.core.security import (
    SASLGSSAPI,
    BaseSecurity,
    SASLOAuthBearer,
    SASLPlaintext,
    SASLScram256,
    SASLScram512,
)


def consumer_config(broker: KafkaBroker, *topics: str, **options: Any) -> dict[str, Any]:
    source = broker.subscriber(*topics, **options).source
    transport: Any = broker.transport
    config: dict[str, Any] = transport.clients.config.consumer(source.client, source.group_id, {})
    return config


def producer_config(**options: Any) -> dict[str, Any]:
    transport: Any = KafkaBroker("one:9092", **options).transport
    config: dict[str, Any] = transport.clients.config.producer()
    return config


def test_defaults_of_the_producer() -> None:
    """Every parameter of the broker has its librdkafka key and its default."""
    assert producer_config() == {
        "bootstrap.servers": "one:9092",
        "client.id": "anystream",
        "metadata.max.age.ms": 300000,
        "connections.max.idle.ms": 540000,
        "request.timeout.ms": 40000,
        "retry.backoff.ms": 100,
        "acks": -1,
        "partitioner": "consistent_random",
        "message.max.bytes": 1048576,
        "linger.ms": 0,
        "enable.idempotence": False,
        "transaction.timeout.ms": 60000,
    }


def test_defaults_of_a_consumer() -> None:
    """Every parameter of a subscriber has its librdkafka key and its default."""
    assert consumer_config(KafkaBroker(["one:9092", "two:9092"]), "a") == {
        "bootstrap.servers": "one:9092,two:9092",
        "client.id": "anystream",
        "metadata.max.age.ms": 300000,
        "connections.max.idle.ms": 540000,
        "fetch.error.backoff.ms": 100,
        "allow.auto.create.topics": True,
        "group.id": "faststream-consumer-group",
        "fetch.max.bytes": 52428800,
        "fetch.min.bytes": 1,
        "fetch.wait.max.ms": 500,
        "max.partition.fetch.bytes": 1048576,
        "auto.offset.reset": "latest",
        "auto.commit.interval.ms": 5000,
        "check.crcs": True,
        "partition.assignment.strategy": "roundrobin",
        "max.poll.interval.ms": 300000,
        "session.timeout.ms": 10000,
        "heartbeat.interval.ms": 3000,
        "isolation.level": "read_uncommitted",
        "topic.metadata.refresh.interval.ms": 1000,
    }


def test_config_wins() -> None:
    """`config` wins over parameters and security, for every client."""
    config: ConfluentConfig = {"linger.ms": 7, "client.id": "mine", "security.protocol": "ssl"}
    found = producer_config(linger_ms=3, config=config, security=BaseSecurity())
    assert (found["linger.ms"], found["client.id"]) == (7, "mine")
    assert found["security.protocol"] == "ssl"
    listed = producer_config(config={"bootstrap.servers": ["a:1", "b:2"]})
    assert listed["bootstrap.servers"] == "a:1,b:2"


def test_acks_and_reset_are_translated() -> None:
    """`all` is -1, `none` is librdkafka's error."""
    assert producer_config(acks="all")["acks"] == -1
    assert producer_config(acks=1)["acks"] == 1
    found = consumer_config(KafkaBroker(), "a", auto_offset_reset="none")
    assert found["auto.offset.reset"] == "error"


def test_the_new_group_protocol_leaves_out_what_it_forbids() -> None:
    """With group.protocol=consumer the server decides on sessions and strategies."""
    broker = KafkaBroker(config={"group.protocol": "consumer"})
    found = consumer_config(broker, "a", group_id="g")
    assert not {"session.timeout.ms", "partition.assignment.strategy"} & set(found)


@pytest.mark.parametrize(
    ("key", "value", "hint"),
    [
        ("compression.type", "zip", "lz4"),
        ("compression.codec", "zip", "lz4"),
        ("client.dns.lookup", "x", "use_all_dns_ips"),
        ("offset.store.method", "x", "broker"),
        ("isolation.level", "x", "read_committed"),
        ("sasl.oauthbearer.method", "x", "oidc"),
        ("security.protocol", "tls", "sasl_ssl"),
        ("broker.address.family", "v5", "v6"),
        ("builtin.features", "x", "gzip"),
        ("debug", "a,b", "cgrp"),
        ("group.protocol", "x", "classic"),
    ],
)
def test_values_of_the_config_are_checked(key: str, value: str, hint: str) -> None:
    """A value that a key cannot have is refused with those it can have."""
    with pytest.raises(ValueError, match=hint) as caught:
        KafkaBroker(config={key: value})
    assert isinstance(caught.value, OptionError)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"linger_sm": 1}, "did you mean 'linger_ms'"),
        ({"acks": 2}, "acks=2"),
        ({"compression_type": "zip"}, "compression_type='zip'"),
        ({"partitioner": "mine"}, "partitioner='mine'"),
        ({"config": ["a"]}, "must be a dict"),
        ({"security": "secret"}, "no security object"),
    ],
)
def test_wrong_options_of_a_broker(options: Any, message: str) -> None:
    """Wrong names and values are refused when the broker is made."""
    with pytest.raises(OptionError, match=message):
        KafkaBroker(**options)


@pytest.mark.parametrize("servers", ["", [], [""], [1], "a,,b"])
def test_wrong_servers(servers: Any) -> None:
    """There has to be an address."""
    with pytest.raises(OptionError, match="bootstrap_servers"):
        KafkaBroker(servers)


@pytest.mark.parametrize(
    ("topics", "options", "message"),
    [
        ((), {}, "nothing to read"),
        (("a",), {"partitions": [TopicPartition("a", 0)]}, "more than one"),
        (("a",), {"gruop_id": "g"}, "did you mean 'group_id'"),
        (("a b",), {}, "no name of a topic"),
        (("a",), {"auto_offset_reset": "first"}, "'earliest'"),
        (("a",), {"polling_interval": 0}, "polling_interval=0"),
        (("a",), {"max_records": 0}, "max_records=0"),
        (("a",), {"on_assign": "x"}, "plain function"),
        (("a",), {"ack_policy": AckPolicy.ACK}, "group_id"),
        (("a",), {"max_workers": 0}, "max_workers"),
        ((), {"pattern": r"a\d"}, "POSIX"),
        ((), {"pattern": r"(?:a)"}, "POSIX"),
        ((), {"pattern": r"{x}.{x}"}, "Duplicated"),
        ((), {"partitions": [TopicPartition("a")]}, "no partition"),
    ],
)
def test_wrong_subscribers(topics: Any, options: Any, message: str) -> None:
    """Wrong names, values and combinations are refused when the subscriber is declared."""
    with pytest.raises(SetupError, match=message):
        KafkaRouter().subscriber(*topics, **options)


def test_async_callbacks_are_refused() -> None:
    """Rebalance callbacks run in the consumer's thread, where nothing can be awaited."""

    async def assigned(consumer: Any, partitions: Any) -> None: ...

    with pytest.raises(OptionError, match="plain function"):
        KafkaRouter().subscriber("a", on_assign=assigned)


@pytest.mark.parametrize(
    ("security", "expected"),
    [
        (BaseSecurity(), {"security.protocol": "plaintext"}),
        (BaseSecurity(use_ssl=True), {"security.protocol": "ssl"}),
        (
            SASLPlaintext("me", "secret"),
            {"security.protocol": "sasl_plaintext", "sasl.mechanism": "PLAIN"},
        ),
        (
            SASLScram256("me", "secret", use_ssl=True),
            {"security.protocol": "sasl_ssl", "sasl.mechanism": "SCRAM-SHA-256"},
        ),
        (
            SASLScram512("me", "secret", use_ssl=True),
            {"security.protocol": "sasl_ssl", "sasl.mechanism": "SCRAM-SHA-512"},
        ),
        (
            SASLOAuthBearer(use_ssl=True),
            {"security.protocol": "sasl_ssl", "sasl.mechanism": "OAUTHBEARER"},
        ),
        (
            SASLGSSAPI(use_ssl=True),
            {"security.protocol": "sasl_ssl", "sasl.mechanism": "GSSAPI"},
        ),
    ],
)
def test_security(security: Any, expected: dict[str, str]) -> None:
    """Each security class has its keys; user and password go along."""
    found = producer_config(security=security)
    assert expected.items() <= found.items()
    if hasattr(security, "username"):
        assert (found["sasl.username"], found["sasl.password"]) == ("me", "secret")


def test_security_that_librdkafka_cannot_use() -> None:
    """An `ssl_context` is Python's; an unknown class is nobody's."""

    class Mine(BaseSecurity): ...

    with pytest.raises(SetupError, match=r"ssl\.ca\.location"):
        KafkaBroker(security=BaseSecurity(ssl_context=ssl.create_default_context()))
    with pytest.raises(FeatureNotSupportedException, match="Mine"):
        KafkaBroker(security=Mine())


def test_secure_protocol_in_the_document() -> None:
    """TLS shows in the protocol's name; passwords show nowhere."""
    broker = KafkaBroker(security=SASLPlaintext("me", "secret", use_ssl=True))
    assert broker.specification.protocol == "kafka-secure"
    assert broker.specification.protocol_version == "auto"
    assert "secret" not in repr(broker)


def test_topic_partition() -> None:
    """Our own partition becomes the client's, and takes prefixes."""
    place = TopicPartition("a", 1, offset=5).add_prefix("x.")
    native = place.to_confluent()
    assert (native.topic, native.partition, native.offset) == ("x.a", 1, 5)
    assert TopicPartition("a").to_confluent().offset == -1001


async def test_a_key_that_librdkafka_does_not_know() -> None:
    """librdkafka judges names; the error says the nearest one."""
    broker = KafkaBroker("127.0.0.1:1", config={"socket.keepalive.enabel": True})
    with pytest.raises(OptionError, match=r"did you mean 'socket\.keepalive\.enable'"):
        await broker.connect()


async def test_a_value_that_librdkafka_refuses() -> None:
    """A value of the wrong kind is our error, too."""
    broker = KafkaBroker("127.0.0.1:1", config={"linger.ms": "soon"})
    with pytest.raises(OptionError, match="KafkaBroker config"):
        await broker.connect()
