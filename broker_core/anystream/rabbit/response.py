"""What goes out through RabbitMQ."""

from __future__ import annotations

from typing import Any

from aio_pika.abc import AbstractMessage
from typing_extensions import Self, Unpack

from anystream.core.options import check_options
from anystream.core.response import BatchPublishCommand, PublishType, Response
from anystream.rabbit.exchange import RabbitExchange
from anystream.rabbit.options import ResponseOptions

_OWN = ("headers", "correlation_id")


class RabbitPublishCommand(BatchPublishCommand):
    """One message (or several) to publish.

    Args:
        body: what is published. A message of the client library is sent as it is.
        bodies: more of them, for a batch.
        destination: the routing key; of a reply, `queue` or `queue|exchange`.
        exchange: the exchange; the publisher's, else the default one, when not given.
        options: what else was given, see `PublishOptions`.
        reply_to, headers, correlation_id: as with every broker.
    """

    destination = ""
    reply_to = ""
    publish_type = PublishType.PUBLISH
    exchange: RabbitExchange | None = None
    ready: AbstractMessage | None = None
    extra_bodies = ()

    def __init__(
        self,
        body: Any = None,
        /,
        *bodies: Any,
        _publish_type: PublishType = PublishType.PUBLISH,
        reply_to: str = "",
        destination: str = "",
        correlation_id: str | None = None,
        headers: dict[str, Any] | None = None,
        exchange: RabbitExchange | None = None,
        options: dict[str, Any] | None = None,
    ) -> None:
        # written out: this runs for every message
        self.body = body
        self.headers = {} if headers is None else headers
        self.correlation_id = correlation_id
        self.options: dict[str, Any] = {} if options is None else options
        self.publish_type = _publish_type
        self.destination = destination
        self.reply_to = reply_to
        self.exchange = exchange
        if bodies:
            self.extra_bodies = bodies
        if isinstance(body, AbstractMessage):
            self.ready, self.body = body, body.body

    @classmethod
    def of(cls, body: Any, correlation_id: str | None) -> Self:
        command = cls.__new__(cls)  # what is not set here is as the class has it
        command.body = body
        command.headers = {}
        command.correlation_id = correlation_id
        command.options = {}
        if isinstance(body, AbstractMessage):
            command.ready, command.body = body, body.body
        return command


class RabbitResponse(Response):
    """A handler's answer with what RabbitMQ knows besides the body.

    Args:
        body: what is published.
        exchange: the exchange that the handler's publishers publish to, instead of their own.
        **options: see `ResponseOptions`; they count more than the publisher's.

    Raises:
        OptionError: an option does not exist.
    """

    def __init__(
        self,
        body: Any,
        *,
        exchange: RabbitExchange | str | None = None,
        **options: Unpack[ResponseOptions],
    ) -> None:
        check_options("RabbitResponse", options, ResponseOptions)
        super().__init__(
            body,
            headers=dict(options.get("headers") or {}),
            correlation_id=options.get("correlation_id"),
        )
        self.exchange = None if exchange is None else RabbitExchange.of(exchange)
        self.options = {name: value for name, value in options.items() if name not in _OWN}

    def as_publish_command(self) -> RabbitPublishCommand:
        return RabbitPublishCommand(
            self.body,
            headers=self.headers,
            correlation_id=self.correlation_id,
            exchange=self.exchange,
            options=dict(self.options),
        )
