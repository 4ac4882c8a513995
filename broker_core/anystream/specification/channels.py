"""What is declared, channel by channel."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any, Literal

from anystream.core.places import call_name
from anystream.core.publisher import Publisher
from anystream.specification.model import Channel, Described, Payload
from anystream.specification.payloads import handler_payload, returned, sent_payload
from anystream.specification.schemas import Schemas

if TYPE_CHECKING:
    from anystream.core.subscriber import Subscriber


def subscriber_channels(
    subscriber: Subscriber, schemas: Schemas | None = None
) -> dict[str, Channel]:
    """The channels of a subscriber by their keys; none when it is hidden.

    Args:
        subscriber: a complete declaration in a broker; it need not be started.
        schemas: makes schemas; given, it is shared by many.

    Raises:
        IncorrectState: the subscriber belongs to a router that no broker includes.

    Warns:
        RuntimeWarning: a handler cannot be described and is left open.
    """
    if not (subscriber.include_in_schema and subscriber.merged.include_in_schema):
        return {}
    broker = subscriber.broker
    schemas = schemas or Schemas(broker.serializer)
    description = subscriber.description or _docstrings(subscriber)
    return _channels(subscriber, "receive", _taken(subscriber, schemas), description)


def publisher_channels(publisher: Publisher, schemas: Schemas | None = None) -> dict[str, Channel]:
    """The channels of a publisher by their keys; none when it is hidden.

    Args:
        publisher: a complete declaration in a broker.
        schemas: makes schemas; given, it is shared by many.

    Raises:
        IncorrectState: the publisher belongs to a router that no broker includes.

    Warns:
        RuntimeWarning: what it sends cannot be described and is left open.
    """
    if not (publisher.include_in_schema and publisher.merged.include_in_schema):
        return {}
    schemas = schemas or Schemas(publisher.broker.serializer)
    return _channels(publisher, "send", _sent(publisher, schemas), publisher.description)


def _channels(
    declared: Subscriber | Publisher,
    action: Literal["receive", "send"],
    payloads: list[Payload],
    description: str | None,
) -> dict[str, Channel]:
    broker = declared.broker
    addresses = broker.channel_addresses(declared)
    found = {}
    for address in addresses:
        title = declared.title
        if title and len(addresses) > 1:
            title = f"{title}:{address}"
        key = title or channel_key(declared, address)
        found[key] = Channel(
            key=key,
            address=broker.shown_address(declared, address),
            action=action,
            payloads=payloads,
            title=title,
            description=description,
            bindings=broker.channel_bindings(declared, address),
            operation_bindings=broker.operation_bindings(declared, address),
            bindings_in_26=partial(broker.bindings_in_26, declared, address),
            declared=declared,
            destination=address,
        )
    return found


def channel_key(declared: Subscriber | Publisher, address: str) -> str:
    """The key of a channel that has no title."""
    name = "Publisher" if isinstance(declared, Publisher) else handlers_name(declared)
    return f"{declared.broker.channel_name(declared, address)}:{name}"


def camel_case(name: str) -> str:
    """`handle_order` -> `HandleOrder`."""
    return name.replace("_", " ").title().replace(" ", "")


def handlers_name(subscriber: Subscriber) -> str:
    """The names of a subscriber's handlers as one."""
    names = [camel_case(item.name) for item in subscriber.calls]
    if not names:
        return "Subscriber"
    return names[0] if len(names) == 1 else f"[{','.join(names)}]"


def _taken(subscriber: Subscriber, schemas: Schemas) -> list[Payload]:
    if not subscriber.calls:
        unknown = f"{subscriber.title or 'Subscriber'}:Message:Payload"
        return [Payload(unknown, Described({"title": unknown}))]
    several = len(subscriber.calls) > 1
    payloads = []
    for item in subscriber.calls:
        name = camel_case(item.name)
        title = subscriber.title and (f"{subscriber.title}:{name}" if several else subscriber.title)
        payload = handler_payload(subscriber, item, schemas, f"{title or name}:Message:Payload")
        payload.other_name = f"{subscriber.full_address}:{name}:Message:Payload"
        payloads.append(payload)
    return payloads


def _sent(publisher: Publisher, schemas: Schemas) -> list[Payload]:
    addresses = publisher.broker.channel_addresses(publisher)
    key = publisher.title or channel_key(publisher, (*addresses, publisher.destination)[0])
    name = f"{key}:Message:Payload"
    if publisher.schema_type is not None:
        return [sent_payload(publisher.schema_type, schemas, name)]
    calls = [wrapper._original_call for wrapper in publisher.calls]
    results = [(call, returned(call)) for call in calls]
    # a handler that returns None says nothing of what is sent
    typed = [(call, result) for call, result in results if result is not None and result is not Any]
    if not typed:
        unknown = sent_payload(Any, schemas, name)
        unknown.name_in_26 = f"{key}Payload"
        return [unknown]
    payloads = []
    for call, result in typed:
        own = f"{camel_case(call_name(call))}:Publisher:Message:Payload"
        payload = sent_payload(result, schemas, own if len(calls) > 1 else name, call)
        payload.other_name = f"{publisher.destination}:{own}"
        payloads.append(payload)
    return payloads


def _docstrings(subscriber: Subscriber) -> str | None:
    found = [(item.name, _docstring(item.call._original_call)) for item in subscriber.calls]
    if len(found) == 1:
        return found[0][1]
    lines = [f"{camel_case(name)}: {text}" for name, text in found if text]
    return "\n".join(lines) or None


def _docstring(call: Callable[..., Any]) -> str | None:
    if isinstance(call, partial):
        call = call.func
    return inspect.getdoc(call)
