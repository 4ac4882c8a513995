from anystream.asgi import AsgiFastStream, AsgiResponse, get, get_broker, setup
from anystream.core import Context, FastStream
from anystream.memory import MemoryBroker

broker = MemoryBroker()
stream = FastStream(broker)


@get
async def publish(app: AsgiFastStream = Context()) -> AsgiResponse:
    await get_broker(app, MemoryBroker).publish("hello", "greetings")
    return AsgiResponse(status_code=202)


app = AsgiFastStream(asgi_routes=[("/publish", publish)])
setup(app, stream)
