from anystream.asgi import AsgiFastStream, make_liveness_asgi, make_readiness_asgi
from anystream.memory import MemoryBroker

broker = MemoryBroker()
app = AsgiFastStream(
    broker,
    asgi_routes=[("/live", make_liveness_asgi(broker)), ("/ready", make_readiness_asgi(broker))],
)
