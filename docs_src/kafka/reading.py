from anystream.kafka import KafkaBroker

broker = KafkaBroker("localhost:9092")
inbox = broker.subscriber("docs.inbox", group_id="docs-inbox", auto_offset_reset="earliest")


async def main() -> list[object]:
    found: list[object] = []
    await broker.start()
    try:
        await broker.publish("hello", "docs.inbox")
        message = await inbox.get_one(timeout=10.0)
        if message is not None:
            found.append(await message.decode())
            await message.ack()  # committed at once
    finally:
        await broker.stop()
    return found
