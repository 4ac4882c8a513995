"""The embedded broker: the whole API without a server."""

from typing import TYPE_CHECKING

from anystream.core.bus import Bus
from anystream.core.lazy_names import lazy_names
from anystream.memory.broker import MemoryBroker
from anystream.memory.declarations import MemoryPublisher, MemoryRoute, MemoryRouter
from anystream.memory.message import Letter

if TYPE_CHECKING:
    from anystream.memory.annotations import MemoryMessage
    from anystream.memory.testing import TestMemoryBroker

__all__ = (
    "Bus",
    "Letter",
    "MemoryBroker",
    "MemoryMessage",
    "MemoryPublisher",
    "MemoryRoute",
    "MemoryRouter",
    "TestMemoryBroker",
)

__getattr__ = lazy_names(
    __name__,
    {
        "MemoryMessage": "anystream.memory.annotations",
        "TestMemoryBroker": "anystream.memory.testing",
    },
)
