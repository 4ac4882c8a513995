"""What RabbitMQ messages carry besides what their properties say."""

from __future__ import annotations

from typing import Any

from anystream.core.outbox import Outbox
from anystream.core.response import PublishCommand


class RabbitOutbox(Outbox):
    """The content type and the ids are properties of a message: a header of the same name is one
    header more, and changes nothing."""

    def headers(self, command: PublishCommand, content_type: str | None) -> dict[str, Any]:
        """The content type alone; the command's own headers go as they are."""
        if command.correlation_id is None:
            command.correlation_id = self.broker.id_generator()
        return {"content-type": content_type}
