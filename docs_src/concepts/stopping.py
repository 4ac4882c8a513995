import asyncio

from anystream.core import Context, FastStream
from anystream.core.annotations import FastStream as Application
from anystream.core.exceptions import StopConsume
from anystream.memory import MemoryBroker

broker = MemoryBroker(graceful_timeout=5.0)
app = FastStream(broker)


@broker.subscriber("jobs")
async def job(name: str) -> None:
    if name == "last":
        raise StopConsume  # this subscriber only


@broker.subscriber("control")
async def control(command: str, app: Application) -> None:
    if command == "exit":
        app.exit()


@app.on_startup
async def options(port: int = 8000, context: object = Context("context")) -> None:
    """Extra options of `run` reach the lifespan and these hooks, validated."""


if __name__ == "__main__":
    asyncio.run(app.run(run_extra_options={"port": "9000"}))
