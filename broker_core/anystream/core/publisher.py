"""A declared destination."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

from anystream.core.described import Described
from anystream.core.exceptions import IncorrectState
from anystream.core.handler import HandlerCallWrapper
from anystream.core.layers import Merged, merge
from anystream.core.outbox import Send, new_middlewares, through_publish
from anystream.core.recording import Recorded
from anystream.core.response import BatchPublishCommand, PublishCommand, PublishType

if TYPE_CHECKING:
    from anystream.core.broker import Broker
    from anystream.core.message import StreamMessage
    from anystream.core.router import Router

F = TypeVar("F", bound=Callable[..., Any])


class Publisher(Recorded):
    """Decorator for handlers whose result goes to this destination, and object to publish with.

    Args:
        parent: the broker or router that it was declared on.
        address: where it publishes, as declared.
        command: makes the broker's own command from a body and native options.
        options: static native options (headers, reply_to, stream, …).
        title, description, schema, include_in_schema: for the documentation.
    """

    def __init__(
        self,
        parent: Router,
        address: str,
        *,
        options: dict[str, Any],
        title: str | None = None,
        description: str | None = None,
        schema: Any = None,
        include_in_schema: bool = True,
    ) -> None:
        self.parent = parent
        self.address = address
        self.options = options
        self.title = title
        self.description = description
        self.schema_type = schema
        self.include_in_schema = include_in_schema
        self.calls: list[HandlerCallWrapper[Any, Any]] = []
        self._merged: Merged | None = None
        self._destination: str | None = None
        self._broker: Broker | None = None
        self._static = {name: value for name, value in options.items() if value}

    def __call__(self, func: F) -> F:
        wrapper: Any = HandlerCallWrapper.of(func)
        wrapper.add_publisher(self)
        self.calls.append(wrapper)
        return wrapper  # type: ignore[no-any-return]

    @property
    def broker(self) -> Broker:
        """The broker it belongs to.

        Raises:
            IncorrectState: its router is not included in one.
        """
        if self._broker is None:
            self._broker = self.parent.root_broker()
        if self._broker is None:
            raise IncorrectState(
                f"{self!r} belongs to a router that no broker includes: "
                "call `broker.include_router(router)` first"
            )
        return self._broker

    @property
    def merged(self) -> Merged:
        """All layers around it."""
        if self._merged is None:
            self._merged = merge(self.parent.layers())
        return self._merged

    @property
    def destination(self) -> str:
        """The full address, prefixes included."""
        if self._destination is None:
            self._destination = self.merged.prefix + self.address
        return self._destination

    def refresh(self) -> None:
        """Forgets what was resolved; called when a layer changes."""
        self._merged = self._destination = self._broker = None

    def takes(self, command: PublishCommand) -> bool:
        """Whether a command goes to this publisher's destination."""
        return command.destination == self.destination

    def prepare(self, command: PublishCommand) -> None:
        """Fills what the caller left open from the static options."""
        if not command.destination:
            command.destination = self._destination or self.destination
        options = self._static
        if options:
            headers = options.get("headers")
            if headers:
                command.headers = {**headers, **command.headers}
            if not command.reply_to and options.get("reply_to"):
                command.reply_to = options["reply_to"]
            self.broker.fill_command(command, options)

    async def publish_command(
        self, command: PublishCommand, middlewares: Sequence[Any] | None = None
    ) -> Any:
        """Sends a command of this destination through the middlewares around it.

        Args:
            command: what to send.
            middlewares: objects of the message in hand; new ones are made when not given.
        """
        self.prepare(command)
        broker = self._broker or self.broker
        send: Send = broker.outbox.send
        if middlewares is None and self.merged.middlewares:
            middlewares = new_middlewares(self.merged.middlewares, None, broker.context)
        if middlewares:
            broker.outbox.identify(command)
            send = through_publish(middlewares, send)
        return await send(command)

    async def publish_batch_command(
        self, command: BatchPublishCommand, middlewares: Sequence[Any] | None = None
    ) -> Any:
        """Sends several bodies to this destination through the middlewares around it."""
        self.prepare(command)
        broker = self.broker
        broker.outbox.identify(command)
        if middlewares is None:
            middlewares = new_middlewares(self.merged.middlewares, None, broker.context)
        return await through_publish(middlewares, broker.outbox.send_batch)(command)

    async def request_command(self, command: PublishCommand, timeout: float) -> StreamMessage[Any]:
        """Sends a command and returns the answer."""
        self.prepare(command)
        command.publish_type = PublishType.REQUEST
        return await self.broker.request_through(command, timeout, self.merged.middlewares)

    @property
    def specification(self) -> Described:
        """How it stands in the AsyncAPI document."""
        return Described(self)

    def schema(self) -> dict[str, Any]:
        """Its part of the AsyncAPI document: channels by their keys."""
        from anystream.specification.channels import publisher_channels

        return dict(publisher_channels(self))

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.address!r}>"
