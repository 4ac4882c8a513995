"""What travels through the embedded broker."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from anystream.core.ack import AckStatus
from anystream.core.address import Template
from anystream.core.message import StreamMessage


@dataclass
class Letter:
    """One message on its way: the "native" message of the embedded broker.

    Args:
        subject: where it was sent.
        data: the encoded body.
        headers: header names and values.
        reply: the subject that waits for an answer, empty if nobody does.
        delivered: how often it was delivered.
        again: delivers it once more; called with seconds to wait.
    """

    subject: str
    data: bytes
    headers: dict[str, Any]
    reply: str = ""
    delivered: int = 1
    again: Callable[[Letter, float], None] | None = None


class MemoryMessage(StreamMessage[Letter]):
    """A message of the embedded broker."""

    raw_message: Letter
    template: Template | None

    @classmethod
    def wrap(cls, letter: Letter, template: Template | None) -> MemoryMessage:
        """Wraps a letter; everything but the body is read on demand."""
        message = cls.__new__(cls)
        message.raw_message = letter
        message.body = letter.data
        message.template = template
        message._headers = headers = letter.headers
        message._content_type = headers.get("content-type")
        message._reply_to = letter.reply
        return message

    def read_path(self) -> dict[str, Any]:
        return self.template.capture(self.raw_message.subject) if self.template else {}

    async def nack(self, delay: float = 0.0) -> None:
        """Gives the message back to be delivered again.

        Args:
            delay: seconds to wait before.
        """
        if self.committed is None:
            self.committed = AckStatus.NACKED
            letter = self.raw_message
            if letter.again is not None:
                letter.again(letter, delay)
