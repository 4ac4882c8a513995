"""Offsets of one consumer on their way to the server; all in the consumer's thread."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from confluent_kafka import OFFSET_BEGINNING, KafkaError, KafkaException, TopicPartition

from anystream.confluent.reports import ClientReports
from anystream.kafka_common.offsets import Key, OffsetBook, PartitionProgress

ASK_SECONDS = 5.0


class Commits:
    """Commits what was handled: now, or in the background.

    It reads numbers that the event loop writes, nothing else.

    Args:
        book: what was handled.
        interval: seconds between commits in the background; None for none.
        reports: where failures are counted and written.
        owner: the subscriber, for messages.
    """

    def __init__(
        self, book: OffsetBook, interval: float | None, reports: ClientReports, owner: str
    ) -> None:
        self.book = book
        self.interval = interval
        self.reports = reports
        self.owner = owner
        self.deleted: set[str] = set()  # topics whose offsets mean nothing any more
        self._next = 0.0

    def in_background(self, consumer: Any) -> None:
        """Commits when it is time to, and does not wait for the server."""
        now = time.monotonic()
        if self.interval is not None and now >= self._next:
            self._next = now + self.interval
            self._commit(consumer, None, wait=False)

    def at_last(self, consumer: Any, keys: set[Key] | None = None) -> None:
        """Commits and waits for the server, before partitions or the consumer are given up."""
        if self.interval is not None:
            self._commit(consumer, keys, wait=True)

    def _commit(self, consumer: Any, keys: set[Key] | None, *, wait: bool) -> None:
        found: dict[PartitionProgress, int] = {}
        for each in list(self.book.partitions.values()):
            offset = each.to_commit
            if offset is None or each.topic in self.deleted:
                continue
            if keys is None or each.key in keys:
                found[each] = offset
        if not found:
            return
        for each, offset in found.items():
            each.committed = offset
        offsets = {each.key: offset for each, offset in found.items()}
        try:
            if wait:
                commit(consumer, offsets)
            else:
                consumer.commit(offsets=places(offsets), asynchronous=True)
        except KafkaException as error:
            self._failed(offsets, str(error))

    def on_commit(self, error: KafkaError | None, partitions: Sequence[Any]) -> None:
        """librdkafka's callback: how a commit has ended."""
        bad = [each for each in partitions if error is not None or each.error is not None]
        if bad:
            reason = error or bad[0].error
            self._failed([(each.topic, each.partition) for each in bad], str(reason))

    def _failed(self, keys: Iterable[Key], reason: str) -> None:
        for key in keys:
            progress = self.book.partitions.get(key)
            if progress is not None:
                progress.committed = None  # so that it is tried again
        self.reports.count(
            "commit",
            logging.WARNING,
            f"{self.owner}: offsets were not committed, messages after the last commit may come "
            f"again: {reason}",
        )

    def begin_again(self, consumer: Any, keys: set[Key]) -> list[TopicPartition]:
        """Where to begin with partitions of topics that were deleted and are there again: where
        the server says, else at their beginning, since all that is in them is new."""
        self.deleted -= {topic for topic, _ in keys}
        try:
            known = consumer.committed(
                [TopicPartition(*key) for key in sorted(keys)], timeout=ASK_SECONDS
            )
        except KafkaException:
            known = [TopicPartition(*key) for key in sorted(keys)]
        for each in known:
            if each.offset < 0:
                each.offset = OFFSET_BEGINNING
        return list(known)


def places(offsets: Mapping[Key, int]) -> list[TopicPartition]:
    """The client's objects."""
    return [TopicPartition(*key, offset) for key, offset in offsets.items()]


def commit(consumer: Any, offsets: Mapping[Key, int]) -> None:
    """Commits and waits for the server.

    Raises:
        KafkaException: it did not take one of them.
    """
    for each in consumer.commit(offsets=places(offsets), asynchronous=False) or ():
        if each.error is not None:
            raise KafkaException(each.error)


def seek(consumer: Any, offsets: Mapping[Key, int]) -> None:
    """Reads partitions on from other offsets, as far as they are still this consumer's."""
    for place in places(offsets):
        try:
            consumer.seek(place)
        except KafkaException:
            continue  # who has it reads from the last commit on
