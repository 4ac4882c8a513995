"""What stands for the client library's objects in test mode: mocks that reach no server."""

from __future__ import annotations

from typing import Any
from unittest.mock import MagicMock

from nats.aio.client import Client
from nats.js import JetStreamContext
from nats.js.object_store import ObjectStore

from anystream.core.ids import gen_cor_id


def mock_client() -> Any:
    """A mock of the connection; its `new_inbox` makes subjects, its `jetstream` the context."""
    client = MagicMock(spec=Client)
    client.new_inbox.side_effect = lambda: f"_INBOX.{gen_cor_id()}"
    client.jetstream.return_value = MagicMock(spec=JetStreamContext)
    return client


def mock_object_storage() -> Any:
    """A mock of a bucket of objects."""
    return MagicMock(spec=ObjectStore)
