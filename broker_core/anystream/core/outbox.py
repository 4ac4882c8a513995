"""Sending: encode, put the headers together, pass the middlewares, hand to the transport."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from pydantic_core import to_json

from anystream.core.codec import JSON, TEXT, BatchCodec, decode_body, encode_message
from anystream.core.exceptions import FastStreamException, IncorrectState, PublishError
from anystream.core.middlewares import hooks_of
from anystream.core.publish_policy import PublishPolicy
from anystream.core.response import PublishCommand

if TYPE_CHECKING:
    from anystream.core.broker import Broker

Send = Callable[[Any], Awaitable[Any]]


class Outbox:
    """The sending half of a broker.

    Args:
        broker: whose transport, serializer and codec are used.
    """

    def __init__(self, broker: Broker) -> None:
        from fast_depends.pydantic import PydanticSerializer

        self.broker = broker
        serializer = broker.serializer
        # pydantic's own writer makes the same JSON as FastDepends' detour, five times faster
        fast = type(serializer) is PydanticSerializer
        self._policy = PublishPolicy.of(broker)
        self._to_bytes = to_json if fast else getattr(serializer, "encode", None)

    def encode(self, body: Any) -> tuple[bytes, str | None]:
        """Encodes a body; see `encode_message`.

        Raises:
            PublishError: the body has no JSON form.
        """
        if body is None:
            return b"", None
        kind = type(body)
        if kind is bytes:
            return body, None
        if kind is str:
            return body.encode(), TEXT
        try:
            if self._to_bytes is None or isinstance(body, (bytes, str)):
                return encode_message(body, self.broker.serializer)
            return self._to_bytes(body), JSON
        except Exception as error:
            raise PublishError(
                f"a body of type {kind.__name__} cannot be encoded: {error}. "
                "Publish bytes, str, or what the broker's serializer can write as JSON"
            ) from error

    def identify(self, command: PublishCommand) -> None:
        """Gives a command the correlation id that is sent, for middlewares to see."""
        if command.correlation_id is None:
            command.correlation_id = self.broker.id_generator()

    def headers(self, command: PublishCommand, content_type: str | None) -> dict[str, Any]:
        """Content type and correlation id, then the command's own headers."""
        correlation_id = command.correlation_id
        if correlation_id is None:
            correlation_id = command.correlation_id = self.broker.id_generator()
        headers: dict[str, Any] = {"correlation_id": correlation_id}
        if content_type is not None:
            headers["content-type"] = content_type
        if command.headers:
            headers.update(command.headers)
        return headers

    async def _encoded(self, body: Any) -> tuple[bytes, str | None]:
        codec = self.broker.layer.codec
        if codec is None:
            return self.encode(body)
        data, content_type = await codec.encode(body, self.broker.serializer)
        return data, content_type

    async def send(self, command: PublishCommand) -> Any:
        """Sends a command, middlewares passed already."""
        broker = self.broker
        if broker.layer.codec is None:
            data, content_type = self.encode(command.body)
        else:
            data, content_type = await self._encoded(command.body)
        if not broker.connected:
            self._refuse(command)
        if broker.recording:
            self._record(command, decode_body(data, content_type))
        headers = self.headers(command, content_type)
        if self._policy is None:
            return await broker.transport.send(command, data, headers)
        return await self._policy.send(command, data, headers)

    async def send_batch(self, command: Any) -> Any:
        """Sends a command with several bodies."""
        codec = self.broker.layer.codec
        bodies = command.batch_bodies
        if isinstance(codec, BatchCodec):
            encoded = await codec.encode_batch(bodies, self.broker.serializer)
        else:
            encoded = [await self._encoded(body) for body in bodies]
        if not self.broker.connected:
            self._refuse(command)
        if self.broker.recording and encoded:  # an empty batch is no message
            self._record(command, [decode_body(data, kind) for data, kind in encoded])
        batch = [(data, self.headers(command, kind)) for data, kind in encoded]
        sender = self._policy or self.broker.transport
        return await sender.send_batch(command, batch)

    async def request(self, command: PublishCommand, timeout: float) -> Any:
        """Sends a command and returns the native answer."""
        data, content_type = await self._encoded(command.body)
        if not self.broker.connected:
            self._refuse(command)
        if self.broker.recording:
            self._record(command, decode_body(data, content_type))
        headers = self.headers(command, content_type)
        return await self.broker.transport.request(command, data, headers, timeout)

    def _record(self, command: PublishCommand, body: Any) -> None:
        """In test mode the publishers of a destination note what goes there."""
        for publisher in self.broker.publishers:
            if publisher.recorder is not None and publisher.takes(command):
                publisher.recorder.record(body, command)

    def _refuse(self, command: PublishCommand) -> None:
        raise IncorrectState(
            f"{self.broker!r} is not connected, so nothing can be published to "
            f"{command.destination!r}: await `broker.connect()` or `broker.start()` first, "
            "or start the application that owns it"
        )


def new_middlewares(factories: Iterable[Callable[..., Any]], raw: Any, context: Any) -> list[Any]:
    """Makes the middleware objects of one message or one publish."""
    made = []
    for factory in factories:
        try:
            made.append(factory(raw, context=context))
        except TypeError as error:
            raise FastStreamException(
                f"the middleware {factory!r} could not be made: {error}. It must be a factory "
                "called as factory(message, context=...), such as a subclass of BaseMiddleware"
            ) from error
    return made


def through_publish(middlewares: Sequence[Any], send: Send) -> Send:
    """`send` with the publish hooks of middleware objects around it, first one outermost."""
    for middleware in reversed(middlewares):
        if hooks_of(middleware)[2]:
            send = partial(middleware.publish_scope, send)
    return send
