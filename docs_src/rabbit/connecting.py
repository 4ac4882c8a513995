from anystream.core.security import SASLPlaintext
from anystream.rabbit import RabbitBroker


async def lost(error: BaseException | None) -> None:
    """Called whenever the connection breaks."""


broker = RabbitBroker(
    "amqp://localhost:5672/shop",
    security=SASLPlaintext("shop", "secret"),
    timeout=3.0,
    reconnect_interval=5.0,
    client_properties={"connection_name": "shop"},
    on_close=lost,
    graceful_timeout=15.0,
)
