"""The settings of a channel."""

from __future__ import annotations

from dataclasses import dataclass

from anystream.core.exceptions import SetupError


@dataclass(eq=False)
class Channel:
    """One real channel; subscribers that are given the same object share it.

    A subscriber without a `Channel` has one of its own.

    Args:
        prefetch_count: how many messages a consumer may hold that are not acknowledged yet; twice
            the workers when not given. Given without `max_workers`, here or in the broker's
            `default_channel`, so many are handled at once.
        global_qos: the limit counts for all consumers of the channel together (not with quorum
            queues, and gone in newer servers).
        channel_number: the number of the channel; chosen by the client when not given.
        publisher_confirms: (as the broker's `default_channel`) publishing waits until the server
            has taken the message.
        on_return_raises: (as the broker's `default_channel`) a mandatory message that reaches no
            queue raises `MessageReturned`; else it is logged and the returned frame is the result.

    Raises:
        SetupError: a number that makes no sense, or returns without confirms.
    """

    prefetch_count: int | None = None
    global_qos: bool = False
    channel_number: int | None = None
    publisher_confirms: bool = True
    on_return_raises: bool = False

    def __post_init__(self) -> None:
        count = self.prefetch_count
        if count is not None and (not isinstance(count, int) or not 1 <= count <= 65535):
            raise SetupError(f"Channel: prefetch_count={count!r}: give a number from 1 to 65535")
        if self.on_return_raises and not self.publisher_confirms:
            raise SetupError(
                "Channel: on_return_raises needs publisher_confirms: without them nobody waits "
                "for what the server says about a message"
            )
