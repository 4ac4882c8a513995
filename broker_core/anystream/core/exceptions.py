"""Every error that anystream raises by itself; all derive from `FastStreamException`."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any


class FastStreamException(Exception):
    """Base of all anystream errors."""


class OwnText:
    """Mixin, the first base: an error that is also one of a client library's says our text."""

    __str__ = Exception.__str__
    __repr__ = Exception.__repr__


class IgnoredException(FastStreamException):
    """Raised on purpose to steer the flow; logged without a traceback."""


class StopConsume(IgnoredException):
    """Raise it in a handler to stop that subscriber."""

    def __str__(self) -> str:
        return "Consumer was stopped"


class StopApplication(IgnoredException, SystemExit):
    """Raise it in a handler to stop the whole application."""

    def __str__(self) -> str:
        return "Application was stopped"


class HandlerException(IgnoredException):
    """Base of the exceptions that decide what happens to the message."""


class SkipMessage(HandlerException):
    """Leave the message as it is: no acknowledgement of any kind."""

    def __str__(self) -> str:
        return "Message was skipped"


class _SettleException(HandlerException):
    verb = ""

    def __init__(self, **extra_options: Any) -> None:
        super().__init__()
        self.extra_options = extra_options

    def __str__(self) -> str:
        return f"Message was {self.verb}"


class AckMessage(_SettleException):
    """Acknowledge the message now; keyword arguments go to `message.ack()`."""

    verb = "acked"


class NackMessage(_SettleException):
    """Refuse the message, to be delivered again; arguments go to `message.nack()`."""

    verb = "nacked"


class RejectMessage(_SettleException):
    """Refuse the message for good; arguments go to `message.reject()`."""

    verb = "rejected"


class SetupError(FastStreamException, ValueError):
    """Something was declared or configured in a way that cannot work."""


class BindingError(SetupError):
    """The arguments of a handler cannot be filled from a message."""


class OptionError(SetupError, TypeError):
    """An option does not exist, or has a value of the wrong type."""


class StartupValidationError(FastStreamException, ValueError):
    """Extra options given at start do not fit the start-up hooks.

    Args:
        missed_fields: names of options that were not given.
        invalid_fields: names of options whose value was refused.
    """

    def __init__(
        self,
        missed_fields: Iterable[str] = (),
        invalid_fields: Iterable[str] = (),
    ) -> None:
        super().__init__()
        self.missed_fields = list(missed_fields)
        self.invalid_fields = list(invalid_fields)

    def __str__(self) -> str:
        parts = []
        if self.missed_fields:
            parts.append(f"missing: {', '.join(self.missed_fields)}")
        if self.invalid_fields:
            parts.append(f"wrong value: {', '.join(self.invalid_fields)}")
        return f"Start-up options are not valid ({'; '.join(parts)})"


class FeatureNotSupportedException(FastStreamException, NotImplementedError):
    """The broker has no such feature."""


class SubscriberNotFound(FastStreamException):
    """No handler, or no subscriber, takes this message."""


class IncorrectState(FastStreamException):
    """The object is not in a state (connected, started) that allows the call."""


class NotStarted(IncorrectState):
    """The application that should have started the broker never did."""


class BrokerConnectionError(FastStreamException, ConnectionError):
    """The server behind a broker cannot be reached or refused the connection."""


class StartTimeout(FastStreamException, TimeoutError):
    """A broker did not start in the time it was given."""


class PublishError(FastStreamException):
    """A message could not be encoded or handed to the server."""


class PublishTimeout(PublishError, TimeoutError):
    """The server did not take a message in the time that a publish may last."""


class RequestFailed(FastStreamException):
    """The handler that took a request ended with an exception instead of an answer.

    Args:
        destination: where the request went.
        reason: the name of the exception's type, as the answering side gives it.
    """

    def __init__(self, destination: str, reason: str) -> None:
        super().__init__(destination, reason)
        self.destination = destination
        self.reason = reason

    def __str__(self) -> str:
        return (
            f"the handler of {self.destination!r} failed with {self.reason}: "
            "the log of the service that answers there says more"
        )


class ContextError(FastStreamException, KeyError):
    """A name is not in the context.

    Args:
        context: what the context held.
        field: the name that was asked for.
    """

    def __init__(self, context: Any, field: str) -> None:
        super().__init__(field)
        self.context = context
        self.field = field

    def __str__(self) -> str:
        from pprint import pformat  # needed for this text only

        return f"`{self.field}` is not in the context, which holds: {pformat(self.context)}"
