"""What happens when a group divides its partitions anew; runs in the consumer's thread."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from confluent_kafka import OFFSET_END, KafkaException, TopicPartition

from anystream.confluent.reports import in_loop
from anystream.kafka_common.offsets import Key

if TYPE_CHECKING:
    from anystream.confluent.intake import Intake

ASK_SECONDS = 5.0


class Rebalancing:
    """librdkafka's rebalance callbacks for one consumer.

    Args:
        intake: whose partitions they are.
        callbacks: the user's own `on_assign`, `on_revoke`, `on_lost`.
        incremental: partitions come and go one by one (cooperative protocols).
        from_end: a group without an offset begins at the end.
    """

    def __init__(
        self,
        intake: Intake,
        callbacks: dict[str, Callable[..., Any]],
        *,
        incremental: bool,
        from_end: bool,
    ) -> None:
        self.intake = intake
        self.callbacks = callbacks
        self.incremental = incremental
        self.from_end = from_end

    def on_assign(self, consumer: Any, partitions: Sequence[Any]) -> None:
        """Partitions have come."""
        thread = self.intake.thread
        keys = keys_of(partitions)
        begin = list(self.begin(consumer, partitions) if self.from_end else partitions)
        deleted = {key for key in keys if key[0] in self.intake.commits.deleted}
        if deleted:
            begin = [each for each in begin if (each.topic, each.partition) not in deleted]
            begin += self.intake.commits.begin_again(consumer, deleted)
        thread.gone -= keys
        thread.partitions_came()
        (consumer.incremental_assign if self.incremental else consumer.assign)(begin)
        self._user("on_assign", consumer, partitions)
        in_loop(thread.loop, self.intake.assigned, keys)

    def begin(self, consumer: Any, partitions: Sequence[Any]) -> Sequence[Any]:
        """Where to begin: where the group was; if it is new, at the end as it is now.

        Left to the client, "the end" would be that of some moments later, and after a crash before
        the first commit again another one: what came meanwhile would be skipped.
        """
        if not partitions:
            return partitions
        try:
            known = consumer.committed(list(partitions), timeout=ASK_SECONDS)
            new = [each for each in known if each.offset < 0]
            ends = (
                consumer.offsets_for_times(
                    [TopicPartition(each.topic, each.partition, OFFSET_END) for each in new],
                    timeout=ASK_SECONDS,
                )
                if new
                else []
            )
            ends = [each for each in ends if each.error is None and each.offset >= 0]
            if ends and self.intake.plan.by_client is False:
                consumer.commit(offsets=ends, asynchronous=False)
        except KafkaException as error:
            self.intake.say(logging.WARNING, f"the offsets to begin at are not known: {error}")
            return partitions
        found = {(each.topic, each.partition): each for each in (*known, *ends)}
        return list(found.values())

    def on_revoke(self, consumer: Any, partitions: Sequence[Any]) -> None:
        """Partitions go to another member: what is in hand is finished and committed first."""
        intake, keys = self.intake, keys_of(partitions)
        intake.thread.gone |= keys
        if not intake.closing:
            finished = threading.Event()
            if in_loop(intake.thread.loop, intake.finish, keys, finished):
                intake.thread.serve_until(consumer, finished, intake.drain_seconds)
            intake.commits.at_last(consumer, keys)
        self._user("on_revoke", consumer, partitions)
        in_loop(intake.thread.loop, intake.left, keys)

    def on_lost(self, consumer: Any, partitions: Sequence[Any]) -> None:
        """Partitions belong to another member already: nothing can be committed any more."""
        intake, keys = self.intake, keys_of(partitions)
        intake.thread.gone |= keys
        intake.say(
            logging.WARNING,
            f"lost {len(keys)} partition(s): the group took this member for dead. Their messages "
            "may come again; see max_poll_interval_ms and session_timeout_ms",
        )
        name = "on_lost" if "on_lost" in self.callbacks else "on_revoke"
        self._user(name, consumer, partitions)
        in_loop(intake.thread.loop, intake.left, keys)

    def _user(self, name: str, consumer: Any, partitions: Sequence[Any]) -> None:
        callback = self.callbacks.get(name)
        if callback is None:
            return
        try:
            callback(consumer, partitions)
        except Exception as error:  # it must not end the consumer
            self.intake.reports.count(
                "callback", logging.ERROR, f"{self.intake.subscriber!r}: {name} failed: {error!r}"
            )


def keys_of(partitions: Sequence[Any]) -> set[Key]:
    """Topic and partition of each."""
    return {(each.topic, each.partition) for each in partitions}
