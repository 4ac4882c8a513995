"""What goes wrong with NATS, as our own types.

Each one is of the client library's type, too, so `except nats.errors.NoRespondersError` and
`except anystream.core.exceptions.FastStreamException` both work.
"""

from __future__ import annotations

import nats.errors
import nats.js.errors

from anystream.core.exceptions import FastStreamException, IncorrectState, OwnText, PublishError

# the server's codes of errors
ALREADY_IN_USE = 10058
STREAM_NOT_FOUND = 10059


class NoResponders(OwnText, FastStreamException, nats.errors.NoRespondersError):
    """Nobody subscribes to the subject of a request."""


class RequestTimeout(OwnText, FastStreamException, nats.errors.TimeoutError, TimeoutError):
    """Nobody answered a request in time."""


class PayloadTooLarge(OwnText, PublishError, nats.errors.MaxPayloadError):
    """A message is larger than the server takes."""


class BufferFull(OwnText, PublishError, nats.errors.OutboundBufferLimitError):
    """The connection is down, and the buffer for what is published meanwhile is full."""


class NoStream(OwnText, PublishError, nats.js.errors.NoStreamResponseError):
    """No stream takes the subject of a message that was published to a stream."""


class ApiError(OwnText, nats.js.errors.APIError):
    """What the server says no to.

    Args:
        text: what happened.
        error: the client's error; its `code`, `err_code` and `description` are kept.
    """

    def __init__(self, text: str, error: nats.js.errors.APIError) -> None:
        super().__init__(code=error.code, err_code=error.err_code, description=error.description)
        self.args = (text,)


class StreamRefused(ApiError, PublishError, nats.js.errors.BadRequestError):
    """A stream refused a message: it is the wrong one, or what was expected of it is not so."""


class StreamFailed(ApiError, PublishError):
    """A stream could not take a message, though nothing was wrong with it."""


class BucketNotFound(ApiError, IncorrectState, nats.js.errors.BucketNotFoundError):
    """There is no bucket of that name, and it was not to be made."""
