from anystream.nats import JStream, NatsBroker

broker = NatsBroker("nats://localhost:4222")


async def main() -> list[str]:
    taken: list[str] = []
    await broker.connect()
    reader = broker.subscriber("docs.read", stream=JStream("DOCS_READ"), persistent=False)
    await broker.start()
    for text in ("one", "two"):
        await broker.publish(text, "docs.read", stream="DOCS_READ")
    first = await reader.get_one(timeout=2.0)  # None when nothing comes in time
    if first is not None:
        taken.append(await first.decode())
        await first.ack()
    async for message in reader:
        taken.append(await message.decode())
        await message.ack()
        break
    await broker.stop()
    return taken
