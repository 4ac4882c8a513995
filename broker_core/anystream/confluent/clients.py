"""What the clients of one broker share: configuration, reports, topics."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import Any

from confluent_kafka import KafkaError, KafkaException

from anystream.confluent.client_config import ClientConfig
from anystream.confluent.config import ConfluentConfig
from anystream.confluent.errors import option_error
from anystream.confluent.reports import ClientLogger, ClientReports
from anystream.confluent.topics import Topics

POLLING_INTERVAL = 0.1


class KafkaClients:
    """Makes clients.

    Args:
        config: their configuration.
        reports: where their errors and lines go.
        may_make_topics: topics that are missing are made.
    """

    def __init__(
        self, config: ClientConfig, reports: ClientReports, *, may_make_topics: bool
    ) -> None:
        self.config = config
        self.reports = reports
        self.topics = Topics(self, may_make=may_make_topics)

    def make(
        self,
        kind: Callable[..., Any],
        config: dict[str, Any],
        name: str,
        on_error: Callable[[KafkaError], None] | None = None,
    ) -> Any:
        """Makes a client.

        Args:
            kind: its class.
            config: librdkafka's keys.
            name: how reports call it.
            on_error: hears of errors, in the client's thread.

        Raises:
            OptionError: librdkafka refuses a key or a value.
        """
        users = config.get("error_cb")

        def error_cb(error: KafkaError) -> None:
            self.reports.on_error(name, error)
            if on_error is not None:
                on_error(error)
            if users is not None:
                users(error)

        config = {**config, "error_cb": error_cb, "logger": ClientLogger(self.reports)}
        try:
            return kind(config)
        except KafkaException as error:
            wrong = option_error(error, ConfluentConfig.__optional_keys__)
            if wrong is None:
                raise
            raise wrong from error

    def polling_interval(self, subscriber: Any) -> float:
        """Seconds of one look for messages."""
        return float(subscriber.source.native.get("polling_interval", POLLING_INTERVAL))

    def attach(self) -> None:
        """Lines are written in this event loop from now on."""
        self.reports.attach(asyncio.get_running_loop())

    def say(self, level: int, text: str) -> None:
        """Writes a line."""
        self.reports.say(level, text)

    def warn(self, text: str) -> None:
        """Writes a warning."""
        self.reports.say(logging.WARNING, text)
