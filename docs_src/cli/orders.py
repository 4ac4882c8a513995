from anystream.core import FastStream
from anystream.memory import MemoryBroker

broker = MemoryBroker()
app = FastStream(broker)
seen: list[tuple[str, int | None]] = []


@app.on_startup
async def configure(env: str = "dev", worker_id: int | None = None) -> None:
    seen.append((env, worker_id))  # `--env prod`; the number of the process


@broker.subscriber("orders")
async def order(body: dict[str, str]) -> str:
    return f"thanks for {body['item']}"
