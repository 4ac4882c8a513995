"""The connection: the producer, whether the server answers, transactions."""

from __future__ import annotations

import asyncio
import threading
import time
from typing import Any

from confluent_kafka import KafkaError, KafkaException, Producer

from anystream.confluent.blocking import in_thread
from anystream.confluent.clients import KafkaClients
from anystream.confluent.errors import inner, is_refused
from anystream.confluent.producing import Producing
from anystream.core.exceptions import BrokerConnectionError
from anystream.core.round_trips import RoundTrips

CONNECT_SECONDS = 10.0
LOOK_SECONDS = 0.5  # one attempt to reach the server


class KafkaConnection:
    """A producer, and what is known of the server.

    Args:
        clients: what all clients of the broker share.
    """

    def __init__(self, clients: KafkaClients) -> None:
        self.clients = clients
        self.producing = Producing(clients.reports)
        self.trips = RoundTrips(lambda: self.producer is not None, self._ask)
        self._refused: KafkaError | None = None
        self._told: KafkaError | None = None  # the last reason for which a server was not reached
        self._down = False

    @property
    def producer(self) -> Any:
        """The client's producer, None while not connected."""
        return self.producing.producer

    async def connect(self) -> Any:
        """Makes the producer and waits for the server's first answer.

        Raises:
            OptionError: librdkafka refuses a key or a value.
            BrokerConnectionError: no server can be reached, or one refuses.
        """
        self.clients.attach()
        self._refused, self._told, self._down = None, None, False
        given_up = threading.Event()
        try:
            producer = await in_thread(self._connect, given_up)
        except asyncio.CancelledError:
            given_up.set()
            raise
        self.producing.start(producer)
        self.trips.answered()
        return producer

    def _connect(self, given_up: threading.Event) -> Any:
        # in a thread
        config = self.clients.config.producer()
        producer = self.clients.make(Producer, config, "the producer", self._on_error)
        deadline = time.monotonic() + CONNECT_SECONDS
        attempts = 0
        while True:
            attempts += 1
            try:
                producer.list_topics(timeout=LOOK_SECONDS)
                self._told = None
                break
            except KafkaException as error:
                producer.poll(0)  # what happened is told there
                hopeless = self._refused is not None or (self._down and attempts > 1)
                if hopeless or given_up.is_set() or time.monotonic() > deadline:
                    raise self._failure(error) from error
        if config.get("transactional.id"):
            try:
                producer.init_transactions(CONNECT_SECONDS)
            except KafkaException as error:
                raise self._failure(error) from error
        return producer

    def _failure(self, error: KafkaException) -> BrokerConnectionError:
        cause = self._refused or self._told or inner(error)
        return BrokerConnectionError(
            f"cannot connect to Kafka at {self.clients.config.servers}: {cause.str()}. Check that "
            "a server runs there, and the address, the credentials and the TLS settings of "
            "KafkaBroker"
        )

    def _on_error(self, error: KafkaError) -> None:
        # in a thread of the client's
        self.trips.forget()
        if error.code() == KafkaError._ALL_BROKERS_DOWN:
            self._down = True
        else:
            self._told = error
        if is_refused(error):
            self._refused = error

    async def _ask(self, timeout: float | None) -> bool:
        producer = self.producer
        if producer is None:
            return False
        seconds = CONNECT_SECONDS if timeout is None else timeout
        # no topic of this name is asked for: only who the servers are
        await in_thread(lambda: producer.list_topics(timeout=max(0.01, seconds)))
        self._down = False
        return True

    async def close(self) -> None:
        """Sends what is buffered and disconnects; in an outage it gives up."""
        await self.trips.end()
        await self.producing.close()
        self.clients.topics.forget()
