from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Mount, Route, WebSocketRoute
from starlette.websockets import WebSocket

from anystream.asgi import make_ping_asgi
from anystream.starlette import get_broker, setup
from docs_src.adapters.streams import Audit, make_stream


async def order(request: Request) -> Response:
    await get_broker(request).publish(request.path_params["item"], "orders")
    await get_broker(request, Audit).publish(request.path_params["item"], "audit")
    return Response(status_code=202)


async def socket(websocket: WebSocket) -> None:
    await websocket.accept()
    await get_broker(websocket).publish(await websocket.receive_text(), "orders")
    await websocket.send_text("published")
    await websocket.close()


def make_app() -> Starlette:
    route = Route("/orders/{item}", order, methods=["POST"])
    sub = Starlette(routes=[route])
    app = Starlette(routes=[route, WebSocketRoute("/socket", socket), Mount("/sub", sub)])
    stream = make_stream()
    setup(app, stream, asgi_routes=[("/health", make_ping_asgi(stream))])
    return app
