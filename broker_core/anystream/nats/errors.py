"""What goes wrong with NATS, as our own types.

Each one is of the client library's type, too, so `except nats.errors.NoRespondersError` and
`except anystream.core.exceptions.FastStreamException` both work.
"""

from __future__ import annotations

import nats.errors
import nats.js.errors

from anystream.core.exceptions import FastStreamException, IncorrectState, PublishError

# the server's codes of errors
ALREADY_IN_USE = 10058
STREAM_NOT_FOUND = 10059


class NoResponders(FastStreamException, nats.errors.NoRespondersError):
    """Nobody subscribes to the subject of a request."""

    def __str__(self) -> str:
        return str(self.args[0])


class RequestTimeout(FastStreamException, nats.errors.TimeoutError, TimeoutError):
    """Nobody answered a request in time."""

    def __str__(self) -> str:
        return str(self.args[0])


class PayloadTooLarge(PublishError, nats.errors.MaxPayloadError):
    """A message is larger than the server takes."""

    def __str__(self) -> str:
        return str(self.args[0])


class BufferFull(PublishError, nats.errors.OutboundBufferLimitError):
    """The connection is down, and the buffer for what is published meanwhile is full."""

    def __str__(self) -> str:
        return str(self.args[0])


class NoStream(PublishError, nats.js.errors.NoStreamResponseError):
    """No stream takes the subject of a message that was published to a stream."""

    def __str__(self) -> str:
        return str(self.args[0])


class StreamRefused(PublishError, nats.js.errors.BadRequestError):
    """A stream refused a message: it is the wrong one, or what was expected of it is not so.

    Args:
        text: what happened.
        error: the client's error; its `code`, `err_code` and `description` are kept.
    """

    def __init__(self, text: str, error: nats.js.errors.APIError) -> None:
        _keep(self, text, error)

    def __str__(self) -> str:
        return str(self.args[0])


class StreamFailed(PublishError, nats.js.errors.APIError):
    """A stream could not take a message, though nothing was wrong with it.

    Args:
        text: what happened.
        error: the client's error; its `code`, `err_code` and `description` are kept.
    """

    def __init__(self, text: str, error: nats.js.errors.APIError) -> None:
        _keep(self, text, error)

    def __str__(self) -> str:
        return str(self.args[0])


class BucketNotFound(IncorrectState, nats.js.errors.BucketNotFoundError):
    """There is no bucket of that name, and it was not to be made.

    Args:
        text: what happened.
        error: the client's error; its `code`, `err_code` and `description` are kept.
    """

    def __init__(self, text: str, error: nats.js.errors.APIError) -> None:
        _keep(self, text, error)

    def __str__(self) -> str:
        return str(self.args[0])


def _keep(made: nats.js.errors.APIError, text: str, error: nats.js.errors.APIError) -> None:
    nats.js.errors.APIError.__init__(
        made, code=error.code, err_code=error.err_code, description=error.description
    )
    made.args = (text,)
