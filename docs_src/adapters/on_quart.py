from quart import Blueprint, Quart, current_app, websocket

from anystream.asgi import make_ping_asgi
from anystream.quart import Anystream, get_broker
from docs_src.adapters.streams import Audit, make_stream

blueprint = Blueprint("audit", __name__, url_prefix="/audit")


@blueprint.post("/<item>")
async def audit(item: str) -> tuple[str, int]:
    await get_broker(kind=Audit).publish(item, "audit")
    return "", 202


async def order(item: str) -> tuple[str, int]:
    await current_app.extensions["anystream"].broker.publish(item, "orders")
    return "", 202


async def socket() -> None:
    await get_broker().publish(await websocket.receive(), "orders")
    await websocket.send("published")


def make_app() -> Quart:
    app = Quart(__name__)
    app.register_blueprint(blueprint)
    app.post("/orders/<item>")(order)
    app.websocket("/socket")(socket)
    stream = make_stream()
    Anystream(stream, asgi_routes=[("/health", make_ping_asgi(stream))]).init_app(app)
    return app
