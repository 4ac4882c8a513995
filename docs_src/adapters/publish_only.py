from aiohttp import web

from anystream.aiohttp import get_broker, setup
from anystream.memory import Bus, MemoryBroker

bus = Bus()
broker = MemoryBroker(bus)
handled: list[str] = []


@broker.subscriber("orders")
async def order(item: str) -> None:
    """Another process runs this one."""
    handled.append(item)


async def create(request: web.Request) -> web.Response:
    await get_broker(request).publish(await request.text(), "orders")
    return web.Response(status=202)


app = web.Application()
app.router.add_post("/orders", create)
setup(app, broker, consume=False, start_timeout=10.0)
