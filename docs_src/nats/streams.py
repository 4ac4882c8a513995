from anystream.core import AckPolicy
from anystream.nats import DeliverPolicy, JStream, NatsBroker, PullSub

broker = NatsBroker("nats://localhost:4222")
stream = JStream("DOCS_ORDERS", max_age=24 * 3600.0)  # made when the broker starts
handled: list[object] = []


@broker.subscriber("docs.orders.new", stream=stream, durable="docs-invoicing")
async def pushed(item: str) -> None:
    """The stream sends messages; the durable name keeps the position between two runs."""
    handled.append(("pushed", item))


@broker.subscriber(
    "docs.orders.new",
    stream=stream,
    durable="docs-stock",
    pull_sub=PullSub(batch_size=10),
    ack_policy=AckPolicy.NACK_ON_ERROR,
)
async def pulled(item: str) -> None:
    """Up to ten are asked for and handled in parallel; an error lets a message come again."""
    handled.append(("pulled", item))


@broker.subscriber(
    "docs.orders.new",
    stream=stream,
    pull_sub=PullSub(batch_size=100, timeout=1.0, batch=True),
    deliver_policy=DeliverPolicy.NEW,
)
async def batch(items: list[str]) -> None:
    """As many as there are after a second, a hundred at most; one acknowledgement for all."""
    handled.extend(("batch", item) for item in items)
