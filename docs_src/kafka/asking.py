from anystream.kafka import KafkaBroker

broker = KafkaBroker("localhost:9092", reply_topic="docs.answers")


@broker.subscriber("docs.questions", group_id="docs-answering", auto_offset_reset="earliest")
async def double(number: int) -> int:
    return number * 2


async def main() -> int:
    await broker.start()
    try:
        answer = await broker.request(21, "docs.questions", timeout=10.0)
        return int(await answer.decode())
    finally:
        await broker.stop()
