"""How the arguments of `run` and `publish` are read."""

from __future__ import annotations

import pytest

from anystream.cli.errors import UsageError
from anystream.cli.options import PUBLISH, RUN
from anystream.cli.parsing import Arguments, read_arguments
from anystream.cli.publish import typed_options
from anystream.rabbit import RabbitBroker


@pytest.mark.parametrize(
    ("typed", "extra"),
    [
        ("--env=.env.dev", {"env": ".env.dev"}),
        ("--env .env.dev", {"env": ".env.dev"}),
        ("--a", {"a": True}),
        ("--no-a", {"a": False}),
        ("--a 1 2", {"a": ["1", "2"]}),
        ("--a 1 --a 2", {"a": ["1", "2"]}),
        ("--a --a", {"a": True}),
        ("--some-name x", {"some_name": "x"}),
        ("-k v", {"k": "v"}),
        ("--x=a=b", {"x": "a=b"}),
        ("--x -1 -.5", {"x": ["-1", "-.5"]}),
        ("--url nats://localhost:4222", {"url": "nats://localhost:4222"}),
        ("--bind 127.0.0.1:80 --bind unix:/s", {"bind": ["127.0.0.1:80", "unix:/s"]}),
        ("--workers 2 --port 80 -r", {"port": "80"}),
    ],
)
def test_extra_options(typed: str, extra: dict[str, object]) -> None:
    """The same before and after the application."""
    for words in (["main:app", *typed.split()], [*typed.split(), "main:app"]):
        read = read_arguments(words, RUN)
        assert (read.positional, read.extra) == (["main:app"], extra)


def test_known_options(monkeypatch: pytest.MonkeyPatch) -> None:
    """Typed ones go before those of the environment, and these before the defaults."""
    monkeypatch.setenv("ANYSTREAM_WORKERS", "3")
    monkeypatch.setenv("ANYSTREAM_LOG_LEVEL", "Debug")
    words = ["a:b", "--ext", ".md", "--reload-ext=txt", "-l", "WARN", "--app-dir", "src", "-f"]
    values = read_arguments(words, RUN).values
    assert (values["workers"], values["log_level"], values["app_dir"]) == (3, 30, "src")
    assert (values["extension"], values["factory"]) == ((".md", "txt"), True)
    assert (values["loop"], values["stop_timeout"]) == ("auto", 30.0)


@pytest.mark.parametrize(
    ("words", "text"),
    [
        ("--workers", "--workers needs a value"),
        ("--workers two", "--workers='two': pass a number"),
        ("--log-level loud", "--log-level='loud': pass one of critical"),
        ("--reload=yes", "--reload takes no value"),
        ("--1x", "'--1x' is no option"),
    ],
)
def test_what_cannot_be(words: str, text: str) -> None:
    """Each mistake is named."""
    with pytest.raises(UsageError, match=text):
        read_arguments(["a:b", *words.split()], RUN)


@pytest.mark.parametrize(
    ("typed", "workers", "factory", "extra"),
    [
        ("-w2", 2, False, {}),
        ("-fw2", 2, True, {}),
        ("-fr", 1, True, {}),
        ("-fx", 1, False, {"fx": True}),
        ("--w2", 1, False, {"w2": True}),
    ],
)
def test_short_options_together(
    typed: str, workers: int, factory: bool, extra: dict[str, object]
) -> None:
    """A value right behind its letter, and several letters behind one dash."""
    read = read_arguments(["a:b", typed], RUN)
    assert (read.values["workers"], read.values["factory"], read.extra) == (workers, factory, extra)
    assert read.values["reload"] == (typed == "-fr")


def test_options_of_publish_as_the_broker_takes_them() -> None:
    """Also those that a broker takes as a typed dictionary."""
    typed = {"priority": "3", "persist": "no", "headers": '{"a": 1}', "timeout": "2", "queue": "q"}
    assert typed_options(Arguments(extra={**typed}), RabbitBroker().publish) == {
        "priority": 3,
        "persist": False,
        "headers": {"a": 1},
        "timeout": 2.0,
        "queue": "q",
    }


@pytest.mark.parametrize(
    ("extra", "text"),
    [
        ({"priority": "x"}, "--priority='x' must be int"),
        ({"headers": "x"}, "--headers='x' must be Mapping"),
        ({"message_id": True}, "--message-id=True must be str | None: pass one value"),
        ({"message_id": ["a", "b"]}, "--message-id=.* pass one value"),
    ],
)
def test_options_of_publish_that_cannot_be(extra: dict[str, object], text: str) -> None:
    """The error names the option and its value."""
    with pytest.raises(UsageError, match=text.replace("|", r"\|")):
        typed_options(Arguments(extra=extra), RabbitBroker().publish)


def test_publish_takes_one_value_each() -> None:
    """So the message may stand at the end."""
    read = read_arguments(["a:b", "--subject", "s", "hello"], PUBLISH, many=False)
    assert (read.positional, read.extra) == (["a:b", "hello"], {"subject": "s"})
