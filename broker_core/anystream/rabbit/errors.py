"""What goes wrong with RabbitMQ, as our own types."""

from __future__ import annotations

from typing import Any

from anystream.core.exceptions import PublishError, SetupError, SubscriberNotFound


class NotDeclared(SetupError):
    """A queue or an exchange that must be there is not."""


class DeclaredDifferently(SetupError):
    """A queue or an exchange is there, with other properties or arguments."""


class NotAllowed(SetupError):
    """The server does not let this connection use a queue or an exchange."""


class PluginMissing(SetupError):
    """The server does not know a type of exchange: a plugin is not enabled."""


class NoExchange(PublishError):
    """There is no exchange of that name to publish to."""


class MessageReturned(PublishError):
    """A mandatory message reached no queue.

    Args:
        text: what happened.
        returned: the client's returned frame.
    """

    def __init__(self, text: str, returned: Any) -> None:
        super().__init__(text)
        self.returned = returned


class MessageRefused(PublishError):
    """The server refused a message: a full queue, a body over its limit, a wrong user."""


class ConnectionLost(PublishError, ConnectionError):
    """The connection was away, or was lost before the server had confirmed."""


class NobodyAnswers(SubscriberNotFound):
    """No queue takes a request."""
