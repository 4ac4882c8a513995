from anystream.redis import RedisBroker

broker = RedisBroker("redis://localhost:6379")


async def main() -> list[str]:
    taken: list[str] = []
    await broker.connect()
    reader = broker.subscriber(list="docs:read", persistent=False)
    await broker.start()
    await broker.publish_batch("one", "two", list="docs:read")
    first = await reader.get_one(timeout=2.0)  # None when nothing comes in time
    if first is not None:
        taken.append(await first.decode())
    async for message in reader:
        taken.append(await message.decode())
        break
    await broker.stop()
    return taken
