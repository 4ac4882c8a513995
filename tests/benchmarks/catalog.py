"""All scenarios with their goals, in the order of the table."""

from __future__ import annotations

from tests.benchmarks.scenario import (
    ANYSTREAM,
    FASTSTREAM,
    RAW,
    Goal,
    Scenario,
    of_raw,
    times_less,
)

CORE = (of_raw(1.15, 0.95), times_less(6, 7.5))
FRAMEWORKS = (FASTSTREAM, ANYSTREAM)


def _one(
    name: str, module: str, case: str, count: int, *goals: Goal, **options: object
) -> Scenario:
    return Scenario(name, module, case, count, {case: goals}, **options)  # type: ignore[arg-type]


_HOSTS = ("aiohttp", "sanic", "litestar", "quart", "falcon", "blacksheep", "fastapi", "starlette")

SCENARIOS: tuple[Scenario, ...] = (
    _one("core-model", "consume", "model", 5000, *CORE),
    _one("core-dict", "consume", "plain", 5000, *CORE),
    _one("core-struct", "consume", "struct", 5000, *CORE),
    _one("core-depends", "consume", "depends", 5000, *CORE),
    _one("core-context", "consume", "arguments", 2000, of_raw(1.3, 1.0), times_less(18, 25)),
    _one("js-push", "consume", "push", 4000, of_raw(1.1, 0.95), times_less(5, 6)),
    _one("js-pull", "consume", "pull", 4000, of_raw(0.65, 0.45), times_less(6, 8.5)),
    _one("republish", "consume", "republish", 4000, of_raw(1.0, 0.9), times_less(4.5, 5.5)),
    _one("publish", "publish", "broker", 5000, of_raw(0.95, 0.65), times_less(1.15)),
    _one("publisher", "publish", "publisher", 5000, of_raw(0.95, 0.65), times_less(1.9)),
    _one("pipeline", "pipeline", "single", 5000, of_raw(1.0, 0.6), times_less(20, 35)),
    _one("workers", "pipeline", "workers", 5000, times_less(20, 40)),
    _one("logging", "consume", "logging", 4000, times_less(3, 4.5), sides=FRAMEWORKS),
    Scenario(
        "request",
        "request",
        "reply",
        800,
        {"p50": (of_raw(1.15, 1.05), times_less(1.3)), "cpu": ()},
    ),
    _one("test-1", "memory", "test 1", 1000, of_raw(5, 2.5), times_less(6, 15)),
    _one("test-100", "memory", "test 100", 1000, of_raw(5, 2.5), times_less(6, 15)),
    _one("memory-1", "memory", "memory 1", 1000, of_raw(5, 2.5), times_less(6, 15)),
    _one("memory-100", "memory", "memory 100", 1000, of_raw(5, 2.5), times_less(6, 15)),
    *(
        Scenario(name, "rabbit", case, count, {row: goals}, marker="rabbit")
        for name, case, count, row, goals in (
            ("rabbit-ack", "consume", 3000, "consume", (of_raw(1.05, 0.9), times_less(1.5, 1.8))),
            ("rabbit-publish", "publish", 1500, "publish", (of_raw(1.1, 1.0), times_less(1.0))),
            ("rabbit-publisher", "publisher", 1500, "publisher", (of_raw(1.1), times_less(1.0))),
            ("rabbit-request", "request", 600, "p50", (of_raw(1.1, 1.0), times_less(1.9))),
            ("rabbit-at-once", "at once", 1000, "wall", (of_raw(1.2), times_less(2.8))),
            ("rabbit-test", "test", 1000, "test", (of_raw(5, 2.5), times_less(6, 15))),
        )
    ),
    *(
        Scenario(name, "redis", case, count, {row: goals}, marker="redis")
        for name, case, count, row, goals in (
            ("redis-channel", "channel", 5000, "channel", (of_raw(1.0, 0.8), times_less(6, 8))),
            ("redis-list", "list", 3000, "list", (of_raw(1.0, 0.75), times_less(2.3, 3.5))),
            ("redis-stream", "stream", 4000, "stream", (of_raw(0.6, 0.35), times_less(3.3, 5.5))),
            *(
                (f"redis-{case.replace(' ', '-')}", case, 2000, case, (of_raw(1.1, 1.0), less))
                for case, less in (
                    ("publish channel", times_less(1.0, 1.15)),
                    ("publish list", times_less(1.0, 1.15)),
                    ("publish stream", times_less(1.0, 1.15)),
                    ("publisher channel", times_less(1.0, 1.3)),
                )
            ),
            ("redis-request", "request", 800, "p50", (of_raw(0.5, 0.38), times_less(3, 4.3))),
            ("redis-test-1", "test 1", 1000, "test 1", (of_raw(5, 2.5), times_less(6, 15))),
            ("redis-test-100", "test 100", 1000, "test 100", (of_raw(5, 2.5), times_less(6, 15))),
        )
    ),
    *(
        Scenario(name, "kafka", case, count, {case: goals}, marker="kafka")
        for name, case, count, goals in (
            ("kafka-consume", "consume", 20000, (of_raw(1.0, 0.45), times_less(7, 15))),
            ("kafka-workers", "workers", 20000, (of_raw(1.0), times_less(7))),
            ("kafka-publish", "publish", 2000, (of_raw(1.1, 1.0), times_less(1.0, 1.15))),
            ("kafka-publisher", "publisher", 2000, (of_raw(1.1, 1.0), times_less(1.0, 1.3))),
            ("kafka-test-1", "test 1", 1000, (of_raw(5, 2.5), times_less(6, 15))),
            ("kafka-test-100", "test 100", 1000, (of_raw(5, 2.5), times_less(6, 15))),
        )
    ),
    *(
        Scenario(name, "confluent", case, count, {case: goals}, marker="confluent")
        for name, case, count, goals in (
            ("confluent-consume", "consume", 20000, (of_raw(1.0, 0.75), times_less(30, 50))),
            ("confluent-workers", "workers", 20000, (times_less(20, 40),)),
            ("confluent-publish", "publish", 1000, (of_raw(1.1, 1.0), times_less(1.0))),
            ("confluent-no-confirm", "no confirm", 10000, (of_raw(1.5, 1.2), times_less(1.7, 2.2))),
            ("confluent-test-1", "test 1", 1000, (of_raw(5, 2.5), times_less(6, 15))),
            ("confluent-test-100", "test 100", 1000, (of_raw(5, 2.5), times_less(6, 15))),
        )
    ),
    *(
        _one(
            f"observed-{case.replace(' ', '-').lower()}",
            "observed",
            case,
            3000,
            Goal(FASTSTREAM, 0.35, 0.25, "at most"),
            sides=FRAMEWORKS,
        )
        for case in ("traced", "new traces", "without SDK")
    ),
    _one(
        "fastapi-plugin",
        "plugin",
        "depends",
        5000,
        Goal(FASTSTREAM, 0.35, 0.25, "at most"),
        sides=FRAMEWORKS,
    ),
    *(
        Scenario(
            f"http-{case}",
            "endpoint",
            case,
            4000,
            {case: cpu, "time of a request": (of_raw(1 / 0.7), times_less(1.0))},
        )
        for case, cpu in (
            ("ping", (of_raw(1.15, 1.06), times_less(3.4))),
            ("get", (of_raw(1.15, 1.06), times_less(2.5))),
            ("query", (of_raw(1.5, 1.35), times_less(2.5))),
            ("json", (of_raw(1.5, 1.35), times_less(2.5))),
        )
    ),
    *(
        _one(f"host-{host}", "hosts", host, 3000, of_raw(1.1), sides=(RAW, ANYSTREAM))
        for host in _HOSTS
    ),
    Scenario(
        "import",
        "imports",
        "nats",
        5,
        {
            row: (Goal(RAW, 50, 25, "plus"), times_less(1 / 0.72, 1 / 0.65))
            for row in ("wall", "cpu")
        },
        unit="ms",
        nats=False,
    ),
    Scenario(
        "start",
        "starting",
        "run",
        3,
        {row: (times_less(1 / 0.7),) for row in ("start", "cpu")},
        unit="ms",
        sides=FRAMEWORKS,
    ),
    *(
        Scenario(
            f"document-{case.replace(' ', '-')}",
            "document",
            case,
            1000,
            {case: (times_less(2, 3),)},
            unit="ms",
            sides=FRAMEWORKS,
            nats=False,
        )
        for case in ("one model", "own models")
    ),
    Scenario(
        "scaling",
        "scaling",
        "1000",
        3000,
        {
            "declare and start": (times_less(4),),
            "memory": (times_less(3),),
            "per message": (),
            "per message, of one subscriber's": (Goal(RAW, 1.05, 1.05, "own"),),
        },
        unit="",
        fresh=True,
    ),
)

BY_NAME = {scenario.name: scenario for scenario in SCENARIOS}
