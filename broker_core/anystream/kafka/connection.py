"""The connection to Kafka: the producer, ping, topics that have to exist."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from aiokafka import AIOKafkaProducer
from aiokafka import errors as native
from aiokafka.conn import CloseReason
from aiokafka.protocol.metadata import MetadataRequest

from anystream.core.exceptions import IncorrectState
from anystream.core.round_trips import RoundTrips
from anystream.kafka.ending import end_producer, start
from anystream.kafka.errors import KafkaConnectionFailed
from anystream.kafka.options import CONSUMER, EVERYWHERE

Say = Callable[[int, str], None]

SILENT_TOO_LONG = 3.0  # seconds without an answer to a ping, whatever its own timeout
CONNECT_HINT = "the address, the credentials and the TLS settings of KafkaBroker"

_UNKNOWN_TOPIC = 3


class KafkaConnection:
    """What consumers and the producer of one broker have in common.

    Args:
        servers: addresses.
        options: options of the client's connections.
        security: those that follow from the security object.
        consumer_only: make no producer.
        say: writes a log line with a level.
    """

    def __init__(
        self,
        servers: Sequence[str],
        options: Mapping[str, Any],
        security: Mapping[str, Any],
        *,
        consumer_only: bool,
        say: Say,
    ) -> None:
        self.servers = list(servers)
        self.options = dict(options)
        self.security = dict(security)
        self.consumer_only = consumer_only
        self.say = say
        self.producer: AIOKafkaProducer | None = None
        self.open = False
        self.trips = RoundTrips(lambda: self.producer is not None, self._round_trip)
        self._known: set[str] = set()

    @property
    def address(self) -> str:
        """The servers, for people."""
        return ", ".join(self.servers)

    def common_options(self, *more: str) -> dict[str, Any]:
        """The client's options for any of its objects, and further ones by name."""
        chosen = {name: self.options[name] for name in (*EVERYWHERE, *more) if name in self.options}
        return {"bootstrap_servers": self.servers, **chosen, **self.security}

    def consumer_options(self) -> dict[str, Any]:
        """The client's options for consumers, as far as the broker has them."""
        return self.common_options(*CONSUMER)

    async def connect(self) -> None:
        """Makes the producer, unless this broker only consumes.

        Raises:
            KafkaConnectionFailed: no server can be reached, or one refuses.
        """
        self._known.clear()
        if not self.consumer_only:
            own = {name: value for name, value in self.options.items() if name not in CONSUMER}
            made = AIOKafkaProducer(**{**own, **self.common_options()})
            with ErrorsHeard() as heard:
                try:
                    await start(made)
                except BaseException as error:
                    await end_producer(made)
                    if not isinstance(error, Exception):
                        raise
                    raise self.failure(error, heard.text) from error
            self.producer = made
        self.open = True

    def failure(self, error: BaseException, reason: str = "") -> KafkaConnectionFailed:
        """Our error for what the client raised while it connected."""
        what = reason or str(error) or type(error).__name__
        return KafkaConnectionFailed(
            f"cannot connect to Kafka at {self.address}: {what}. Check that a server runs there, "
            f"and {CONNECT_HINT}"
        )

    def needed_producer(self) -> AIOKafkaProducer:
        """The producer.

        Raises:
            IncorrectState: there is none.
        """
        if self.producer is None:
            why = "it has consumer_only=True" if self.consumer_only else "it is not connected"
            raise IncorrectState(f"nothing can be published to Kafka at {self.address}: {why}")
        return self.producer

    async def metadata(self, topics: Sequence[str]) -> Any:
        """Asks any server for these topics; never makes one.

        Raises:
            KafkaError: none answers.
        """
        return await ask_for_topics(self.needed_producer().client, topics)

    async def missing(self, topics: Iterable[str]) -> list[str]:
        """Those of some topics that do not exist; what was seen once is not asked for again."""
        unknown = sorted(set(topics) - self._known)
        if not unknown:
            return []
        found = await self.metadata(unknown)
        gone = [entry[1] for entry in found.topics if entry[0] == _UNKNOWN_TOPIC]
        self._known.update(set(unknown) - set(gone))
        return gone

    def knows(self, topic: str) -> bool:
        """Whether a topic was seen already."""
        return topic in self._known

    def forget(self, topic: str) -> None:
        """A topic that was there may be gone."""
        self._known.discard(topic)

    async def _round_trip(self, _: float | None) -> bool:
        try:
            await asyncio.wait_for(self.metadata([]), SILENT_TOO_LONG)
        except asyncio.TimeoutError:
            self._hang_up()
            return False
        return True

    def _hang_up(self) -> None:
        """A connection that says nothing is given up, which the client does much later: so it
        makes another one as soon as that is possible."""
        client: Any = self.producer.client if self.producer is not None else None
        for connection in list(client._conns.values()) if client is not None else ():
            connection.close(reason=CloseReason.CONNECTION_TIMEOUT)

    async def close(self) -> None:
        """Sends what is buffered and disconnects; in an outage it just ends."""
        await self.trips.end()
        producer, self.producer = self.producer, None
        self.open = False
        if producer is not None and not await end_producer(producer):
            self.say(
                logging.ERROR,
                f"Kafka at {self.address} did not take what was still to be published before the "
                "stop: what was not confirmed may be lost",
            )


async def ask_for_topics(client: Any, topics: Sequence[str]) -> Any:
    """Asks any server that a client of the client library's knows for these topics; never makes
    one.

    Raises:
        KafkaError: none answers.
    """
    nodes = [broker.nodeId for broker in client.cluster.brokers()]
    error: Exception = native.KafkaConnectionError("no server is known")
    for node in nodes:
        try:
            return await client.send(node, MetadataRequest(list(topics), False))
        except native.KafkaError as raised:
            error = raised
    raise error


class ErrorsHeard(logging.Handler):
    """Keeps what the client logs as an error: it raises without the reason."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.text = ""

    def emit(self, record: logging.LogRecord) -> None:
        self.text = record.getMessage()

    def __enter__(self) -> ErrorsHeard:
        logging.getLogger("aiokafka").addHandler(self)
        return self

    def __exit__(self, *_: object) -> None:
        logging.getLogger("aiokafka").removeHandler(self)
