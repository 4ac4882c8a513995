from litestar import Litestar, post
from litestar.di import NamedDependency
from litestar.params import JSONBody

from anystream.asgi import make_ping_asgi
from anystream.litestar import AnystreamPlugin
from anystream.nats import NatsBroker
from docs_src.readme.stream import Order, broker, stream


@post("/orders", status_code=202)
async def order(data: JSONBody[Order], anystream: NamedDependency[NatsBroker]) -> None:
    await anystream.publish(data, "orders")


health = ("/health", make_ping_asgi(broker, timeout=5.0))
app = Litestar([order], plugins=[AnystreamPlugin(stream, asgi_routes=[health])])
