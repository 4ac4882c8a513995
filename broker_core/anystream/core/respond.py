"""What happens to a handler's result: the reply, then each publisher, nearest first."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Sequence
from copy import copy
from typing import TYPE_CHECKING, Any

from anystream.core.outbox import through_publish
from anystream.core.response import PublishCommand, PublishType, Response

if TYPE_CHECKING:
    from anystream.core.broker import Broker
    from anystream.core.plan import HandlerPlan, Plan

FAILURE = "handler-error"  # header of an answer that says that there will be none

Respond = Callable[[Any, Any, Sequence[Any]], Awaitable[Response]]


def command_from(response: Response, kind: type[PublishCommand]) -> PublishCommand:
    """A broker's own command of a response."""
    if type(response) is Response:
        command = kind.of(response.body, response.correlation_id)
    else:
        command = kind.from_cmd(response.as_publish_command())
    # each command has headers of its own: middlewares may write into them
    command.headers = dict(response.headers) if response.headers else {}
    return command


def make_respond(plan: Plan, handler: HandlerPlan) -> Respond:
    """Makes `respond(result, message, middlewares)`, which returns the `Response` it sent."""
    broker = plan.subscriber.broker
    outbox = broker.outbox
    may_reply = plan.may_reply
    afterwards = handler.afterwards
    # a publisher of another broker has middlewares of its own
    publishers = [(each.publish_command, each.broker) for each in handler.publishers]

    async def respond(result: Any, message: Any, middlewares: Sequence[Any]) -> Response:
        # a copy, because a handler may return the same object again
        response = copy(result) if isinstance(result, Response) else Response(result)
        request_id = message.correlation_id
        if response.correlation_id is None:
            response.correlation_id = request_id
        plain = type(response) is Response and not response.headers
        reply_to = message.reply_to
        if reply_to and may_reply:
            command = command_from(response, broker.command_class)
            command.publish_type = PublishType.REPLY
            command.destination = reply_to
            command.answers = request_id
            send = through_publish(middlewares, outbox.send) if middlewares else outbox.send
            await send(command)
        for publish, owner in publishers:
            kind = owner.command_class
            if plain:
                command = kind.of(response.body, response.correlation_id)
            else:
                command = command_from(response, kind)
            await publish(command, middlewares if owner is broker else None)
        if afterwards is not None:
            await afterwards(message)
        return response

    return respond


async def answer_failure(broker: Broker, message: Any, error: BaseException) -> None:
    """Tells who waits for an answer that the handler failed, instead of letting it time out.

    Only the type of the exception is told: its text may be nobody's business.
    """
    command = broker.command_class.of(None, message.correlation_id)
    command.publish_type = PublishType.REPLY
    command.destination = message.reply_to
    command.headers = {FAILURE: type(error).__name__}
    try:
        await broker.outbox.send(command)
    except Exception as problem:
        if broker.logger is not None:
            text = f"the failure could not be reported to {message.reply_to!r}: {problem!r}"
            broker.logger.log(logging.WARNING, text)
