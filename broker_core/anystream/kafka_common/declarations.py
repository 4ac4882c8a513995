"""Publishing through Kafka: the same methods on brokers and on publisher objects."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from typing_extensions import Unpack

from anystream.core.declaring import declare_publisher
from anystream.core.exceptions import SetupError
from anystream.core.options import check_options
from anystream.core.publisher import Publisher
from anystream.core.response import PublishCommand
from anystream.core.router import Router
from anystream.kafka_common.options import KafkaPublisherOptions
from anystream.kafka_common.response import KafkaPublishCommand
from anystream.kafka_common.topics import Topic, check_topic


class KafkaPublishing:
    """`publish`, `publish_batch` and `request`, for whatever can send commands."""

    async def publish(
        self: Any,
        message: Any = None,
        topic: str = "",
        *,
        key: Any = None,
        partition: int | None = None,
        timestamp_ms: int | None = None,
        headers: dict[str, Any] | None = None,
        correlation_id: str | None = None,
        reply_to: str = "",
        no_confirm: bool = False,
    ) -> Any:
        """Publishes a message.

        Args:
            message: the body; None with a key deletes that key in a compacted topic.
            topic: where it goes; a publisher object has a topic of its own.
            key: chooses the partition; str or bytes.
            partition: the partition, whatever the key.
            timestamp_ms: the record's time, milliseconds since 1970; now by default.
            headers: sent with it; a publisher object's own are added.
            correlation_id: id of the conversation; a new one by default.
            reply_to: the topic for answers.
            no_confirm: return at once, with a future of the server's confirmation.

        Returns:
            What the client says of the stored record, or that future.

        Raises:
            IncorrectState: not connected.
            PublishError: it could not be encoded, is too large (`MessageTooLarge`), or was not
                taken (`DeliveryFailed`).
            TopicNotFound: there is no such topic.
        """
        command = KafkaPublishCommand(
            message,
            topic=topic,
            key=key,
            partition=partition,
            timestamp_ms=timestamp_ms,
            headers=headers,
            correlation_id=correlation_id,
            reply_to=reply_to,
            no_confirm=no_confirm,
        )
        return await self.publish_command(command)

    async def publish_batch(
        self: Any,
        *messages: Any,
        topic: str = "",
        key: Any = None,
        partition: int | None = None,
        timestamp_ms: int | None = None,
        headers: dict[str, Any] | None = None,
        correlation_id: str | None = None,
        reply_to: str = "",
        no_confirm: bool = False,
    ) -> Any:
        """Publishes several messages to one topic at once.

        Args:
            *messages: the bodies; a `KafkaResponse` brings its own key, headers and time.
            topic, key, partition, timestamp_ms, headers, correlation_id, reply_to, no_confirm:
                as in `publish`, for all of them.

        Raises:
            PublishError: as in `publish`.
            BatchBufferOverflowException: they do not fit into one batch.
        """
        command = KafkaPublishCommand(
            topic=topic,
            key=key,
            partition=partition,
            timestamp_ms=timestamp_ms,
            headers=headers,
            correlation_id=correlation_id,
            reply_to=reply_to,
            no_confirm=no_confirm,
        )
        command.batch_bodies = messages
        return await self.publish_batch_command(command)

    async def request(
        self: Any,
        message: Any = None,
        topic: str = "",
        *,
        key: Any = None,
        partition: int | None = None,
        timestamp_ms: int | None = None,
        headers: dict[str, Any] | None = None,
        correlation_id: str | None = None,
        timeout: float = 0.5,
    ) -> Any:
        """Publishes a message and returns the answer's message.

        The answer comes through the broker's `reply_topic`.

        Args:
            timeout: seconds to wait for the answer.
            message, topic, key, partition, timestamp_ms, headers, correlation_id: as in `publish`.

        Raises:
            TimeoutError: nobody answered in time (`ReplyTimeout`).
            FeatureNotSupportedException: the broker has no `reply_topic`.
        """
        command = KafkaPublishCommand(
            message,
            topic=topic,
            key=key,
            partition=partition,
            timestamp_ms=timestamp_ms,
            headers=headers,
            correlation_id=correlation_id,
            timeout=timeout,
        )
        return await self.request_command(command, timeout)


class KafkaPublisherObject(KafkaPublishing, Publisher):
    """A declared topic to publish to."""

    @property
    def topic(self) -> str:
        """Where it publishes, prefixes included."""
        return self.destination

    @property
    def key(self) -> Any:
        """The key of messages that have none of their own."""
        return self.options["routing"][0]

    @property
    def partition(self) -> int | None:
        """The partition of messages that have none of their own; None: the key chooses."""
        return self.options["routing"][1]  # type: ignore[no-any-return]

    @property
    def headers(self) -> Mapping[str, Any]:
        """What is added to the headers of each message."""
        return self.options["headers"] or {}

    @property
    def reply_to(self) -> str:
        """The topic for answers, empty without one."""
        return self.options["reply_to"]  # type: ignore[no-any-return]

    async def publish_command(
        self, command: PublishCommand, middlewares: Sequence[Any] | None = None
    ) -> Any:
        result = await super().publish_command(command, middlewares)
        if self.options["autoflush"]:
            await self.flush()
        return result

    async def publish_batch_command(
        self, command: Any, middlewares: Sequence[Any] | None = None
    ) -> Any:
        result = await super().publish_batch_command(command, middlewares)
        if self.options["autoflush"]:
            await self.flush()
        return result

    async def flush(self) -> None:
        """Waits until everything that was published through this broker is confirmed."""
        transport: Any = self.broker.transport
        await transport.flush()


class KafkaBatchPublisherObject(KafkaPublisherObject):
    """A declared topic to publish batches to; a handler's list becomes one batch, anything else,
    also a list in a `KafkaResponse`, a batch of one."""

    async def publish(self, *messages: Any, topic: str = "", **options: Any) -> Any:
        """Publishes several messages at once, see `publish_batch`."""
        return await self.publish_batch(*messages, topic=topic, **options)

    async def publish_command(
        self, command: PublishCommand, middlewares: Sequence[Any] | None = None
    ) -> Any:
        batch = KafkaPublishCommand.from_cmd(command)
        body = batch.body
        if batch.one_record or not isinstance(body, (list, tuple)):
            body = [body]
        batch.batch_bodies = body
        return await self.publish_batch_command(batch, middlewares)


class KafkaDeclarations(Router):
    """What Kafka brokers and their routers can declare, besides the client's `subscriber`."""

    def publisher(
        self, topic: str | Topic, **options: Unpack[KafkaPublisherOptions]
    ) -> KafkaPublisherObject:
        """Declares a publisher; use it as a decorator or as an object.

        Args:
            topic: where results go.
            **options: see `KafkaPublisherOptions`.

        Raises:
            SetupError: the topic is none.
            OptionError: an option does not exist.
        """
        name = getattr(topic, "name", topic)
        owner = f"publisher({name!r})"
        check_options(owner, options, KafkaPublisherOptions)
        made = Topic.of(topic, owner)
        check_topic(made.name, owner)
        partition = options.get("partition")
        if partition is not None and (not isinstance(partition, int) or partition < 0):
            raise SetupError(f"{owner}: partition={partition!r}: give a number from 0")
        kind = KafkaBatchPublisherObject if options.get("batch") else KafkaPublisherObject
        return declare_publisher(
            kind,
            self,
            made.name,
            options,
            topic_object=made,
            routing=(options.get("key"), partition),
            autoflush=options.get("autoflush", False),
        )
