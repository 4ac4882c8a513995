from anystream.nats import NatsBroker
from anystream.nats.security import NatsUserPassword


async def lost() -> None:
    """Called whenever the connection breaks."""


broker = NatsBroker(
    ["nats://one:4222", "nats://two:4222"],
    security=NatsUserPassword("shop", "secret"),
    name="shop",
    connect_timeout=2,
    reconnect_time_wait=2,
    max_reconnect_attempts=-1,
    disconnected_cb=lost,
    graceful_timeout=15.0,
    js_options={"domain": "hub"},
)
