"""How NATS subscribers and publishers are declared."""

from __future__ import annotations

from typing import Any, cast

from typing_extensions import Unpack

from anystream.core.declaring import declare_publisher, declare_subscriber
from anystream.core.options import check_options, with_positional
from anystream.core.publisher import Publisher
from anystream.core.router import DeferredPublisher, Route, Router
from anystream.core.subjects import check_destination
from anystream.nats.options import POSITIONAL, PublisherOptions, SubscriberOptions
from anystream.nats.response import NatsPublishCommand
from anystream.nats.schemas import JStream, Schedule
from anystream.nats.subscriber import NatsSubscriber
from anystream.nats.subscription import make_source, settles, workers


class NatsPublisherObject(Publisher):
    """A declared subject to publish to."""

    @property
    def subject(self) -> str:
        """The declared subject with the prefixes of its routers."""
        return self.destination

    @property
    def headers(self) -> dict[str, Any]:
        """The declared headers, a copy of them."""
        return dict(self.options["headers"] or {})

    @property
    def reply_to(self) -> str:
        """The declared subject for answers, empty for none."""
        reply_to: str = self.options["reply_to"]
        return reply_to

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
    ) -> Any:
        """Publishes to this subject, or to another one.

        Args:
            message: the body.
            subject: instead of the declared subject.
            headers: sent besides the declared ones.
            reply_to: subject for answers.
            correlation_id: id of the conversation; a new one by default.
            stream: the stream that must take it, instead of the declared one.
            timeout: seconds to wait for the stream.
            schedule: when the stream shall deliver it, and where.

        Returns:
            The client's `PubAck` when it goes to a stream, else None.

        Raises:
            PublishError: it could not be sent, see `NatsBroker.publish`.
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
        return await self.publish_command(command)

    async def request(
        self,
        message: Any = None,
        subject: str = "",
        headers: dict[str, str] | None = None,
        correlation_id: str | None = None,
        timeout: float = 0.5,
    ) -> Any:
        """Publishes and returns the answer's message.

        Args:
            timeout: seconds to wait for the answer.

        Raises:
            TimeoutError: nobody answered in time.
            NoResponders: nobody subscribes to the subject.
        """
        command = NatsPublishCommand(
            message, destination=subject, headers=headers, correlation_id=correlation_id
        )
        return await self.request_command(command, timeout)


class NatsDeclarations(Router):
    """What NATS brokers and their routers can declare."""

    family = "nats"

    def subscriber(
        self,
        subject: str = "",
        queue: str = "",
        *positional: Any,
        **options: Unpack[SubscriberOptions],
    ) -> NatsSubscriber:
        """Declares a subscriber; use it as a decorator.

        Args:
            subject: what is read; `*`, `>` and `{name}` parts are possible.
            queue: the group; of a group one member gets each message.
            *positional: options by position, in the order of `POSITIONAL`; better give them by
                name.
            **options: see `SubscriberOptions`.

        Raises:
            SetupError: there is no subject, or options exclude one another.
            OptionError: an option does not exist, or is given twice.
        """
        owner = f"subscriber({subject!r})"
        check_options(owner, options, SubscriberOptions)
        if positional:
            named = with_positional(owner, options, POSITIONAL, positional)
            options = cast("SubscriberOptions", named)
        source = make_source(owner, subject, queue, options)
        made = declare_subscriber(
            self,
            subject,
            source,
            options,
            workers=workers(source, options.get("max_workers")),
            batch=source.kind == "batch",
            settles=settles(source),
            kind=NatsSubscriber,
        )
        return cast("NatsSubscriber", made)

    def publisher(self, subject: str, **options: Unpack[PublisherOptions]) -> NatsPublisherObject:
        """Declares a publisher; use it as a decorator or as an object.

        Args:
            subject: where results go.
            **options: see `PublisherOptions`.

        Raises:
            SetupError: the subject is none.
            OptionError: an option does not exist.
        """
        owner = f"publisher({subject!r})"
        check_options(owner, options, PublisherOptions)
        check_destination(subject, owner)
        stream = JStream.of(options.get("stream"), owner)
        return declare_publisher(
            NatsPublisherObject,
            self,
            subject,
            options,
            stream=stream.name if stream else None,
            stream_object=stream,
            timeout=options.get("timeout"),
        )


class NatsRouter(NatsDeclarations):
    """Declarations to include in a `NatsBroker`."""


class NatsRoute(Route):
    """A handler and the arguments of its subscriber, see `NatsDeclarations.subscriber`."""


class NatsPublisher(DeferredPublisher):
    """Arguments of a publisher, for `NatsRoute`."""
