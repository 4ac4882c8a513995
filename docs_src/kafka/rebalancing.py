from anystream.kafka import KafkaBroker, TopicPartition

broker = KafkaBroker("localhost:9092")
caches: dict[TopicPartition, list[str]] = {}


class Caches:
    async def on_partitions_assigned(self, assigned: set[TopicPartition]) -> None:
        for partition in assigned:
            caches[partition] = []

    async def on_partitions_revoked(self, revoked: set[TopicPartition]) -> None:
        for partition in revoked:  # their handlers have ended, their offsets are committed
            caches.pop(partition, None)

    async def on_partitions_lost(self, lost: set[TopicPartition]) -> None:
        caches.clear()  # somebody else reads them already


@broker.subscriber("docs.clicks", group_id="docs-clicks", listener=Caches())
async def click(page: str) -> None: ...
