import pytest
from pydantic import ValidationError

from anystream.core import TestApp
from anystream.memory import TestMemoryBroker
from docs_src.concepts.first_service import app, broker, greet, show


async def test_greeting() -> None:
    async with TestMemoryBroker(broker) as br:
        await br.publish({"name": "Ada", "age": 36}, "users")
        greet.mock.assert_called_once_with({"name": "Ada", "age": 36})
        show.mock.assert_called_once_with("Hello, Ada")


async def test_refused() -> None:
    async with TestMemoryBroker(broker) as br:
        with pytest.raises(ValidationError):
            await br.publish({"name": "Ada"}, "users")


async def test_whole_application() -> None:
    async with TestMemoryBroker(broker), TestApp(app):
        await show.wait_call(timeout=1.0)
