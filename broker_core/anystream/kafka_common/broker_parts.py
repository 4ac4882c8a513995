"""What both Kafka brokers have besides their client."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from typing import Any

from anystream.core.ack import AckPolicy
from anystream.core.broker_options import BrokerSpecification
from anystream.core.exceptions import FeatureNotSupportedException
from anystream.core.response import PublishCommand
from anystream.kafka_common.declarations import KafkaPublishing
from anystream.kafka_common.describing import KafkaDescription
from anystream.kafka_common.options import CommonBrokerOptions
from anystream.kafka_common.response import KafkaPublishCommand
from anystream.kafka_common.transactions import Transaction


class KafkaBrokerParts(KafkaPublishing, KafkaDescription):
    """What is the same for both clients; put it before `Broker`."""

    command_class: type[PublishCommand] = KafkaPublishCommand
    # an exception counts as handled; what is different without any policy: see `CommitPlan`
    default_ack_policy = AckPolicy.ACK
    _real: Any  # the transport on the server, also while a test broker has put in another one

    def transaction(self: Any) -> AbstractAsyncContextManager[Transaction]:
        """A transaction: `async with broker.transaction() as transaction:`.

        What is published inside, by this task and by those it starts, becomes visible together at
        the end of the block, and not at all if an exception leaves it. `await
        transaction.ack(message)` commits the offset of an incoming message in it. One transaction
        is open at a time; others wait. On a broker with `transactional_id`, what is published
        outside a transaction gets one of its own.

        Raises:
            FeatureNotSupportedException: the broker has no `transactional_id`, or is in test mode.
            IncorrectState: not connected, or in a transaction already.
            PublishError: the server does not take it (with confluent a `TransactionFailed`).
        """
        if self.testing:
            raise FeatureNotSupportedException(f"{self!r} has no transactions in test mode")
        opened: AbstractAsyncContextManager[Transaction] = self._real.transaction()
        return opened


def specification_of(servers: Sequence[str], options: CommonBrokerOptions) -> BrokerSpecification:
    """What the documentation says of a Kafka broker."""
    security = options.get("security")
    secure = security is not None and security.use_ssl
    return BrokerSpecification.of(
        options, url=servers, protocol="kafka-secure" if secure else "kafka", version="auto"
    )
