import msgspec
from fast_depends.msgspec import MsgSpecSerializer

from anystream.memory import MemoryBroker


class Point(msgspec.Struct):
    x: int
    y: int


structs = MemoryBroker(serializer=MsgSpecSerializer())
unchecked = MemoryBroker(serializer=None)
bare = MemoryBroker(apply_types=False)


@structs.subscriber("points")
async def struct(point: Point) -> int:
    return point.x + point.y


@unchecked.subscriber("points")
async def as_decoded(point: Point) -> str:
    """No validation: `point` is a dict, whatever the annotation says."""
    return type(point).__name__


@bare.subscriber("points")
async def no_injection(x: int, y: int) -> list[str]:
    """The body is still unpacked; nothing is validated, no marker is resolved."""
    return [type(x).__name__, type(y).__name__]
