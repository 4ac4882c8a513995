from blacksheep import Application, Request, Response, accepted

from anystream.asgi import make_ping_asgi
from anystream.blacksheep import use_anystream
from anystream.nats import NatsBroker
from docs_src.readme.stream import broker, stream

app = Application()
use_anystream(app, stream, asgi_routes=[("/health", make_ping_asgi(broker, timeout=5.0))])


@app.router.post("/orders")
async def order(request: Request, broker: NatsBroker) -> Response:
    await broker.publish(await request.json(), "orders")
    return accepted()
