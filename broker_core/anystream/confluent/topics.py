"""Topics that must exist before they are read: made if they are missing and may be made."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Any

from confluent_kafka import KafkaError, KafkaException

from anystream.confluent.blocking import in_thread
from anystream.confluent.errors import TopicNotFound, inner
from anystream.core.exceptions import BrokerConnectionError
from anystream.kafka_common.declared import Declared, declared_topics
from anystream.kafka_common.source import wire_topics
from anystream.kafka_common.topics import Topic

if TYPE_CHECKING:
    from anystream.confluent.clients import KafkaClients
    from anystream.core.subscriber import Subscriber

ADMIN_SECONDS = 10.0


class Topics:
    """Knows which topics there are.

    Args:
        clients: makes the admin client.
        may_make: topics that are missing are made.
    """

    def __init__(self, clients: KafkaClients, *, may_make: bool) -> None:
        self.clients = clients
        self.may_make = may_make
        self._known: set[str] = set()
        self._making: set[asyncio.Task[None]] = set()

    def forget(self) -> None:
        """The next time every topic is looked for again."""
        self._known.clear()
        for task in self._making:
            task.cancel()

    async def ensure(self, declared: Declared) -> None:
        """Sees to it that topics exist.

        Raises:
            TopicNotFound: one that is read does not, and may not be made.
        """
        wanted = {name: each for name, each in declared.items() if name not in self._known}
        if not wanted:
            return
        topics = [topic for topic, _ in wanted.values()]
        missing = await in_thread(self._make if self.may_make else self._look, topics)
        for name in missing:
            reader = wanted[name][1]
            if reader is not None:
                raise TopicNotFound(
                    KafkaError(KafkaError.UNKNOWN_TOPIC_OR_PART),
                    f"{reader!r}: there is no topic {name!r}. Create it, or let the broker do it: "
                    "KafkaBroker(allow_auto_create_topics=True)",
                )
        self._known.update(set(wanted) - set(missing))

    def make_later(self, subscriber: Subscriber) -> None:
        """A topic was deleted while it was read: it is made again, if it may."""
        if self._making or not self.may_make:
            return

        async def make() -> None:
            for topic in wire_topics(subscriber):
                self._known.discard(topic.name)
            try:
                await self.ensure(declared_topics([subscriber]))
            except Exception as error:
                self.clients.warn(f"{subscriber!r}: its topics cannot be made: {error}")

        task = asyncio.ensure_future(make())
        self._making.add(task)
        task.add_done_callback(self._making.discard)

    def _admin(self) -> Any:
        from confluent_kafka.admin import AdminClient  # many modules, and only for this

        return self.clients.make(AdminClient, self.clients.config.admin(), "the admin client")

    def _make(self, topics: list[Topic]) -> list[str]:
        # in a thread
        from confluent_kafka.admin import NewTopic  # type: ignore[attr-defined]

        admin = self._admin()  # kept: without it its answers are lost
        futures = admin.create_topics(
            [
                NewTopic(
                    each.name,
                    num_partitions=each.num_partitions if each.num_partitions > 0 else 1,
                    replication_factor=max(each.replication_factor, 1),
                    config=dict(each.config),
                )
                for each in topics
            ],
            operation_timeout=ADMIN_SECONDS,
            request_timeout=ADMIN_SECONDS,
        )
        for name, future in futures.items():
            try:
                future.result(ADMIN_SECONDS + 1)
            except KafkaException as error:
                cause = inner(error)
                if cause.code() != KafkaError.TOPIC_ALREADY_EXISTS:
                    self.clients.reports.write(
                        logging.WARNING, f"the topic {name!r} could not be made: {cause.str()}"
                    )
        return []

    def _look(self, topics: list[Topic]) -> list[str]:
        # in a thread
        try:
            known = self._admin().list_topics(timeout=ADMIN_SECONDS).topics
        except KafkaException as error:
            raise BrokerConnectionError(
                f"Kafka at {self.clients.config.servers} does not say which topics there are: "
                f"{inner(error).str()}"
            ) from error
        return [topic.name for topic in topics if topic.name not in known]
