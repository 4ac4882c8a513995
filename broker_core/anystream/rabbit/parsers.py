"""The type of parsers of RabbitMQ messages."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from aio_pika import IncomingMessage

from anystream.rabbit.message import RabbitMessage

Parsed = RabbitMessage | Awaitable[RabbitMessage]
RabbitParserType = Callable[[IncomingMessage], Parsed] | Callable[[IncomingMessage, Any], Parsed]
"""A parser: replaces the default one, or (with a second argument) is handed it."""
