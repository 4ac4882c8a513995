"""What every adapter holds."""

from __future__ import annotations

import logging
import logging.handlers
import queue
import time

import pytest

from anystream.asgi.hosting import Hosted
from anystream.core.exceptions import NotStarted, SetupError
from tests.recording_broker import BrokerDown, OtherBroker, RecordingBroker, RecordingStream


async def test_require_by_type() -> None:
    """The first broker, or the first of a type; a type that is not there is named."""
    one, two = RecordingBroker("one"), OtherBroker("two")
    hosted = Hosted(RecordingStream(one, two), host="test")
    assert hosted.broker is one
    await hosted.start()
    assert hosted.require() is one
    assert hosted.require(OtherBroker) is two
    with pytest.raises(SetupError, match="no dict in this application, just: RecordingBroker, O"):
        hosted.require(dict)
    await hosted.stop()


async def test_not_started_and_stopped() -> None:
    """Before the start and after the stop the broker is refused, each with its reason."""
    hosted = Hosted(RecordingBroker(), host="test")
    with pytest.raises(NotStarted, match="never started"):
        hosted.require()
    await hosted.start()
    await hosted.stop()
    with pytest.raises(NotStarted, match="were stopped"):
        hosted.require()


async def test_failed_start_is_not_running() -> None:
    """After a failed start the broker is refused, as if there had been none."""
    hosted = Hosted(RecordingBroker(fail={"start": BrokerDown()}), host="test")
    with pytest.raises(BrokerDown):
        await hosted.start()
    assert not hosted.running
    with pytest.raises(NotStarted):
        hosted.require()


async def test_brokers_may_be_added_after_setup() -> None:
    """The brokers are those of the application when it starts."""
    stream = RecordingStream(journal=[])
    hosted = Hosted(stream, host="test")
    assert hosted.broker is None
    stream.brokers.append(RecordingBroker(journal=stream.journal))
    await hosted.start()
    await hosted.stop()
    assert "broker.start" in stream.journal


def test_own_endpoints_are_attached_to_the_stream() -> None:
    """An endpoint that can take its arguments from the stream is asked to."""

    class Endpoint:
        exact = True

        def __init__(self, stream: object = None) -> None:
            self.stream = stream

        def attached_to(self, stream: object) -> Endpoint:
            return Endpoint(stream)

        async def __call__(self, scope: object, receive: object, send: object) -> None: ...

    broker = RecordingBroker()
    hosted = Hosted(broker, host="test", asgi_routes=[("/here", Endpoint())])
    (route,) = hosted.routes
    assert isinstance(route.app, Endpoint)
    assert route.app.stream is broker


async def test_log_of_the_stop_is_written_before_it_returns() -> None:
    """Where logging goes through a queue and a thread, its last lines are not lost."""
    written: list[str] = []

    class Slow(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            time.sleep(0.1)
            written.append(record.getMessage())

    records: queue.Queue[logging.LogRecord] = queue.Queue()
    handler = logging.handlers.QueueHandler(records)
    listener = logging.handlers.QueueListener(records, Slow())
    logging.getLogger().addHandler(handler)
    listener.start()
    try:
        hosted = Hosted(RecordingBroker(fail={"stop": RuntimeError()}), host="test")
        await hosted.start()
        await hosted.stop()
        assert len(written) == 1
        assert "RecordingBroker failed to stop" in written[0]
    finally:
        listener.stop()
        logging.getLogger().removeHandler(handler)
