from quart import Quart, request

from anystream.asgi import make_ping_asgi
from anystream.quart import get_broker, setup
from docs_src.readme.stream import broker, stream

app = Quart(__name__)


@app.post("/orders")
async def order() -> tuple[str, int]:
    await get_broker().publish(await request.get_json(), "orders")
    return "", 202


setup(app, stream, asgi_routes=[("/health", make_ping_asgi(broker, timeout=5.0))])
