from anystream.rabbit import RabbitBroker

broker = RabbitBroker("amqp://guest:guest@localhost:5672/")
inbox = broker.subscriber("docs.inbox")


async def main() -> list[str]:
    await broker.start()
    await broker.publish_batch("a", "b", "c", queue="docs.inbox")
    first = await inbox.get_one(timeout=5.0)
    found = [await first.decode()] if first else []
    async for message in inbox:
        found.append(await message.decode())
        await message.ack()
        if len(found) == 3:
            break
    return found
