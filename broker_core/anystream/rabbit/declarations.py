"""How RabbitMQ subscribers and publishers are declared."""

from __future__ import annotations

from typing import Any

from typing_extensions import Unpack

from anystream.core.declaring import declare_publisher, declare_subscriber
from anystream.core.exceptions import OptionError, SetupError
from anystream.core.options import check_options
from anystream.core.publisher import Publisher
from anystream.core.response import PublishCommand
from anystream.core.router import DeferredPublisher, Route, Router
from anystream.core.subscriber import Subscriber
from anystream.rabbit.channel import Channel
from anystream.rabbit.commands import batch_command, check_timeout, publish_command
from anystream.rabbit.exchange import RabbitExchange
from anystream.rabbit.options import (
    LASTING,
    PublisherOptions,
    PublishOptions,
    RequestOptions,
    SubscriberOptions,
)
from anystream.rabbit.queue import RabbitQueue
from anystream.rabbit.routing import amqp_template
from anystream.rabbit.source import make_source, workers


class RabbitPublisherObject(Publisher):
    """A declared exchange and routing key to publish to."""

    @property
    def exchange(self) -> RabbitExchange | None:
        """The exchange; None for the default one."""
        return self.options["exchange"]  # type: ignore[no-any-return]

    @property
    def destination(self) -> str:
        """The routing key, prefixes included; empty if there is none."""
        return super().destination if self.address else ""

    def takes(self, command: PublishCommand) -> bool:
        exchange = getattr(command, "exchange", None)
        own = self.exchange
        same = (exchange.name if exchange else "") == (own.name if own else "")
        return same and command.destination == self.destination

    async def publish(
        self,
        message: Any = None,
        queue: RabbitQueue | str | None = None,
        exchange: RabbitExchange | str | None = None,
        **options: Unpack[PublishOptions],
    ) -> Any:
        """Publishes to this destination, or to another one.

        Args:
            message: the body.
            queue: instead of the declared one; prefixes are not added.
            exchange: instead of the declared one.
            **options: see `PublishOptions`; they count more than the declared ones.

        Returns:
            What `RabbitBroker.publish` returns.

        Raises:
            PublishError: it could not be sent, see `RabbitBroker.publish`.
        """
        check_options("publish", options, PublishOptions)
        return await self.publish_command(publish_command(message, queue, exchange, options))

    async def publish_batch(
        self,
        *messages: Any,
        queue: RabbitQueue | str | None = None,
        exchange: RabbitExchange | str | None = None,
        **options: Unpack[PublishOptions],
    ) -> list[Any]:
        """Publishes several messages, see `RabbitBroker.publish_batch`."""
        check_options("publish_batch", options, PublishOptions)
        command = batch_command(messages, queue, exchange, options)
        results: list[Any] = await self.publish_batch_command(command)
        return results

    async def request(
        self,
        message: Any = None,
        queue: RabbitQueue | str | None = None,
        exchange: RabbitExchange | str | None = None,
        **options: Unpack[RequestOptions],
    ) -> Any:
        """Publishes and returns the answer's message.

        Args:
            message: the body.
            queue, exchange: instead of the declared ones.
            **options: see `RequestOptions`; `timeout` are the seconds to wait for the answer, 30
                by default.

        Raises:
            TimeoutError: nobody answered in time.
            NobodyAnswers: no queue takes the request.
        """
        check_options("request", options, RequestOptions)
        timeout = check_timeout(options.pop("timeout", 30.0))
        return await self.request_command(
            publish_command(message, queue, exchange, options), timeout
        )


class RabbitDeclarations(Router):
    """What RabbitMQ brokers and their routers can declare."""

    family = "rabbit"
    default_channel: Channel | None = None
    """The settings of subscribers that have none; a broker's, so routers get them with one."""

    def _default_channel(self) -> Channel | None:
        return getattr(self.root_broker(), "default_channel", None)

    def refresh(self) -> None:
        default = self._default_channel()
        for subscriber in self.subscribers:
            subscriber.workers = workers(subscriber.source, default, batch=subscriber.batch)
        super().refresh()

    def subscriber(
        self,
        queue: RabbitQueue | str,
        exchange: RabbitExchange | str | None = None,
        **options: Unpack[SubscriberOptions],
    ) -> Subscriber:
        """Declares a subscriber; use it as a decorator.

        Args:
            queue: the queue that is read; it is declared, and bound to the exchange.
            exchange: the exchange; the default one, which needs no binding, when not given.
            **options: see `SubscriberOptions`.

        Raises:
            SetupError: there is no queue, or an exchange that is none.
            OptionError: an option does not exist, or has a wrong value.
        """
        owner = f"subscriber({getattr(queue, 'name', queue)!r})"
        check_options(owner, options, SubscriberOptions)
        source = make_source(queue, exchange, options)
        batch = options.get("batch", False)
        return declare_subscriber(
            self,
            source.queue.name,
            source,
            options,
            workers=workers(source, self._default_channel(), batch=batch),
            batch=batch,
        )

    def publisher(
        self,
        queue: RabbitQueue | str = "",
        exchange: RabbitExchange | str | None = None,
        **options: Unpack[PublisherOptions],
    ) -> RabbitPublisherObject:
        """Declares a publisher; use it as a decorator or as an object.

        Args:
            queue: whose routing key messages get; it is not declared.
            exchange: the exchange; it is declared at the start.
            **options: see `PublisherOptions`.

        Raises:
            SetupError: a routing key with `{name}` parts, which is no single one.
            OptionError: an option does not exist.
        """
        key = options.get("routing_key") or getattr(queue, "routing_key", "") or ""
        name = getattr(queue, "name", queue)
        owner = f"publisher({key or name!r})"
        check_options(owner, options, PublisherOptions)
        if not isinstance(key, str) or not isinstance(name, str):
            raise OptionError(f"{owner}: queue={queue!r} is neither a str nor a RabbitQueue")
        if amqp_template(key).names:
            raise SetupError(
                f"{owner}: {key!r} has {{name}} parts, and messages go to one key: write it out, "
                "or give routing_key when you publish"
            )
        lasting = {key: value for key, value in options.items() if key in LASTING}
        return declare_publisher(
            RabbitPublisherObject,
            self,
            key or name,
            options,
            exchange=None if exchange is None else RabbitExchange.of(exchange),
            lasting={key: value for key, value in lasting.items() if value is not None},
            queue=RabbitQueue.of(queue) if name else None,
        )


class RabbitRouter(RabbitDeclarations):
    """Declarations to include in a `RabbitBroker`."""


class RabbitRoute(Route):
    """A handler and the arguments of its subscriber, see `RabbitDeclarations.subscriber`."""


class RabbitPublisher(DeferredPublisher):
    """Arguments of a publisher, for `RabbitRoute`."""
