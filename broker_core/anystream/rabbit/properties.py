"""The properties of a message on the wire."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import Any

from aio_pika.message import encode_expiration, encode_timestamp
from aiormq import spec

from anystream.core.exceptions import PublishError
from anystream.rabbit.response import RabbitPublishCommand

REQUEST_ID = "anystream-request-id"
"""Header of a direct reply whose correlation id is not that of its request: the request's."""

_now, _utc, _make = datetime.now, timezone.utc, spec.Basic.Properties


def make_properties(
    command: RabbitPublishCommand, content_type: str | None, app_id: str | None
) -> spec.Basic.Properties:
    """AMQP's basic properties of a command.

    Args:
        command: with its options filled.
        content_type: of the encoded body, if the command names none.
        app_id: the application.

    Raises:
        PublishError: a value that AMQP cannot carry.
    """
    options = command.options
    if not options:
        return _make(
            content_type=content_type,
            headers=command.headers,
            delivery_mode=1,
            correlation_id=command.correlation_id,
            reply_to=command.reply_to or None,
            timestamp=_now(_utc),
            app_id=app_id,
        )
    get = options.get
    timestamp = get("timestamp")
    try:
        return _make(
            content_type=get("content_type") or content_type,
            content_encoding=get("content_encoding"),
            headers=command.headers,
            delivery_mode=2 if get("persist") else 1,
            priority=get("priority"),
            correlation_id=command.correlation_id,
            reply_to=command.reply_to or None,
            expiration=encode_expiration(get("expiration")),
            message_id=get("message_id"),
            timestamp=_now(_utc) if timestamp is None else encode_timestamp(timestamp),
            message_type=get("message_type"),
            user_id=get("user_id"),
            app_id=app_id,
        )
    except (ValueError, TypeError) as error:
        raise PublishError(
            f"publish to {command.destination!r}: an option has a value that AMQP cannot carry: "
            f"{error}"
        ) from error


def ready_properties(message: Any) -> spec.Basic.Properties:
    """The properties of a message of the client library."""
    made: spec.Basic.Properties = message.properties
    return made


def name_request(properties: spec.Basic.Properties, request_id: str) -> None:
    """Lets an answer with a correlation id of its own say which request it is for.

    Args:
        properties: those of the answer; they are changed, their headers are not.
        request_id: the correlation id of the request.
    """
    properties.headers = {**(properties.headers or {}), REQUEST_ID: request_id}


def take_request_id(properties: spec.Basic.Properties) -> str | None:
    """The correlation id of the request that an answer is for; it is taken out of the headers."""
    headers = properties.headers
    named = headers.pop(REQUEST_ID, None) if headers else None
    return properties.correlation_id if named is None else str(named)
