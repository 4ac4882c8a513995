"""Options of brokers, subscribers and publishers, and what is wrong with them; no server."""

from __future__ import annotations

import re
import ssl
from typing import Any

import pytest
from aiokafka.structs import TopicPartition

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
from anystream.kafka import KafkaBroker, KafkaRouter, Topic
from anystream.kafka.consuming import Consuming
from anystream.kafka.message import Link
from anystream.kafka.security import connect_options
from anystream.kafka_common.source import shown_topics, wire_partitions, wire_topics
from anystream.kafka_common.topics import TopicPattern


@pytest.fixture
def broker() -> KafkaBroker:
    return KafkaBroker(logger=None)


def consumer_options(broker: KafkaBroker, *topics: Any, **options: Any) -> dict[str, Any]:
    """What the client's consumer of a subscriber gets."""
    subscriber = broker.subscriber(*topics, **options)
    return Consuming(broker.kafka, subscriber, Link())._options()


def test_an_unknown_option_names_the_nearest(broker: KafkaBroker) -> None:
    """On brokers, subscribers and publishers."""
    with pytest.raises(OptionError, match="'gruop_id', did you mean 'group_id'"):
        broker.subscriber("t", gruop_id="g")  # type: ignore[call-arg]
    with pytest.raises(TypeError, match="'lingr_ms', did you mean 'linger_ms'"):
        KafkaBroker(lingr_ms=1)  # type: ignore[call-arg]
    with pytest.raises(OptionError, match="'partitoin', did you mean 'partition'"):
        broker.publisher("t", partitoin=1)  # type: ignore[call-arg]


def test_exactly_one_of_topics_partitions_and_pattern(broker: KafkaBroker) -> None:
    """Nothing to read, or two kinds of it, is said where it is declared."""
    with pytest.raises(SetupError, match="nothing to read"):
        broker.subscriber()
    with pytest.raises(SetupError, match="more than one"):
        broker.subscriber("t", pattern="t.*")
    with pytest.raises(SetupError, match="more than one"):
        broker.subscriber("t", partitions=[TopicPartition("t", 0)])


@pytest.mark.parametrize("name", ["", "a b", "a/b", "ü", "x" * 250, ".."])
def test_names_that_kafka_does_not_take(broker: KafkaBroker, name: str) -> None:
    """For reading and for writing."""
    with pytest.raises(SetupError):
        broker.subscriber(name)
    with pytest.raises(SetupError):
        broker.publisher(name)


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"auto_offset_reset": "first"}, "auto_offset_reset='first'"),
        ({"isolation_level": "x"}, "isolation_level='x'"),
        ({"max_records": 0}, "max_records=0"),
        ({"group_id": ""}, "group_id=''"),
        ({"partitions": ["t"]}, "'t' is no partition"),
        ({"max_workers": 0}, "max_workers"),
        ({"pattern": "a["}, "no regular expression"),
        ({"pattern": "{x}.{x}"}, "Duplicated param name"),
    ],
)
def test_values_that_make_no_sense(broker: KafkaBroker, options: dict[str, Any], text: str) -> None:
    """Each is refused with the value in the message."""
    topics = [] if "pattern" in options or "partitions" in options else ["t"]
    with pytest.raises(SetupError, match=re.escape(text)):
        broker.subscriber(*topics, **options)


@pytest.mark.parametrize(
    "options",
    [{"acks": 2}, {"compression_type": "rar"}, {"bootstrap_servers": ""}, {"reply_topic": "a b"}],
)
def test_values_that_make_no_sense_for_a_broker(options: dict[str, Any]) -> None:
    """Refused before anything connects."""
    with pytest.raises(SetupError, match=next(iter(options))):
        KafkaBroker(**options)


