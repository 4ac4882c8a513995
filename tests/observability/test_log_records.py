"""What the records of a broker's own logger say of the message in hand."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator
from importlib import import_module
from typing import Any
from uuid import uuid4

import pytest

from anystream.core import Logger
from tests.broker_probes import TARGETS
from tests.observability.native import ALL, Native


class Kept(logging.Handler):
    """A user's own handler."""

    def __init__(self) -> None:
        super().__init__()
        self.records: list[logging.LogRecord] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.records.append(record)

    def one(self, text: str) -> dict[str, Any]:
        (found,) = [each for each in self.records if each.getMessage() == text]
        return found.__dict__


@pytest.fixture
def kept() -> Iterator[Kept]:
    """Hears all brokers' loggers, as long as the test runs."""
    handler = Kept()
    loggers = [logging.getLogger(f"anystream.access.{param.values[0].name}") for param in ALL]
    for logger in loggers:
        logger.addHandler(handler)
    yield handler
    for logger in loggers:
        logger.removeHandler(handler)


@pytest.mark.parametrize("native", ALL)
async def test_what_a_handler_writes_has_the_fields_of_its_message(
    native: Native, kept: Kept
) -> None:
    """Address and shortened id, as in the lines of the broker; what a call gives counts more."""
    kind = getattr(import_module(f"anystream.{native.name}"), f"{native.words}Broker")
    broker = kind(*([TARGETS[native.server].url] if native.server else []))
    address, done = f"logged-{uuid4().hex[:8]}", asyncio.Event()

    @broker.subscriber(address, **native.options)
    async def handle(body: str, logger: Logger) -> None:
        logger.log(logging.INFO, "mine")
        logger.log(logging.INFO, "explicit", extra={"message_id": "given"})
        done.set()

    async with broker:
        await broker.start()
        await broker.publish("tea", **{native.target: address})
        await asyncio.wait_for(done.wait(), 30)
    received, mine, explicit = kept.one("Received"), kept.one("mine"), kept.one("explicit")
    assert 0 < len(received["message_id"]) <= 10
    assert mine["message_id"] == received["message_id"]
    field = native.target if native.server else "address"
    assert mine[field] == received[field] == address
    assert (explicit["message_id"], explicit[field]) == ("given", address)
