"""RabbitMQ: queues, exchanges, streams."""

from typing import TYPE_CHECKING

try:
    from aio_pika import IncomingMessage as _IncomingMessage
except ModuleNotFoundError as error:
    if (error.name or "").partition(".")[0] not in ("aio_pika", "aiormq", "pamqp"):
        raise
    raise ImportError(
        'anystream.rabbit needs the client library aio-pika: pip install "anystream[rabbit]"'
    ) from error

from anystream.core.lazy_names import lazy_names
from anystream.rabbit.broker import RabbitBroker
from anystream.rabbit.declarations import RabbitPublisher, RabbitRoute, RabbitRouter
from anystream.rabbit.response import RabbitPublishCommand, RabbitResponse
from anystream.rabbit.schemas import Channel, ExchangeType, QueueType, RabbitExchange, RabbitQueue
from anystream.rabbit.security import RabbitExternalAuth

if TYPE_CHECKING:
    from anystream.core.testing import TestApp
    from anystream.rabbit.annotations import RabbitMessage
    from anystream.rabbit.parsers import RabbitParserType
    from anystream.rabbit.testing import TestRabbitBroker

__all__ = (
    "Channel",
    "ExchangeType",
    "QueueType",
    "RabbitBroker",
    "RabbitExchange",
    "RabbitExternalAuth",
    "RabbitMessage",
    "RabbitParserType",
    "RabbitPublishCommand",
    "RabbitPublisher",
    "RabbitQueue",
    "RabbitResponse",
    "RabbitRoute",
    "RabbitRouter",
    "TestApp",
    "TestRabbitBroker",
)

del _IncomingMessage  # it was asked for only to say what is missing

__getattr__ = lazy_names(
    __name__,
    {
        "RabbitMessage": "anystream.rabbit.annotations",
        "RabbitParserType": "anystream.rabbit.parsers",
        "TestApp": "anystream.core.testing",
        "TestRabbitBroker": "anystream.rabbit.testing",
    },
)