@pytest.mark.parametrize("policy", [AckPolicy.ACK, AckPolicy.NACK_ON_ERROR, AckPolicy.MANUAL])
def test_a_group_is_missing_for_manual_commits(broker: KafkaBroker, policy: AckPolicy) -> None:
    """Offsets belong to a group."""
    with pytest.raises(SetupError, match="add group_id"):
        broker.subscriber("t", ack_policy=policy)
    broker.subscriber("t", ack_policy=AckPolicy.ACK_FIRST)


def test_reject_warns(broker: KafkaBroker) -> None:
    """Kafka has no rejection."""
    with pytest.warns(UserWarning, match="REJECT_ON_ERROR does the same as ACK"):
        broker.subscriber("t", group_id="g", ack_policy=AckPolicy.REJECT_ON_ERROR)


def test_workers_of_a_batch_warn(broker: KafkaBroker) -> None:
    """Batches are handled one after the other."""
    with pytest.warns(RuntimeWarning, match="max_workers has no effect"):
        assert broker.subscriber("t", batch=True, max_workers=3).workers == 1


def test_options_reach_the_consumer() -> None:
    """Those of the subscriber win over those of the broker."""
    broker = KafkaBroker("h:1", client_id="me", client_rack="a", request_timeout_ms=7, logger=None)
    options = consumer_options(
        broker,
        "t",
        group_id="g",
        client_rack="b",
        session_timeout_ms=8,
        max_poll_records=9,
        fetch_max_bytes=10,
    )
    assert options == {
        "bootstrap_servers": ["h:1"],
        "client_id": "me",
        "request_timeout_ms": 7,
        "client_rack": "b",
        "group_id": "g",
        "session_timeout_ms": 8,
        "max_poll_records": 9,
        "fetch_max_bytes": 10,
        "enable_auto_commit": False,
    }


@pytest.mark.parametrize(
    ("policy", "automatic"),
    [(None, False), (AckPolicy.ACK, False), (AckPolicy.ACK_FIRST, True), (AckPolicy.MANUAL, False)],
)
def test_only_ack_first_is_the_clients_auto_commit(
    broker: KafkaBroker, policy: AckPolicy | None, automatic: bool
) -> None:
    """Everything else commits what was handled, not what was fetched."""
    options = {} if policy is None else {"ack_policy": policy}
    assert consumer_options(broker, "t", group_id="g", **options)["enable_auto_commit"] is automatic


def test_a_brokers_policy_counts_too() -> None:
    """The nearest layer decides whether the client commits."""
    broker = KafkaBroker(ack_policy=AckPolicy.ACK_FIRST, logger=None)
    assert consumer_options(broker, "t", group_id="g")["enable_auto_commit"] is True


CONTEXT = ssl.create_default_context()


@pytest.mark.parametrize(
    ("security", "expected"),
    [
        (None, {}),
        (BaseSecurity(), {"security_protocol": "PLAINTEXT"}),
        (BaseSecurity(CONTEXT), {"security_protocol": "SSL", "ssl_context": CONTEXT}),
        (
            SASLPlaintext("u", "p"),
            {
                "security_protocol": "SASL_PLAINTEXT",
                "sasl_mechanism": "PLAIN",
                "sasl_plain_username": "u",
                "sasl_plain_password": "p",
            },
        ),
        (
            SASLScram256("u", "p", CONTEXT),
            {
                "security_protocol": "SASL_SSL",
                "ssl_context": CONTEXT,
                "sasl_mechanism": "SCRAM-SHA-256",
                "sasl_plain_username": "u",
                "sasl_plain_password": "p",
            },
        ),
        (
            SASLScram512("u", "p"),
            {
                "security_protocol": "SASL_PLAINTEXT",
                "sasl_mechanism": "SCRAM-SHA-512",
                "sasl_plain_username": "u",
                "sasl_plain_password": "p",
            },
        ),
        (
            SASLOAuthBearer(),
            {"security_protocol": "SASL_PLAINTEXT", "sasl_mechanism": "OAUTHBEARER"},
        ),
        (SASLGSSAPI(), {"security_protocol": "SASL_PLAINTEXT", "sasl_mechanism": "GSSAPI"}),
    ],
)
def test_security(security: BaseSecurity | None, expected: dict[str, Any]) -> None:
    """Every class becomes the client's options."""
    assert connect_options(security) == expected


