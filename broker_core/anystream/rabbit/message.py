"""The messages of RabbitMQ subscribers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from aio_pika import IncomingMessage

from anystream.core.ack import AckStatus
from anystream.core.address import Template
from anystream.core.ids import gen_cor_id
from anystream.core.message import StreamMessage
from anystream.rabbit.incoming import Incoming

__all__ = ("RabbitBatchMessage", "RabbitMessage", "batch_parser", "message_parser")


class RabbitMessage(StreamMessage[IncomingMessage]):
    """One message.

    Messages that the server counts as acknowledged when it sends them (`AckPolicy.ACK_FIRST`,
    `get_one`) are acked from the start, and the methods do nothing.
    """

    raw_message: IncomingMessage
    template: Template | None = None

    def read_headers(self) -> dict[str, Any]:
        return self._properties.headers or {}

    def read_path(self) -> dict[str, Any]:
        if self.template is None:
            return {}
        return self.template.capture(self.raw_message.routing_key or "")

    @property
    def _properties(self) -> Any:
        raw: Any = self.raw_message
        return raw._delivered.header.properties

    @property
    def correlation_id(self) -> str:
        """Id of the conversation; made up once if the sender gave none."""
        if "_correlation_id" not in self.__dict__:
            self._correlation_id = self._properties.correlation_id or gen_cor_id()
        return self._correlation_id  # type: ignore[no-any-return]

    @correlation_id.setter
    def correlation_id(self, value: str) -> None:
        self._correlation_id = value

    @property
    def message_id(self) -> str:
        """Id of this message; made up once if the sender gave none."""
        if "_message_id" not in self.__dict__:
            self._message_id = self._properties.message_id or gen_cor_id()
        return self._message_id  # type: ignore[no-any-return]

    @message_id.setter
    def message_id(self, value: str) -> None:
        self._message_id = value

    async def ack(self, multiple: bool = False) -> None:
        """Tells the server that the message was handled.

        Args:
            multiple: all earlier messages of this channel, too.
        """
        if self.committed is None:
            await _settle(self.raw_message, "ack", multiple=multiple)
            self.committed = AckStatus.ACKED

    async def nack(self, multiple: bool = False, requeue: bool = True) -> None:
        """Gives the message back.

        Args:
            multiple: all earlier messages of this channel, too.
            requeue: it is delivered again; False gives it up as `reject` does.
        """
        if self.committed is None:
            await _settle(self.raw_message, "nack", multiple=multiple, requeue=requeue)
            self.committed = AckStatus.NACKED

    async def reject(self, requeue: bool = False) -> None:
        """Gives the message up: to the dead letter exchange of the queue, if it has one.

        Args:
            requeue: put it back into the queue instead.
        """
        if self.committed is None:
            await _settle(self.raw_message, "reject", requeue=requeue)
            self.committed = AckStatus.REJECTED


class RabbitBatchMessage(StreamMessage[Sequence[IncomingMessage]]):
    """A batch: one body, the list of all bodies; one acknowledgement for all."""

    raw_message: Sequence[IncomingMessage]
    template: Template | None = None

    def read_headers(self) -> dict[str, Any]:
        return dict(self.batch_headers[0])

    def read_path(self) -> dict[str, Any]:
        if self.template is None:
            return {}
        return self.template.capture(self.raw_message[0].routing_key or "")

    async def ack(self) -> None:
        """Tells the server that all messages were handled."""
        if self.committed is None:
            for raw in self.raw_message:
                await _settle(raw, "ack", multiple=False)
            self.committed = AckStatus.ACKED

    async def nack(self, requeue: bool = True) -> None:
        """Gives all messages back.

        Args:
            requeue: they are delivered again; False gives them up as `reject` does.
        """
        if self.committed is None:
            for raw in self.raw_message:
                await _settle(raw, "nack", multiple=False, requeue=requeue)
            self.committed = AckStatus.NACKED

    async def reject(self, requeue: bool = False) -> None:
        """Gives all messages up.

        Args:
            requeue: put them back into the queue instead.
        """
        if self.committed is None:
            for raw in self.raw_message:
                await _settle(raw, "reject", requeue=requeue)
            self.committed = AckStatus.REJECTED


async def _settle(raw: Any, verb: str, **options: bool) -> None:
    holder = raw._holder
    if holder is None or raw.settled_by_hand:
        return
    await holder.settle(raw._delivered, verb, options)
    raw.note_settled()


def message_parser(template: Template | None) -> Callable[[Incoming], RabbitMessage]:
    """Wraps single messages."""
    new, kind, acked = object.__new__, RabbitMessage, AckStatus.ACKED

    def parse(raw: Incoming) -> RabbitMessage:
        message = new(kind)
        delivered = raw._delivered
        properties = delivered.header.properties
        message.raw_message = raw
        message.body = delivered.body
        message._reply_to = properties.reply_to or ""
        message._content_type = properties.content_type
        if template is not None:
            message.template = template
        if raw._holder is None:
            message.committed = acked
        return message

    return parse


def batch_parser(template: Template | None) -> Callable[[list[Incoming]], RabbitBatchMessage]:
    """Wraps lists of messages."""

    def parse(raw: list[Incoming]) -> RabbitBatchMessage:
        message = object.__new__(RabbitBatchMessage)
        message.raw_message = raw
        delivered = [item._delivered for item in raw]
        message.body = [item.body for item in delivered]
        message.batch_headers = [_all_headers(item.header.properties) for item in delivered]
        first = delivered[0].header.properties
        message._reply_to = first.reply_to or ""
        message._content_type = first.content_type
        message.correlation_id = first.correlation_id or gen_cor_id()
        message.template = template
        if raw[0]._holder is None:
            message.committed = AckStatus.ACKED
        return message

    return parse


def _all_headers(properties: Any) -> dict[str, Any]:
    # in a batch the decoder finds the content type among the headers
    headers = properties.headers or {}
    if properties.content_type is None:
        return dict(headers)
    return {**headers, "content-type": properties.content_type}
