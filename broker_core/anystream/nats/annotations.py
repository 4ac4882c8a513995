"""Ready-made annotations for handlers of NATS."""

from __future__ import annotations

from typing import Annotated

from nats.aio.client import Client as _Client
from nats.js import JetStreamContext as _JetStream
from nats.js.object_store import ObjectStore as _ObjectStore

from anystream.core.annotations import ContextRepo, Logger, NoCast
from anystream.core.params import Context
from anystream.nats.broker import NatsBroker as _Broker
from anystream.nats.message import NatsKvMessage as _KvMessage
from anystream.nats.message import NatsMessage as _Message
from anystream.nats.message import NatsObjMessage as _ObjMessage

__all__ = (
    "Client",
    "ContextRepo",
    "JsClient",
    "Logger",
    "NatsBroker",
    "NatsKvMessage",
    "NatsMessage",
    "NatsObjMessage",
    "NoCast",
    "ObjectStorage",
)

NatsBroker = Annotated[_Broker, Context("broker")]
NatsMessage = Annotated[_Message, Context("message")]
NatsKvMessage = Annotated[_KvMessage, Context("message")]
NatsObjMessage = Annotated[_ObjMessage, Context("message")]
ObjectStorage = Annotated[_ObjectStore, Context("message.object_storage")]
Client = Annotated[_Client, Context("broker.connection")]
JsClient = Annotated[_JetStream, Context("broker.jetstream")]
