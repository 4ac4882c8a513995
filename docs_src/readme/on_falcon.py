import falcon.asgi

from anystream.asgi import make_ping_asgi
from anystream.falcon import get_broker, setup
from docs_src.readme.stream import broker, stream


class Orders:
    async def on_post(self, req: falcon.asgi.Request, resp: falcon.asgi.Response) -> None:
        await get_broker(req).publish(await req.get_media(), "orders")
        resp.status = 202


app = falcon.asgi.App()
app.add_route("/orders", Orders())
setup(app, stream, asgi_routes=[("/health", make_ping_asgi(broker, timeout=5.0))])
