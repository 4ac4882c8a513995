"""The embedded broker."""

from __future__ import annotations

from typing_extensions import Unpack

from anystream.core.broker import Broker, BrokerOptions, BrokerSpecification
from anystream.core.bus import Bus
from anystream.core.options import check_options
from anystream.memory.declarations import MemoryDeclarations, MemoryPublishing
from anystream.memory.transport import MemoryTransport


class MemoryBroker(MemoryPublishing, MemoryDeclarations, Broker):
    """A broker inside the process: subjects with wildcards, queue groups, request/reply,
    redelivery on nack. No server, no thread; what is in it ends with the process.

    Args:
        bus: the subscriptions. Each broker has its own unless two are given the same one.
        **options: see `BrokerOptions`.
    """

    kind = "memory"

    def __init__(self, bus: Bus | None = None, **options: Unpack[BrokerOptions]) -> None:
        check_options("MemoryBroker", options, BrokerOptions)
        super().__init__(
            MemoryTransport(bus or Bus()),
            BrokerSpecification.of(options, url="memory://localhost", protocol="memory"),
            options,
        )
