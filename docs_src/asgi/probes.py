from anystream.asgi import (
    HealthCheck,
    make_liveness_asgi,
    make_readiness_asgi,
    make_startup_asgi,
)
from anystream.core import FastStream
from anystream.memory import MemoryBroker

orders = MemoryBroker()
metrics = MemoryBroker()
stream = FastStream(orders, metrics)


@orders.subscriber("orders")
async def order(item: str) -> None: ...


async def database() -> None:
    """Raises, or returns False, when the database does not answer."""


watched = {"orders": orders, "metrics": metrics}

app = stream.as_asgi(
    asgi_routes=[
        ("/health/live", make_liveness_asgi(stream)),
        (
            "/health/ready",
            make_readiness_asgi(
                watched,
                timeout=2.0,
                non_critical=["metrics"],
                checks={"database": HealthCheck(database, timeout=1.0)},
            ),
        ),
        ("/health/started", make_startup_asgi(stream)),
    ]
)
