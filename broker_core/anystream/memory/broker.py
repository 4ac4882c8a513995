"""The embedded broker."""

from __future__ import annotations

from typing import Any

from typing_extensions import Unpack

from anystream.core.broker import Broker, BrokerOptions, BrokerSpecification
from anystream.core.bus import Bus
from anystream.core.options import check_options
from anystream.core.response import PublishCommand
from anystream.memory.declarations import MemoryDeclarations
from anystream.memory.transport import MemoryTransport


class MemoryBroker(MemoryDeclarations, Broker):
    """A broker inside the process: subjects with wildcards, queue groups, request/reply,
    redelivery on nack. No server, no thread; what is in it ends with the process.

    Args:
        bus: the subscriptions. Each broker has its own unless two are given the same one.
        **options: see `BrokerOptions`.
    """

    kind = "memory"

    def __init__(self, bus: Bus | None = None, **options: Unpack[BrokerOptions]) -> None:
        check_options("MemoryBroker", options, BrokerOptions)
        url = options.get("specification_url") or "memory://localhost"
        super().__init__(
            MemoryTransport(bus or Bus()),
            BrokerSpecification(
                url=[url] if isinstance(url, str) else list(url),
                protocol=options.get("protocol") or "memory",
                protocol_version=options.get("protocol_version") or "custom",
                description=options.get("description"),
                tags=list(options.get("tags", ())),
                security=options.get("security"),
            ),
            options,
        )

    async def publish(
        self,
        message: Any = None,
        subject: str = "",
        headers: dict[str, Any] | None = None,
        reply_to: str = "",
        correlation_id: str | None = None,
    ) -> None:
        """Publishes a message to the subscribers that there are now.

        Args:
            message: the body.
            subject: where it goes.
            headers: sent with it.
            reply_to: subject for answers.
            correlation_id: id of the conversation; a new one by default.

        Raises:
            IncorrectState: not connected.
            PublishError: no valid subject, or a body without a JSON form.
        """
        command = PublishCommand(
            message,
            destination=subject,
            headers=headers,
            reply_to=reply_to,
            correlation_id=correlation_id,
        )
        await self.publish_command(command)

    async def request(
        self,
        message: Any = None,
        subject: str = "",
        headers: dict[str, Any] | None = None,
        correlation_id: str | None = None,
        timeout: float = 0.5,
    ) -> Any:
        """Publishes a message and returns the answer's message.

        Args:
            timeout: seconds to wait for the answer.

        Raises:
            TimeoutError: nobody answered in time.
            SubscriberNotFound: nobody subscribes to the subject.
        """
        command = PublishCommand(
            message, destination=subject, headers=headers, correlation_id=correlation_id
        )
        return await self.request_command(command, timeout)
