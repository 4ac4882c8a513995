"""The NATS broker."""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from nats.js import JetStreamContext
from nats.js.api import PubAck
from nats.js.kv import KeyValue
from nats.js.object_store import ObjectStore
from typing_extensions import Unpack

from anystream.core.address import nats_template
from anystream.core.broker import Broker, BrokerSpecification
from anystream.core.exceptions import FeatureNotSupportedException, OptionError
from anystream.core.options import check_options, chosen_options
from anystream.core.publisher import Publisher
from anystream.core.response import PublishCommand
from anystream.core.subscriber import Subscriber
from anystream.nats.buckets import KeyValueOptions, ObjectStorageOptions
from anystream.nats.connection import NatsConnection, redacted
from anystream.nats.declarations import NatsDeclarations
from anystream.nats.options import ClientOptions, JetStreamOptions, NatsBrokerOptions
from anystream.nats.response import NatsPublishCommand
from anystream.nats.schemas import Schedule
from anystream.nats.security import connect_options
from anystream.nats.source import wire_subjects
from anystream.nats.transport import NatsTransport

_NEEDED: dict[str, Any] = {
    "name": "anystream",
    "reconnect_time_wait": 2,
    "max_reconnect_attempts": 60,
    "drain_timeout": 30,
    "pending_size": 2 * 1024 * 1024,
}


