"""NATS: core subjects and JetStream."""

from typing import TYPE_CHECKING

try:
    from nats.js.api import (
        AckPolicy,
        ConsumerConfig,
        DeliverPolicy,
        DiscardPolicy,
        ExternalStream,
        Placement,
        PubAck,
        ReplayPolicy,
        RePublish,
        RetentionPolicy,
        StorageType,
        StreamConfig,
        StreamSource,
    )
except ModuleNotFoundError as error:
    if (error.name or "").partition(".")[0] != "nats":
        raise
    raise ImportError(
        'anystream.nats needs the client library nats-py: pip install "anystream[nats]"'
    ) from error

from anystream.core.lazy_names import lazy_names
from anystream.nats.broker import NatsBroker
from anystream.nats.declarations import NatsPublisher, NatsRoute, NatsRouter
from anystream.nats.message import NatsParserType
from anystream.nats.response import NatsPublishCommand, NatsResponse
from anystream.nats.schemas import JStream, KvWatch, ObjWatch, PullSub, Schedule
from anystream.nats.security import (
    NatsCredentials,
    NatsJWT,
    NatsNKey,
    NatsSecurity,
    NatsToken,
    NatsUserPassword,
)

if TYPE_CHECKING:
    from anystream.core.testing import TestApp
    from anystream.nats.annotations import NatsMessage
    from anystream.nats.testing import TestNatsBroker

__all__ = (
    "AckPolicy",
    "ConsumerConfig",
    "DeliverPolicy",
    "DiscardPolicy",
    "ExternalStream",
    "JStream",
    "KvWatch",
    "NatsBroker",
    "NatsCredentials",
    "NatsJWT",
    "NatsMessage",
    "NatsNKey",
    "NatsParserType",
    "NatsPublishCommand",
    "NatsPublisher",
    "NatsResponse",
    "NatsRoute",
    "NatsRouter",
    "NatsSecurity",
    "NatsToken",
    "NatsUserPassword",
    "ObjWatch",
    "Placement",
    "PubAck",
    "PullSub",
    "RePublish",
    "ReplayPolicy",
    "RetentionPolicy",
    "Schedule",
    "StorageType",
    "StreamConfig",
    "StreamSource",
    "TestApp",
    "TestNatsBroker",
)

__getattr__ = lazy_names(
    __name__,
    {
        "NatsMessage": "anystream.nats.annotations",
        "TestNatsBroker": "anystream.nats.testing",
        "TestApp": "anystream.core.testing",
    },
)
