"""Servers restarted, consumers killed, networks cut, groups and streams deleted.

All scenarios of one kind of server run once (see `play.py`); each case looks at what was seen.
"""

from __future__ import annotations

import asyncio

import pytest

from anystream.core.exceptions import BrokerConnectionError
from tests.faults.harness import FLAVOURS, FaultHarness, harness
from tests.faults.play import CUTS, PUBLISH_TIMEOUT, Play
from tests.faults.record import Record
from tests.faults.servers import SERVERS, free_port

WORKS_AGAIN_WITHIN = 10.0
NOTICED_WITHIN = 2.5  # a ping that waits for one second, a good answer that counts for another
STOPPED_WITHIN = 10.0
PUBLISH_WITHIN = 15.0
START_FAILS_WITHIN = 15.0


def running(flavour: str) -> list[str]:
    """Scenarios in which the server runs all the time."""
    made = harness(flavour)
    killed = ["killed"] if made.kept or made.in_hand else []
    return [*CUTS, *(f"{name} deleted" for name in made.deletions), *killed]


def every(flavour: str) -> list[str]:
    return [*running(flavour), "restart"]


def keeping(flavour: str) -> list[str]:
    """Scenarios in which a promise is made about each message."""
    made = harness(flavour)
    found = [scenario for scenario in every(flavour) if made.keeps(scenario)]
    return found or (["killed"] if made.in_hand else [])


def away(flavour: str) -> list[str]:
    """Scenarios with an outage."""
    return [*CUTS, "restart"]


def seen(play: Play, flavour: str, scenario: str) -> Record:
    records = play.restarted() if scenario == "restart" else play.disturbed()
    return records[flavour, scenario]


@pytest.mark.scenarios(of=keeping)
def test_nothing_confirmed_is_lost(
    play: Play, flavour: str, scenario: str, made: FaultHarness
) -> None:
    """Every message whose publish was confirmed is handled at least once."""
    record = seen(play, flavour, scenario)
    assert len(record.confirmed) >= 20
    assert len(record.lost) <= made.in_hand, f"lost {record.lost[:20]}\n{record.log[-3000:]}"


@pytest.mark.scenarios(of=every)
def test_works_again(play: Play, flavour: str, scenario: str) -> None:
    """Messages are handled again within ten seconds of the end of the cause."""
    record = seen(play, flavour, scenario)
    assert record.flows_after is not None, f"never again\n{record.log[-3000:]}"
    assert record.flows_after <= WORKS_AGAIN_WITHIN, record.log[-3000:]


@pytest.mark.scenarios(of=away)
def test_not_ready_while_away(play: Play, flavour: str, scenario: str) -> None:
    """Ping says False soon after the cut and until the server is back, then True again."""
    record = seen(play, flavour, scenario)
    assert record.unready_after is not None
    assert record.unready_after <= NOTICED_WITHIN
    assert record.claimed_ready(NOTICED_WITHIN) == []
    assert record.ready_after is not None, f"never ready again\n{record.log[-3000:]}"
    assert record.ready_after <= WORKS_AGAIN_WITHIN


@pytest.mark.scenarios(of=lambda _: ["reset", "restart"])
def test_subscribers_know(play: Play, flavour: str, scenario: str) -> None:
    """`subscriber.alive` is False while a broken connection is not back."""
    assert seen(play, flavour, scenario).claimed_ready(NOTICED_WITHIN, "alive") == []


@pytest.mark.scenarios(of=lambda flavour: keeping(flavour) if harness(flavour).kept else [])
def test_ready_means_that_messages_flow(play: Play, flavour: str, scenario: str) -> None:
    """No message comes late while readiness says True all the time."""
    record = seen(play, flavour, scenario)
    assert record.lies() == [], record.log[-3000:]


@pytest.mark.scenarios(of=lambda _: ["reset", "restart"])
def test_no_hot_loop(play: Play, flavour: str, scenario: str, made: FaultHarness) -> None:
    """An outage costs little: no busy loop, no storm of connections, no flood of log lines."""
    spent = seen(play, flavour, scenario).spent()
    assert spent["attempts"] <= made.most_attempts
    assert spent["lines"] <= 5
    if scenario == "restart":
        assert spent["cpu"] <= 0.25


@pytest.mark.scenarios(of=every)
def test_publish_fails_as_documented(play: Play, flavour: str, scenario: str) -> None:
    """A publish that cannot be confirmed raises an exception of ours, and in time."""
    record = seen(play, flavour, scenario)
    assert record.strange_errors == []
    assert record.slowest_publish <= PUBLISH_WITHIN


def test_stop_while_it_is_away(play: Play, flavour: str) -> None:
    """`stop()` does not wait for the server, and leaves neither tasks nor threads."""
    report = play.stopped()[flavour]
    assert report["code"] == 0, report
    assert report["took"] <= STOPPED_WITHIN
    assert (report["tasks"], report["threads"]) == ([], [])


def test_publish_while_it_is_away(play: Play, flavour: str, made: FaultHarness) -> None:
    """It fails with an exception of ours within `publish_timeout`, or is kept as documented."""
    report = play.stopped()[flavour]
    assert report["strange"] == []
    assert report["publish_took"] <= PUBLISH_TIMEOUT + 2.0
    assert report["publisher_stop_took"] <= STOPPED_WITHIN
    if made.kept:
        assert report["outcome"] != "kept"


async def test_start_without_a_server(flavour: str, made: FaultHarness) -> None:
    """`start()` fails with an error that names the address, and `stop()` is safe."""
    port = free_port()
    broker = made.broker(SERVERS[FLAVOURS[flavour][0]].url_at(port), None)

    async def handler(body: int) -> None: ...

    made.subscribe(broker, "nobody", handler)
    with pytest.raises(BrokerConnectionError, match=str(port)):
        await asyncio.wait_for(broker.start(), START_FAILS_WITHIN)
    assert await broker.ping(1.0) is False
    await broker.stop()
