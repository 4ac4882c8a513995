"""What the declarations of all brokers have in common: options, and where they go."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, TypeVar

from typing_extensions import TypedDict

from anystream.core.ack import AckPolicy
from anystream.core.layers import Layer
from anystream.core.publisher import Publisher
from anystream.core.router import Router
from anystream.core.sentinel import EMPTY
from anystream.core.subscriber import Subscriber

if TYPE_CHECKING:
    from fast_depends.dependencies import Dependant

PublisherT = TypeVar("PublisherT", bound=Publisher)


class SubscriberOptions(TypedDict, total=False):
    """Options of every `subscriber`.

    Keys:
        max_workers: how many messages are handled at once.
        dependencies: run before the handlers.
        parser, decoder, codec: replace or wrap the defaults.
        ack_policy: what is told to the server after success and after an exception.
        no_reply: never answer.
        persistent: False lets the broker forget the subscriber when the program does.
        title, description, include_in_schema: for the documentation.
    """

    max_workers: int | None
    dependencies: Iterable[Dependant]
    parser: Callable[..., Any] | None
    decoder: Callable[..., Any] | None
    codec: Any
    ack_policy: AckPolicy
    no_reply: bool
    persistent: bool
    title: str | None
    description: str | None
    include_in_schema: bool


class PublisherOptions(TypedDict, total=False):
    """Options of every `publisher`.

    Keys:
        headers: sent with every message, unless the message has its own.
        reply_to: address for answers.
        persistent: False lets the broker forget the publisher when the program does.
        title, description, schema, include_in_schema: for the documentation.
    """

    headers: dict[str, Any] | None
    reply_to: str
    persistent: bool
    title: str | None
    description: str | None
    schema: Any
    include_in_schema: bool


def declare_subscriber(
    router: Router,
    address: str,
    source: Any,
    options: SubscriberOptions,
    *,
    workers: int | None = None,
    batch: bool = False,
    settles: bool = True,
    kind: type[Subscriber] = Subscriber,
) -> Subscriber:
    """Makes a subscriber of checked options and adds it to its router.

    Args:
        router: the broker or router.
        address: what it reads, as declared.
        source: the broker's own description of it.
        options: at least those of `SubscriberOptions`; others are the broker's affair.
        workers: how many messages are handled at once, `max_workers` or 1 by default.
        batch: handlers take a list of bodies.
        settles: whether the source knows acknowledgement at all.
        kind: the broker's subscriber class.
    """
    if workers is None:
        chosen = options.get("max_workers")
        workers = 1 if chosen is None else chosen
    made = kind(
        router,
        address,
        source,
        workers=workers,
        batch=batch,
        ack_policy=options.get("ack_policy", EMPTY),
        settles=settles,
        no_reply=options.get("no_reply", False),
        layer=Layer(
            dependencies=tuple(options.get("dependencies", ())),
            parser=options.get("parser"),
            decoder=options.get("decoder"),
            codec=options.get("codec"),
        ),
        title=options.get("title"),
        description=options.get("description"),
        include_in_schema=options.get("include_in_schema", True),
    )
    router.add_subscriber(made, persistent=options.get("persistent", True))
    return made


def declare_publisher(
    kind: type[PublisherT],
    router: Router,
    address: str,
    options: PublisherOptions,
    **native: Any,
) -> PublisherT:
    """Makes a publisher of checked options and adds it to its router.

    Args:
        kind: the broker's publisher class.
        router: the broker or router.
        address: where it publishes, as declared.
        options: at least those of `PublisherOptions`.
        **native: what else every message of it gets.
    """
    made = kind(
        router,
        address,
        options={
            "headers": options.get("headers"),
            "reply_to": options.get("reply_to", ""),
            **native,
        },
        title=options.get("title"),
        description=options.get("description"),
        schema=options.get("schema"),
        include_in_schema=options.get("include_in_schema", True),
    )
    router.add_publisher(made, persistent=options.get("persistent", True))
    return made
