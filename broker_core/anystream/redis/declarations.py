"""How Redis subscribers and publishers are declared."""

from __future__ import annotations

import builtins
import warnings
from typing import Any, cast

from typing_extensions import Unpack

from anystream.core.ack import AckPolicy
from anystream.core.declaring import declare_publisher, declare_subscriber
from anystream.core.exceptions import SetupError
from anystream.core.options import check_options
from anystream.core.router import DeferredPublisher, Route, Router
from anystream.core.sentinel import EMPTY
from anystream.redis.declared import RedisSubscriber
from anystream.redis.options import PublisherOptions, SubscriberOptions
from anystream.redis.publishing import BatchPublisherObject, RedisPublisherObject
from anystream.redis.schemas import DEFAULT_STREAM_POLL, ListSub, PubSub, StreamSub, make_source
from anystream.redis.source import RedisSource


class RedisDeclarations(Router):
    """What Redis brokers and their routers can declare."""

    family = "redis"

    def subscriber(
        self,
        channel: str | PubSub | None = None,
        *,
        list: str | ListSub | None = None,
        stream: str | StreamSub | None = None,
        **options: Unpack[SubscriberOptions],
    ) -> RedisSubscriber:
        """Declares a subscriber; use it as a decorator. Give one of the first three.

        Args:
            channel: the channel; `*` and `{name}` parts make it a pattern.
            list: the list.
            stream: the stream.
            **options: see `SubscriberOptions`.

        Raises:
            SetupError: there is nothing to read, or options exclude one another.
            OptionError: an option does not exist.
        """
        given = {"channel": channel, "list": list, "stream": stream}
        owner = f"subscriber({_shown(given)})"
        check_options(owner, options, SubscriberOptions)
        what = make_source(owner, given)
        settles = isinstance(what, StreamSub) and what.settles
        _warn(owner, what, options.get("ack_policy", EMPTY))
        made = declare_subscriber(
            self,
            what.address,
            RedisSource(what, options.get("message_format")),
            options,
            workers=1 if what.batch else None,
            batch=what.batch,
            settles=settles,
            kind=RedisSubscriber,
        )
        return cast("RedisSubscriber", made)

    def publisher(
        self,
        channel: str | PubSub | None = None,
        *,
        list: str | ListSub | None = None,
        stream: str | StreamSub | None = None,
        **options: Unpack[PublisherOptions],
    ) -> RedisPublisherObject:
        """Declares a publisher; use it as a decorator or as an object. Give one of the first three.

        Args:
            channel: the channel.
            list: the list; a `ListSub` with `batch` publishes several bodies at once.
            stream: the stream; the `maxlen` of a `StreamSub` is used.
            **options: see `PublisherOptions`.

        Raises:
            SetupError: there is nothing to publish to, or it is a pattern.
            OptionError: an option does not exist.
        """
        given = {"channel": channel, "list": list, "stream": stream}
        owner = f"publisher({_shown(given)})"
        check_options(owner, options, PublisherOptions)
        what = make_source(owner, given)
        if isinstance(what, PubSub) and what.pattern:
            raise SetupError(f"{owner}: that is a pattern; publish to a single channel")
        batch = isinstance(what, ListSub) and what.batch
        made: type[RedisPublisherObject] = RedisPublisherObject
        return declare_publisher(
            BatchPublisherObject if batch else made,
            self,
            what.address,
            options,
            target=what.kind,
            what=what,
            maxlen=what.maxlen if isinstance(what, StreamSub) else None,
            message_format=options.get("message_format"),
        )


def _shown(given: dict[str, Any]) -> str:
    return ", ".join(f"{kind}={value!r}" for kind, value in given.items() if value)


def _warn(owner: str, what: PubSub | ListSub | StreamSub, policy: AckPolicy) -> None:
    found = _useless(what)
    if policy is not EMPTY and not (isinstance(what, StreamSub) and what.settles):
        found.append("ack_policy has no effect: only streams that a group reads are acknowledged")
    for text in found:
        warnings.warn(f"{owner}: {text}", RuntimeWarning, stacklevel=3)


def _useless(what: PubSub | ListSub | StreamSub) -> builtins.list[str]:
    found: builtins.list[str] = []
    if not isinstance(what, StreamSub):
        return found
    if what.group is None:
        if not what.declare:
            found.append("declare=False has no effect without a group")
        if what.no_ack:
            found.append("no_ack has no effect without a group")
        return found
    if what.no_ack:
        found.append("no_ack: a message counts as done when it is handed out, whatever comes of it")
    if what.last_id != ">":
        if what.polling_interval != DEFAULT_STREAM_POLL:
            found.append("polling_interval counts for new messages only, not from last_id on")
        if what.no_ack:
            found.append("no_ack counts for new messages only, so nothing is read from last_id on")
    return found


class RedisRouter(RedisDeclarations):
    """Declarations to include in a Redis broker."""


class RedisRoute(Route):
    """A handler and the arguments of its subscriber, see `RedisDeclarations.subscriber`."""


class RedisPublisher(DeferredPublisher):
    """Arguments of a publisher, for `RedisRoute`."""
