from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI

from anystream.asgi import make_asyncapi_asgi, make_ping_asgi
from anystream.memory import MemoryBroker
from anystream.specification import AsyncAPI

broker = MemoryBroker()


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    async with broker:
        await broker.start()
        yield


app = FastAPI(lifespan=lifespan)
app.mount("/health", make_ping_asgi(broker, timeout=5.0))
app.mount("/asyncapi", make_asyncapi_asgi(AsyncAPI(broker)))
