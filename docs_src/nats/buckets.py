from anystream.core import Path
from anystream.nats import KvWatch, NatsBroker, ObjWatch
from anystream.nats.annotations import NatsBroker as Broker
from anystream.nats.annotations import NatsKvMessage, ObjectStorage

broker = NatsBroker("nats://localhost:4222")
handled: list[object] = []


@broker.subscriber("price.{item}", kv_watch=KvWatch("DOCS_PRICES", ignore_deletes=True))
async def price(value: float, message: NatsKvMessage, item: str = Path()) -> None:
    """First the present value of each key that fits, then every change."""
    handled.append((item, value, message.raw_message.revision))


@broker.subscriber("DOCS_FILES", obj_watch=ObjWatch(ignore_deletes=True))
async def uploaded(name: str, files: ObjectStorage) -> None:
    """The body is the object's name; the bucket is there to read it."""
    found = await files.get(name)
    handled.append((name, len(found.data or b"")))


@broker.subscriber("docs.prices")
async def set_price(item: str, value: float, nats: Broker) -> float:
    """The buckets themselves are the client library's objects."""
    bucket = await nats.key_value("DOCS_PRICES")
    await bucket.put(f"price.{item}", str(value).encode())
    entry = await bucket.get(f"price.{item}")
    return float(entry.value or b"0")


async def upload() -> None:
    files = await broker.object_storage("DOCS_FILES")
    await files.put("menu.txt", b"tea 4.50")
