"""The brokers' addresses, and the plugin that skips the tests of brokers that are down."""

from __future__ import annotations

import gc
import logging
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, settings

from tests.broker_probes import TARGETS
from tests.brokers_up import BrokerReport
from tests.specification.official.checking import OfficialCheck

# The same examples each time, and no clock that a busy machine could beat.
settings.register_profile(
    "anystream", derandomize=True, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("anystream")


def pytest_configure(config: pytest.Config) -> None:
    config.pluginmanager.register(BrokerReport(), "anystream-brokers")
    config.pluginmanager.register(OfficialCheck(), "anystream-official-check")


@pytest.fixture(scope="session")
def nats_url() -> str:
    """Where NATS is; use it together with `@pytest.mark.nats`."""
    return TARGETS["nats"].url


@pytest.fixture(scope="session")
def redis_url() -> str:
    """Where Redis is; use it together with `@pytest.mark.redis`."""
    return TARGETS["redis"].url


@pytest.fixture(scope="session")
def rabbit_url() -> str:
    """Where RabbitMQ is; use it together with `@pytest.mark.rabbit`."""
    return TARGETS["rabbit"].url


@pytest.fixture(scope="session")
def kafka_url() -> str:
    """Where Kafka is; use it together with `@pytest.mark.kafka` or `@pytest.mark.confluent`."""
    return TARGETS["kafka"].url


SERVERS_LOGGERS = ("", "uvicorn", "uvicorn.error", "uvicorn.access", "uvicorn.asgi")


@pytest.fixture(autouse=True)
def _loggers_as_before() -> Iterator[None]:
    """Servers that run in a test set up loggers of the whole process: it must not stay so."""
    loggers = [logging.getLogger(name) for name in SERVERS_LOGGERS]
    was = [(each.level, each.propagate, each.disabled, each.handlers[:]) for each in loggers]
    yield
    for each, (level, propagate, disabled, handlers) in zip(loggers, was, strict=True):
        each.setLevel(level)
        each.propagate, each.disabled, each.handlers = propagate, disabled, handlers


@pytest.fixture(autouse=True, scope="module")
def _leaks_are_blamed_here() -> Iterator[None]:
    """What a module left open is found at its own end, not in whatever test runs later."""
    yield
    gc.collect()
