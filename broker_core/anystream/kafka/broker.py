"""The Kafka broker on aiokafka."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import AbstractAsyncContextManager
from typing import Any

from typing_extensions import Unpack

from anystream.core.ack import AckPolicy
from anystream.core.broker import Broker, BrokerSpecification
from anystream.core.exceptions import FeatureNotSupportedException, IncorrectState
from anystream.core.options import check_options
from anystream.kafka.connection import KafkaConnection
from anystream.kafka.declarations import KafkaDeclarations
from anystream.kafka.options import CHOICES, KafkaBrokerOptions, client_options
from anystream.kafka.security import connect_options
from anystream.kafka.transport import KafkaTransport
from anystream.kafka_common.declarations import KafkaPublishing
from anystream.kafka_common.describing import KafkaDescription
from anystream.kafka_common.options import check_choices, check_servers
from anystream.kafka_common.response import KafkaPublishCommand
from anystream.kafka_common.topics import Topic, check_topic
from anystream.kafka_common.transactions import Transaction


class KafkaBroker(KafkaPublishing, KafkaDescription, KafkaDeclarations, Broker):
    """A broker on Kafka, by the client library aiokafka.

    Args:
        bootstrap_servers: one address or several (`host:port`) from which the others are learnt.
        **options: see `KafkaBrokerOptions`.

    Raises:
        OptionError: an option does not exist, or has a wrong value.
    """

    kind = "kafka"
    command_class = KafkaPublishCommand
    # an exception counts as handled; what is different without any policy: see `CommitPlan`
    default_ack_policy = AckPolicy.ACK

    def __init__(
        self,
        bootstrap_servers: str | Iterable[str] = "localhost",
        **options: Unpack[KafkaBrokerOptions],
    ) -> None:
        check_options("KafkaBroker", options, KafkaBrokerOptions)
        check_choices("KafkaBroker", options, CHOICES)
        servers = check_servers("KafkaBroker", bootstrap_servers)
        security = options.get("security")
        answers = options.get("reply_topic")
        reply_topic = None if answers is None else Topic.of(answers, "KafkaBroker: reply_topic")
        if reply_topic is not None:
            check_topic(reply_topic.name, "KafkaBroker: reply_topic")
        self.kafka = KafkaConnection(
            servers,
            {"client_id": "anystream", **client_options(options)},
            connect_options(security),
            consumer_only=options.get("consumer_only", False),
            say=self._say,
        )
        transport = KafkaTransport(
            self.kafka,
            self,
            may_make_topics=options.get("allow_auto_create_topics", True),
            reply_topic=reply_topic,
        )
        self._real = transport
        url = options.get("specification_url") or servers
        secure = security is not None and security.use_ssl
        super().__init__(
            transport,
            BrokerSpecification(
                url=[url] if isinstance(url, str) else list(url),
                protocol=options.get("protocol") or ("kafka-secure" if secure else "kafka"),
                protocol_version=options.get("protocol_version") or "auto",
                description=options.get("description"),
                tags=list(options.get("tags", ())),
                security=security,
            ),
            options,
        )

    def _say(self, level: int, text: str) -> None:
        if self.logger is not None:
            self.logger.log(level, text)

    def transaction(self) -> AbstractAsyncContextManager[Transaction]:
        """A transaction: `async with broker.transaction() as transaction:`.

        What is published inside, by this task and by those it starts, becomes visible together at
        the end of the block, and not at all if an exception leaves it. `await
        transaction.ack(message)` commits the offset of an incoming message in it. One transaction
        is open at a time; others wait. On a broker with `transactional_id`, what is published
        outside a transaction gets one of its own.

        Raises:
            FeatureNotSupportedException: the broker has no `transactional_id`, or is in test mode.
            IncorrectState: not connected, or in a transaction already.
            PublishError: the server does not commit it.
        """
        if self.testing:
            raise FeatureNotSupportedException(f"{self!r} has no transactions in test mode")
        producer: Any = self.kafka.producer
        if producer is None:
            raise IncorrectState(f"{self!r} is not connected: await `broker.connect()` first")
        return self._real.transactions.begin(self._real.transaction_driver(producer))
