"""`publish_timeout` and `publish_retry`, with what each broker itself raises.

What cannot differ between brokers is in `tests/core/test_publish_policy.py`.
"""

from __future__ import annotations

import pytest

from anystream.core.exceptions import FastStreamException, PublishTimeout
from anystream.core.publish_policy import RetryPolicy
from tests.brokers.failing import Failing
from tests.brokers.harness import Can
from tests.brokers.rig import Rig

needs = pytest.mark.needs
every_kind = pytest.mark.kinds("every")
QUICK = RetryPolicy(attempts=3, first_pause=0.001)


@every_kind
async def test_a_publish_is_tried_again(rig: Rig) -> None:
    """What the broker raises while its server is away may pass: the message arrives, once."""
    broker, address, seen = rig.broker(publish_retry=QUICK), rig.address(), rig.seen()

    @rig.subscribe(broker, address)
    async def handle(body: str) -> None:
        seen(body)

    async with rig.running(broker):
        failing = Failing(broker, "send", rig.harness.away(), rig.harness.away())
        await rig.publish(broker, "x", address)
        await rig.publish(broker, "y", address)
        assert await seen.count(2) == ["x", "y"]
        assert failing.calls == 4


async def test_a_publisher_object_is_tried_again(rig: Rig) -> None:
    """Its publishes have the policy of its broker."""
    broker, address, seen = rig.broker(publish_retry=QUICK), rig.address(), rig.seen()
    publisher = rig.publisher(broker, address)

    @rig.subscribe(broker, address)
    async def handle(body: str) -> None:
        seen(body)

    async with rig.running(broker):
        failing = Failing(broker, "send", rig.harness.away())
        await publisher.publish("x")
        assert await seen.one() == "x"
        assert failing.calls == 2


@needs(Can.PUBLISH_BATCH)
@pytest.mark.kinds("publish_batch")
async def test_a_batch_is_tried_again(rig: Rig) -> None:
    """As a whole."""
    broker, address, seen = rig.broker(publish_retry=QUICK), rig.address(), rig.seen()

    @rig.subscribe(broker, address)
    async def handle(body: str) -> None:
        seen(body)

    async with rig.running(broker):
        failing = Failing(broker, "send_batch", rig.harness.away())
        await rig.publish_batch(broker, ["x", "y"], address)
        assert sorted(await seen.count(2)) == ["x", "y"]
        assert failing.calls == 2


@needs(Can.REFUSE)
async def test_a_refused_publish_is_not_tried_again(rig: Rig) -> None:
    """It is raised at once, as our own error."""
    broker, address = rig.broker(publish_retry=QUICK), rig.address()
    async with rig.running(broker):
        failing = Failing(broker, "send")
        with pytest.raises(FastStreamException):
            await rig.harness.publish_refused(broker, address)
        assert len(failing.failed) == 1


@every_kind
async def test_a_publish_that_takes_too_long(rig: Rig) -> None:
    """The error names the destination and the limit."""
    broker, address = rig.broker(publish_timeout=0.2), rig.address()
    async with rig.running(broker):
        Failing(broker, "send", None)
        with pytest.raises(PublishTimeout, match=r"within 0\.2 seconds") as caught:
            await rig.publish(broker, "x", address)
        assert address in str(caught.value)
