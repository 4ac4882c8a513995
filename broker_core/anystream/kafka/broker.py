"""The Kafka broker on aiokafka."""

from __future__ import annotations

from collections.abc import Iterable

from typing_extensions import Unpack

from anystream.core.broker import Broker
from anystream.core.options import chosen_options
from anystream.kafka.connection import KafkaConnection
from anystream.kafka.declarations import KafkaDeclarations
from anystream.kafka.options import CHOICES, ClientOptions, KafkaBrokerOptions
from anystream.kafka.security import connect_options
from anystream.kafka.transport import KafkaTransport
from anystream.kafka_common.broker_parts import KafkaBrokerParts, specification_of
from anystream.kafka_common.options import check_broker_options, check_servers


class KafkaBroker(KafkaBrokerParts, KafkaDeclarations, Broker):
    """A broker on Kafka, by the client library aiokafka.

    Args:
        bootstrap_servers: one address or several (`host:port`) from which the others are learnt.
        **options: see `KafkaBrokerOptions`.

    Raises:
        OptionError: an option does not exist, or has a wrong value.
    """

    kind = "kafka"

    def __init__(
        self,
        bootstrap_servers: str | Iterable[str] = "localhost",
        **options: Unpack[KafkaBrokerOptions],
    ) -> None:
        reply_topic = check_broker_options("KafkaBroker", options, KafkaBrokerOptions, CHOICES)
        servers = check_servers("KafkaBroker", bootstrap_servers)
        self.kafka = KafkaConnection(
            servers,
            {"client_id": "anystream", **chosen_options(options, ClientOptions)},
            connect_options(options.get("security")),
            consumer_only=options.get("consumer_only", False),
            say=self._say,
        )
        self._real = KafkaTransport(
            self.kafka,
            self,
            may_make_topics=options.get("allow_auto_create_topics", True),
            reply_topic=reply_topic,
        )
        super().__init__(self._real, specification_of(servers, options), options)
