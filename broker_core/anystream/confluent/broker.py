"""The Kafka broker through librdkafka."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from typing_extensions import Unpack

from anystream.confluent.client_config import ClientConfig
from anystream.confluent.clients import KafkaClients
from anystream.confluent.config import check_config
from anystream.confluent.declarations import ConfluentDeclarations
from anystream.confluent.options import BROKER_DEFAULTS, CHOICES, KafkaBrokerOptions
from anystream.confluent.reports import ClientReports
from anystream.confluent.security import security_config
from anystream.confluent.transport import KafkaTransport
from anystream.core.broker import Broker
from anystream.kafka_common.broker_parts import KafkaBrokerParts, specification_of
from anystream.kafka_common.options import check_broker_options, check_servers

PUBLISH_SECONDS = 10.0  # of one publish, unless `publish_timeout` says otherwise
NO_LIMIT = 86_400.0  # the client itself gives up long before


class KafkaBroker(KafkaBrokerParts, ConfluentDeclarations, Broker):
    """A broker on Kafka, through confluent-kafka (librdkafka).

    Args:
        bootstrap_servers: one address or several.
        **options: see `KafkaBrokerOptions`.

    Raises:
        OptionError: an option does not exist, or has a wrong value.
        SetupError: the security object has an `ssl_context`.
    """

    kind = "confluent"

    def __init__(
        self,
        bootstrap_servers: str | Iterable[str] = "localhost",
        **options: Unpack[KafkaBrokerOptions],
    ) -> None:
        reply_topic = check_broker_options("KafkaBroker", options, KafkaBrokerOptions, CHOICES)
        servers = check_servers("KafkaBroker", bootstrap_servers)
        config = ClientConfig(
            ",".join(servers),
            {**BROKER_DEFAULTS, **options},
            security_config(options.get("security")),
            check_config("KafkaBroker", options.get("config")),
        )
        self.reports = ClientReports(self._say)
        may_make_topics = options.get("allow_auto_create_topics", True)
        self._real = KafkaTransport(
            KafkaClients(config, self.reports, may_make_topics=may_make_topics),
            reply_topic,
            # a limit that is given is the core's affair
            NO_LIMIT if "publish_timeout" in options else PUBLISH_SECONDS,
        )
        self._real.broker = self
        super().__init__(self._real, specification_of(servers, options), options)

    @property
    def client_errors(self) -> Mapping[str, int]:
        """How often librdkafka has reported each error, by its name (`_ALL_BROKERS_DOWN`, …)."""
        return self.reports.counts
