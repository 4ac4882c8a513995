"""The Kafka broker through librdkafka."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import AbstractAsyncContextManager

from typing_extensions import Unpack

from anystream.confluent.client_config import ClientConfig
from anystream.confluent.clients import KafkaClients
from anystream.confluent.config import check_config
from anystream.confluent.declarations import ConfluentDeclarations
from anystream.confluent.options import CHOICES, KafkaBrokerOptions, named_options
from anystream.confluent.reports import ClientReports
from anystream.confluent.security import security_config
from anystream.confluent.transactions import ProducerTransactions
from anystream.confluent.transport import KafkaTransport
from anystream.core.ack import AckPolicy
from anystream.core.broker import Broker, BrokerSpecification
from anystream.core.exceptions import FeatureNotSupportedException, IncorrectState
from anystream.core.options import check_options
from anystream.kafka_common.declarations import KafkaPublishing
from anystream.kafka_common.describing import KafkaDescription
from anystream.kafka_common.options import check_choices, check_servers
from anystream.kafka_common.response import KafkaPublishCommand
from anystream.kafka_common.topics import Topic
from anystream.kafka_common.transactions import Transaction

PUBLISH_SECONDS = 10.0  # of one publish, unless `publish_timeout` says otherwise
NO_LIMIT = 86_400.0  # the client itself gives up long before


class KafkaBroker(KafkaPublishing, KafkaDescription, ConfluentDeclarations, Broker):
    """A broker on Kafka, through confluent-kafka (librdkafka).

    Args:
        bootstrap_servers: one address or several.
        **options: see `KafkaBrokerOptions`.

    Raises:
        OptionError: an option does not exist, or has a wrong value.
        SetupError: the security object has an `ssl_context`.
    """

    kind = "confluent"
    command_class = KafkaPublishCommand
    default_ack_policy = AckPolicy.ACK  # nothing given: in the background, see `CommitPlan`

    def __init__(
        self,
        bootstrap_servers: str | Iterable[str] = "localhost",
        **options: Unpack[KafkaBrokerOptions],
    ) -> None:
        check_options("KafkaBroker", options, KafkaBrokerOptions)
        check_choices("KafkaBroker", options, CHOICES)
        servers = check_servers("KafkaBroker", bootstrap_servers)
        security = options.get("security")
        config = ClientConfig(
            ",".join(servers),
            named_options(options),
            security_config(security),
            check_config("KafkaBroker", options.get("config")),
        )
        self.reports = ClientReports(self._say)
        reply_topic = options.get("reply_topic")
        transport = KafkaTransport(
            KafkaClients(
                config,
                self.reports,
                may_make_topics=options.get("allow_auto_create_topics", True),
            ),
            None if reply_topic is None else Topic.of(reply_topic, "KafkaBroker reply_topic"),
            # a limit that is given is the core's affair
            NO_LIMIT if "publish_timeout" in options else PUBLISH_SECONDS,
        )
        transport.broker = self
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

    @property
    def client_errors(self) -> Mapping[str, int]:
        """How often librdkafka has reported each error, by its name (`_ALL_BROKERS_DOWN`, …)."""
        return self.reports.counts

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
            TransactionFailed: the server does not take it (a `PublishError`).
        """
        if self.testing:
            raise FeatureNotSupportedException(f"{self!r} has no transactions in test mode")
        producer = self._real.connection.producer
        if producer is None:
            raise IncorrectState(f"{self!r} is not connected: await `broker.connect()` first")
        return self._real.transactions.begin(ProducerTransactions(producer))
