"""What librdkafka says unasked: errors and log lines. Always counted, always written."""

from __future__ import annotations

import asyncio
import logging
import time
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any

from confluent_kafka import KafkaError

Say = Callable[[int, str], None]

SAME_LINE_EVERY = 5.0  # seconds; in an outage librdkafka reports with every attempt


class ClientReports:
    """Counts and writes what the clients of one broker report.

    The methods with `on_` are called in the clients' threads; what they write is written in the
    event loop.

    Args:
        say: writes a log line with a level.
    """

    def __init__(self, say: Say) -> None:
        self.say = say
        self._counts: Counter[str] = Counter()
        self._said: dict[str, float] = {}
        self._loop: asyncio.AbstractEventLoop | None = None

    @property
    def counts(self) -> Mapping[str, int]:
        """How often each error was reported, by its librdkafka name."""
        return dict(self._counts)

    def attach(self, loop: asyncio.AbstractEventLoop) -> None:
        """Where lines are written from now on."""
        self._loop = loop

    def on_error(self, who: str, error: KafkaError) -> None:
        """librdkafka's `error_cb`, and errors in place of messages.

        Args:
            who: the client, for people.
            error: what it reports.
        """
        name = error.name()
        level = logging.CRITICAL if error.fatal() else logging.ERROR
        self.count(name, level, f"{who}: {name}: {error.str()}")

    def count(self, name: str, level: int, text: str) -> None:
        """Counts an event and writes its line, the same one at most every five seconds."""
        self._counts[name] += 1
        now = time.monotonic()
        if now - self._said.get(text, -SAME_LINE_EVERY) >= SAME_LINE_EVERY:
            self._said[text] = now
            self.write(level, text)

    def write(self, level: int, text: str) -> None:
        """Writes a line in the event loop; may be called in any thread."""
        loop = self._loop
        if loop is not None:
            in_loop(loop, self.say, level, text)


class ClientLogger:
    """Stands for the logger that librdkafka writes its own lines to.

    Args:
        reports: where they go.
    """

    def __init__(self, reports: ClientReports) -> None:
        self.reports = reports

    def log(self, level: int, text: str, *args: Any, **_: Any) -> None:
        """Called by the client, in one of its threads."""
        line = text % args if args else text
        if level >= logging.WARNING:
            # the repetitions of an outage; the error itself comes to `on_error`
            self.reports.count("log", level, line)
        else:
            self.reports.write(level, line)


def in_loop(loop: asyncio.AbstractEventLoop, call: Callable[..., Any], *args: Any) -> bool:
    """Has a function called in the event loop; False when the loop is closed already."""
    try:
        loop.call_soon_threadsafe(call, *args)
    except RuntimeError:
        return False
    return True