class NatsBroker(NatsDeclarations, Broker):
    """A broker on NATS: core subjects and JetStream.

    Args:
        servers: one address or several; one is chosen, the others are for outages.
        **options: see `NatsBrokerOptions`.

    Raises:
        OptionError: an option does not exist, or has a wrong value.
    """

    kind = "nats"
    command_class = NatsPublishCommand

    def __init__(
        self,
        servers: str | Iterable[str] = ("nats://localhost:4222",),
        **options: Unpack[NatsBrokerOptions],
    ) -> None:
        check_options("NatsBroker", options, NatsBrokerOptions)
        addresses = _addresses(servers)
        client = chosen_options(options, ClientOptions)
        _check_callbacks(client)
        js_options = dict(options.get("js_options") or {})
        check_options("NatsBroker js_options", js_options, JetStreamOptions)
        self.nats = NatsConnection(
            addresses,
            {**_NEEDED, **client, **connect_options(options.get("security"))},
            js_options,
            self._say,
        )
        transport = NatsTransport(self.nats, self)
        self._buckets = transport.buckets
        super().__init__(
            transport,
            BrokerSpecification.of(
                options, url=[redacted(item) for item in addresses], protocol="nats"
            ),
            options,
        )

    def channel_addresses(self, declared: Subscriber | Publisher) -> Sequence[str]:
        """The addresses in the AsyncAPI document; the consumer's own where it names them."""
        if isinstance(declared, Subscriber):
            if declared.source.watches:
                return []  # nobody can send to it
            if not declared.address:
                return wire_subjects(declared)
        return super().channel_addresses(declared)

    def command_to(
        self, declared: Subscriber | Publisher, address: str, body: Any
    ) -> PublishCommand:
        """Through the subscriber's stream, if it has one."""
        command = super().command_to(declared, address, body)
        if isinstance(declared, Subscriber):
            command.stream = declared.source.stream_name or None  # type: ignore[attr-defined]
        return command

    def channel_bindings(self, declared: Subscriber | Publisher, address: str) -> Mapping[str, Any]:
        """The subject as the server sees it, and the queue group."""
        queue = declared.source.queue if isinstance(declared, Subscriber) else ""
        return {
            "nats": {
                "subject": nats_template(address).wire,
                **({"queue": queue} if queue else {}),
                "bindingVersion": "custom",
            }
        }

    async def publish(
        self,
        message: Any = None,
        subject: str = "",
        headers: dict[str, str] | None = None,
        reply_to: str = "",
        correlation_id: str | None = None,
        stream: str | None = None,
        timeout: float | None = None,
        schedule: Schedule | None = None,
    ) -> PubAck | None:
        """Publishes a message.

        While the connection is away, messages for core subjects are kept (up to `pending_size`
        bytes) and sent when it is back.

        Args:
            message: the body.
            subject: where it goes.
            headers: sent with it.
            reply_to: subject for answers.
            correlation_id: id of the conversation; a new one by default.
            stream: the stream that must take it; its acknowledgement is awaited.
            timeout: seconds to wait for that, 0.5 by default.
            schedule: when the stream shall deliver it, and where.

        Returns:
            The client's `PubAck` when `stream` is given, else None.

        Raises:
            IncorrectState: not connected.
            PublishError: no valid subject or header, a body without a JSON form,
                `PayloadTooLarge`, `BufferFull`, `NoStream`, `StreamRefused` or `StreamFailed`.
            FeatureNotSupportedException: `schedule` with a server before 2.12.
            TimeoutError: the stream did not acknowledge in time.
        """
        command = NatsPublishCommand(
            message,
            destination=subject,
            headers=headers,
            reply_to=reply_to,
            correlation_id=correlation_id,
            stream=stream,
            timeout=timeout,
            schedule=schedule,
        )
        result: PubAck | None = await self.publish_command(command)
        return result

    async def request(
        self,
        message: Any = None,
        subject: str = "",
        headers: dict[str, str] | None = None,
        correlation_id: str | None = None,
        stream: str | None = None,
        timeout: float = 0.5,
    ) -> Any:
        """Publishes a message and returns the answer's message.

        Args:
            message: the body.
            subject: where it goes.
            headers: sent with it.
            correlation_id: id of the conversation; a new one by default.
            stream: the stream through which the request goes to its subscribers.
            timeout: seconds to wait for the answer.

        Raises:
            TimeoutError: nobody answered in time.
            NoResponders: nobody subscribes to the subject (the client's `NoRespondersError`).
        """
        command = NatsPublishCommand(
            message,
            destination=subject,
            headers=headers,
            correlation_id=correlation_id,
            stream=stream,
        )
        return await self.request_command(command, timeout)

    @property
    def jetstream(self) -> JetStreamContext:
        """The client's JetStream context; in test mode a mock of it.

        Raises:
            IncorrectState: not connected.
        """
        transport: Any = self.transport
        found: JetStreamContext = self._if_connected(transport.jetstream)
        return found

    @property
    def _bucket_context(self) -> JetStreamContext:
        if self.testing:
            raise FeatureNotSupportedException(
                f"{self!r} has no buckets in test mode: give the handler a mock of its own"
            )
        return self.jetstream

    async def new_inbox(self) -> str:
        """A unique subject for answers."""
        return str(self.connection.new_inbox())

    async def key_value(
        self, bucket: str, *, declare: bool = True, **options: Unpack[KeyValueOptions]
    ) -> KeyValue:
        """A key-value bucket: the client's object, the same at each call.

        Args:
            bucket: its name.
            declare: make it if it is not there; False only opens it.
            **options: see `KeyValueOptions`. Without any, a bucket that is there is taken as
                it is.

        Raises:
            IncorrectState: not connected.
            BucketNotFound: (with declare=False) there is no such bucket; also an IncorrectState,
                and the client's `BucketNotFoundError`.
            FeatureNotSupportedException: in test mode there are no buckets.
            SetupError: the bucket cannot be made, or is there with other options.
        """
        return await self._buckets.key_value(self._bucket_context, bucket, declare, options)

    async def object_storage(
        self, bucket: str, *, declare: bool = True, **options: Unpack[ObjectStorageOptions]
    ) -> ObjectStore:
        """An object bucket: the client's object, the same at each call.

        Args:
            bucket: its name.
            declare: make it if it is not there; False only opens it.
            **options: see `ObjectStorageOptions`. Without any, a bucket that is there is taken
                as it is.

        Raises:
            IncorrectState: not connected.
            BucketNotFound: (with declare=False) there is no such bucket; also an IncorrectState,
                and the client's `BucketNotFoundError`.
            FeatureNotSupportedException: in test mode there are no buckets.
            SetupError: the bucket cannot be made, or is there with other options.
        """
        return await self._buckets.object_storage(self._bucket_context, bucket, declare, options)

    def fill_command(self, command: Any, options: Mapping[str, Any]) -> None:
        if command.stream is None or command.stream_of_answer:
            command.stream = options.get("stream") or command.stream
        if command.timeout is None:
            command.timeout = options.get("timeout")

    def log_columns(self) -> Mapping[str, int]:
        found = self.subscribers
        stream = max((len(sub.source.stream_name) for sub in found), default=0)
        queue = max((len(sub.source.queue) for sub in found), default=0)
        subject = max((len(sub.full_address) for sub in found), default=7)
        columns = {"stream": stream, "queue": queue, "subject": max(7, subject)}
        return {**{name: width for name, width in columns.items() if width}, "message_id": 10}

    def log_fields(self, subscriber: Subscriber, message: Any) -> dict[str, Any]:
        source = subscriber.source
        return {
            "stream": source.stream_name,
            "queue": source.queue,
            "subject": subscriber.full_address or str(source),
            "message_id": message.message_id[:10] if message is not None else "",
        }


def _addresses(servers: str | Iterable[str]) -> list[str]:
    found = [servers] if isinstance(servers, str) else list(servers)
    if not found or not all(isinstance(item, str) and item for item in found):
        raise OptionError(
            f"NatsBroker: servers={servers!r}: give an address such as 'nats://localhost:4222', "
            "or several of them"
        )
    return [part for item in found for part in item.replace(" ", "").split(",") if part]


def _check_callbacks(options: Mapping[str, Any]) -> None:
    for name, value in options.items():
        is_callback = name.endswith("_cb") and name not in ("signature_cb", "user_jwt_cb")
        if is_callback and value is not None and not inspect.iscoroutinefunction(value):
            raise OptionError(f"NatsBroker: {name}={value!r} must be an `async def` function")
