"""What goes wrong with RabbitMQ, as our own types.

Most of them are also what the client library raises there, so that what catches that works.
"""

from __future__ import annotations

from typing import Any

import aiormq.exceptions as native

from anystream.core.exceptions import OwnText, PublishError, SetupError, SubscriberNotFound


class NotDeclared(OwnText, SetupError, native.ChannelNotFoundEntity):
    """A queue or an exchange that must be there is not."""


class DeclaredDifferently(OwnText, SetupError, native.ChannelPreconditionFailed):
    """A queue or an exchange is there, with other properties or arguments."""


class NotAllowed(OwnText, SetupError, native.ChannelAccessRefused, native.ChannelLockedResource):
    """The server does not let this connection use a queue or an exchange."""


class PluginMissing(OwnText, SetupError, native.ConnectionCommandInvalid):
    """The server does not know a type of exchange: a plugin is not enabled."""


class NoExchange(OwnText, PublishError, native.ChannelNotFoundEntity):
    """There is no exchange of that name to publish to."""


class MessageReturned(OwnText, PublishError, native.PublishError):
    """A mandatory message reached no queue.

    Args:
        text: what happened.
        returned: the client's returned frame; also as `message`, with its `frame`.
    """

    def __init__(self, text: str, returned: Any) -> None:
        Exception.__init__(self, text)
        frame: Any = getattr(returned, "delivery", None)
        self.returned = self.message = returned
        self.frame = frame


class MessageRefused(
    OwnText,
    PublishError,
    native.DeliveryError,
    native.ChannelPreconditionFailed,
    native.ChannelAccessRefused,
):
    """The server refused a message: a full queue, a body over its limit, a wrong user.

    Args:
        text: what happened.
        frame: what the server said of the message (a full queue); None if it closed the channel.
    """

    def __init__(self, text: str, frame: Any = None) -> None:
        Exception.__init__(self, text)
        self.message = None
        self.frame = frame


class ConnectionLost(
    OwnText, PublishError, native.AMQPConnectionError, native.ChannelInvalidStateError
):
    """The connection was away, or was lost before the server had confirmed."""


class NobodyAnswers(SubscriberNotFound):
    """No queue takes a request."""
