from prometheus_client import CollectorRegistry, make_asgi_app

from anystream.asgi import AsgiFastStream, AsgiResponse, get, make_ping_asgi
from anystream.memory import MemoryBroker

broker = MemoryBroker()


@get
async def liveness() -> AsgiResponse:
    return AsgiResponse(status_code=200)


app = AsgiFastStream(
    broker,
    asgi_routes=[
        ("/liveness", liveness),
        ("/readiness", make_ping_asgi(broker, timeout=5.0)),
        ("/metrics", make_asgi_app(CollectorRegistry())),
    ],
)
