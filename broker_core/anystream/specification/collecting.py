"""Gathers what a document says from brokers and HTTP endpoints."""

from __future__ import annotations

import inspect
import warnings
from collections.abc import Iterable, Sequence
from typing import Any

from anystream.core.broker import Broker
from anystream.specification.about import tags_json
from anystream.specification.channels import publisher_channels, subscriber_channels
from anystream.specification.model import About, Channel, Document, HttpEndpoint, Server
from anystream.specification.schemas import Schemas
from anystream.specification.servers import servers_of


def collect(
    about: About, brokers: Iterable[Any], http_routes: Iterable[tuple[str, Any]]
) -> Document:
    """Gathers everything that is declared now.

    Args:
        about: what is said of the whole.
        brokers: the brokers; those that are not anystream's are left out.
        http_routes: paths and their endpoints.

    Raises:
        SetupError: a broker's or an endpoint's tag is none.

    Warns:
        RuntimeWarning: something cannot be described or has the same name as another thing.
    """
    document = Document(about)
    described = [broker for broker in brokers if _is_described(broker)]
    document.servers, names = _servers(described)
    makers: dict[int, Schemas] = {}
    for broker, server_names in zip(described, names, strict=True):
        schemas = makers.setdefault(id(broker.serializer), Schemas(broker.serializer))
        taken = {channel.key for channel in document.channels}
        _add_channels(document, broker, server_names, schemas, taken)
    for path, handler in http_routes:
        if getattr(handler, "include_in_schema", True):
            document.endpoints.append(_endpoint(path, handler))
    return document


def _is_described(broker: Any) -> bool:
    if isinstance(broker, Broker):
        return True
    warnings.warn(
        f"{broker!r} is not a broker of anystream: the AsyncAPI document leaves it out",
        RuntimeWarning,
        stacklevel=2,
    )
    return False


def _servers(brokers: Sequence[Broker]) -> tuple[dict[str, Server], list[list[str]]]:
    """All different servers with their names, and the names of each broker's servers."""
    distinct: list[Server] = []
    positions: list[list[int]] = []
    for broker in brokers:
        own: list[int] = []
        for server in servers_of(broker):
            if server not in distinct:
                distinct.append(server)
            position = distinct.index(server)
            if position not in own:
                own.append(position)
        positions.append(own)
    names = [f"Server{number}" for number in range(1, len(distinct) + 1)]
    if len(distinct) == 1:
        names = ["development"]
    return (
        dict(zip(names, distinct, strict=True)),
        [[names[position] for position in own] for own in positions],
    )


def _add_channels(
    document: Document, broker: Broker, servers: list[str], schemas: Schemas, elsewhere: set[str]
) -> None:
    """Adds the channels of one broker, each with a key of its own.

    A key that another broker has, too, gets a number. Within one broker two equal channels are
    one, and two different ones of one key are most likely a mistake, so there is a warning.
    """
    known: dict[str, list[Channel]] = {}
    channels: list[tuple[Any, Channel]] = []
    for subscriber in broker.subscribers:
        channels += [(subscriber, it) for it in subscriber_channels(subscriber, schemas).values()]
    for publisher in broker.publishers:
        channels += [(publisher, it) for it in publisher_channels(publisher, schemas).values()]
    used = set(elsewhere)
    for declared, channel in channels:
        channel.servers = servers
        namesakes = known.setdefault(channel.key, [])
        if channel.action == "send" and channel in namesakes:
            continue
        if namesakes:
            _warn_namesake(declared, channel)
        namesakes.append(channel)
        document.channels.append(_with_free_key(channel, used))


def _with_free_key(channel: Channel, used: set[str]) -> Channel:
    from dataclasses import replace

    key, number = channel.key, 1
    while key in used:
        number += 1
        key = f"{channel.key}:{number}"
    used.add(key)
    return channel if key == channel.key else replace(channel, key=key)


def _warn_namesake(declared: Any, channel: Channel) -> None:
    warnings.warn(
        f"{declared!r}: there is another channel {channel.key!r} in the AsyncAPI document. Both "
        "are in it, one with a number; give them titles of their own with `title=`",
        RuntimeWarning,
        stacklevel=2,
    )


def _endpoint(path: str, handler: Any) -> HttpEndpoint:
    description = getattr(handler, "description", None)
    return HttpEndpoint(
        path=path,
        methods=tuple(getattr(handler, "methods", ())),
        description=inspect.cleandoc(description) if description else None,
        tags=tags_json(getattr(handler, "tags", None) or ()),
        operation_id=getattr(handler, "unique_id", None),
    )
