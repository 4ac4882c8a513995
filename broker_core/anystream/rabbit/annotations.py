"""Ready-made annotations for handlers of RabbitMQ."""

from __future__ import annotations

from typing import Annotated

from aio_pika import RobustChannel as _Channel
from aio_pika import RobustConnection as _Connection

from anystream.core.annotations import ContextRepo, Logger, NoCast
from anystream.core.params import Context
from anystream.rabbit.broker import RabbitBroker as _Broker
from anystream.rabbit.message import RabbitMessage as _Message
from anystream.rabbit.sender import RabbitSender as _Sender

__all__ = (
    "Channel",
    "Connection",
    "ContextRepo",
    "Logger",
    "NoCast",
    "RabbitBroker",
    "RabbitMessage",
    "RabbitProducer",
)

RabbitBroker = Annotated[_Broker, Context("broker")]
RabbitMessage = Annotated[_Message, Context("message")]
RabbitProducer = Annotated[_Sender, Context("broker.producer")]
Channel = Annotated[_Channel, Context("broker.channel")]
Connection = Annotated[_Connection, Context("broker.connection")]
