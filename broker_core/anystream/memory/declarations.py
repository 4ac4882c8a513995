"""How subscribers and publishers of the embedded broker are declared."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from typing_extensions import Unpack

from anystream.core.address import nats_template
from anystream.core.declaring import (
    PublisherOptions,
    SubscriberOptions,
    declare_publisher,
    declare_subscriber,
)
from anystream.core.exceptions import SetupError
from anystream.core.options import check_options
from anystream.core.publisher import Publisher
from anystream.core.response import PublishCommand
from anystream.core.router import DeferredPublisher, Route, Router
from anystream.core.subjects import check_destination, check_subject
from anystream.core.subscriber import Subscriber


@dataclass(frozen=True)
class MemorySource:
    """What a subscriber of the embedded broker reads besides its subject."""

    queue: str


class MemorySubscriberOptions(SubscriberOptions, total=False):
    """Options of `subscriber`: those of every broker, and these.

    After an exception `ack_policy` reject (default) forgets the message, nack delivers it again.

    Keys:
        batch: handlers take a list of all bodies that wait.
    """

    batch: bool


class MemoryPublishing:
    """`publish` and `request`, for whatever can send commands."""

    async def publish(
        self: Any,
        message: Any = None,
        subject: str = "",
        headers: dict[str, Any] | None = None,
        reply_to: str = "",
        correlation_id: str | None = None,
    ) -> None:
        """Publishes a message to the subscribers that there are now.

        Args:
            message: the body.
            subject: where it goes; a publisher object has a subject of its own.
            headers: sent with it; a publisher object's own are added.
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
        self: Any,
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


class MemoryPublisherObject(MemoryPublishing, Publisher):
    """A declared subject to publish to."""


class MemoryDeclarations(Router):
    """What the embedded broker and its routers can declare."""

    family = "memory"

    def subscriber(
        self, subject: str, queue: str = "", **options: Unpack[MemorySubscriberOptions]
    ) -> Subscriber:
        """Declares a subscriber; use it as a decorator.

        Args:
            subject: what is read; `*`, `>` and `{name}` parts are possible.
            queue: the group; of a group one member gets each message.
            **options: see `MemorySubscriberOptions`.

        Raises:
            SetupError: the subject is none.
            OptionError: an option does not exist.
        """
        owner = f"subscriber({subject!r})"
        check_options(owner, options, MemorySubscriberOptions)
        if not isinstance(subject, str) or not subject:
            raise SetupError(f"{owner}: a subject is a non-empty str")
        check_subject(nats_template(subject).wire, wildcards=True, owner=owner)
        return declare_subscriber(
            self, subject, MemorySource(queue), options, batch=options.get("batch", False)
        )

    def publisher(self, subject: str, **options: Unpack[PublisherOptions]) -> MemoryPublisherObject:
        """Declares a publisher; use it as a decorator or as an object.

        Args:
            subject: where results go.
            **options: see `PublisherOptions`.
        """
        owner = f"publisher({subject!r})"
        check_options(owner, options, PublisherOptions)
        check_destination(subject, owner)
        return declare_publisher(MemoryPublisherObject, self, subject, options)


class MemoryRouter(MemoryDeclarations):
    """Declarations to include in a `MemoryBroker`."""


class MemoryRoute(Route):
    """A handler and the arguments of its subscriber, see `MemoryDeclarations.subscriber`."""


class MemoryPublisher(DeferredPublisher):
    """Arguments of a publisher, for `MemoryRoute`."""