def test_security_that_kafka_does_not_know() -> None:
    """Another broker's credentials, or no security object at all."""

    class Token(BaseSecurity):
        pass

    with pytest.raises(FeatureNotSupportedException, match="Token"):
        KafkaBroker(security=Token())
    with pytest.raises(OptionError, match="no security object"):
        KafkaBroker(security="secret")  # type: ignore[arg-type]


def test_tls_without_a_context_gets_the_default_one() -> None:
    """`use_ssl=True` alone is enough."""
    found = connect_options(BaseSecurity(use_ssl=True))["ssl_context"]
    assert isinstance(found, ssl.SSLContext)


def test_what_the_document_says_of_the_broker() -> None:
    """Addresses, protocol, version."""
    plain = KafkaBroker(["a:1", "b:2"]).specification
    assert (plain.url, plain.protocol, plain.protocol_version) == (["a:1", "b:2"], "kafka", "auto")
    secure = KafkaBroker(security=BaseSecurity(use_ssl=True), protocol_version="3.7")
    assert secure.specification.protocol == "kafka-secure"
    assert secure.specification.protocol_version == "3.7"


def test_channels_of_the_document(broker: KafkaBroker) -> None:
    """One for each topic, with the binding; a pattern as it was written."""

    @broker.subscriber("a", "b")
    async def read(body: int) -> None: ...

    @broker.subscriber(pattern="logs.{level}")
    async def logs(body: int) -> None: ...

    first, second = broker.subscribers
    assert list(first.schema()) == ["a:Read", "b:Read"]
    assert list(second.schema()) == ["logs.{level}:Logs"]
    assert broker.channel_bindings(first, "a") == {
        "kafka": {"topic": "a", "bindingVersion": "0.4.0"}
    }


def test_prefixes(broker: KafkaBroker) -> None:
    """A router's prefix stands before every topic, partition and pattern, literally."""
    router = KafkaRouter(prefix="a.b.")
    several = router.subscriber("one", Topic("two", num_partitions=3))
    placed = router.subscriber(partitions=[TopicPartition("one", 4)])
    matched = router.subscriber(pattern="x+")
    broker.include_router(router)
    assert [(t.name, t.num_partitions) for t in wire_topics(several)] == [
        ("a.b.one", -1),
        ("a.b.two", 3),
    ]
    assert wire_partitions(placed)[0][:2] == ("a.b.one", 4)
    assert shown_topics(placed) == ["a.b.one-4"]
    assert TopicPattern("x+", "a.b.").wire == r"a\.b\.x+"
    assert shown_topics(matched) == ["a.b.x+"]


def test_patterns() -> None:
    """`{name}` is one part; quantifiers and double braces are what they are in an expression."""
    pattern = TopicPattern(r"logs\.{level}\.\d{2,3}")
    assert pattern.wire == r"logs\..*\.\d{2,3}"
    assert pattern.matches("logs.info.123")
    assert not pattern.matches("logs.info.1")
    assert pattern.capture("logs.info.123") == {"level": "info"}
    assert TopicPattern("a{{b}}").matches("a{b}")


def test_a_compiled_pattern(broker: KafkaBroker) -> None:
    """Its text counts."""
    assert broker.subscriber(pattern=re.compile("a.*")).source.pattern == "a.*"


def test_log_columns(broker: KafkaBroker) -> None:
    """The group has a column only where there is one."""
    broker.subscriber("topic-1", "t2")
    assert broker.log_columns() == {"topic": 10, "message_id": 10}
    broker.subscriber("t", group_id="group")
    assert broker.log_columns() == {"topic": 10, "group_id": 5, "message_id": 10}
    assert broker.log_fields(broker.subscribers[0], None)["topic"] == "topic-1,t2"
