"""The options of `run` and `publish`, written once: for reading them, `--help` and completion."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

LEVELS = {
    "critical": 50,
    "fatal": 50,
    "error": 40,
    "warning": 30,
    "warn": 30,
    "info": 20,
    "debug": 10,
    "notset": 0,
}


@dataclass(frozen=True)
class Option:
    """An option.

    Args:
        name: of the value.
        flags: how it is written.
        kind: `bool` takes no value, `list` may come several times, `level` is a logging level.
        default: the value if it is not given.
        help: a line for `--help`.
        env: the environment variable that has the default.
    """

    name: str
    flags: tuple[str, ...]
    kind: str
    default: Any
    help: str
    env: str | None = None


APP_DIR = Option(
    "app_dir", ("--app-dir",), "str", ".", "Directory to look for the module first.",
    "ANYSTREAM_APP_DIR",
)  # fmt: skip
FACTORY = Option(
    "factory", ("-f", "--factory"), "bool", False, "The object makes the application: call it."
)
RUN = (
    Option("workers", ("-w", "--workers"), "int", 1, "Number of processes.", "ANYSTREAM_WORKERS"),
    APP_DIR,
    FACTORY,
    Option("reload", ("-r", "--reload"), "bool", False, "Start again when a file changes."),
    Option(
        "extension",
        ("--extension", "--ext", "--reload-extension", "--reload-ext"),
        "list",
        (),
        "Other files to watch, by their ending.",
    ),
    Option(
        "loop",
        ("--loop",),
        "str",
        "auto",
        "Event loop: auto (uvloop where it is installed), asyncio, uvloop or module:factory.",
        "ANYSTREAM_LOOP",
    ),
    Option(
        "log_level",
        ("-l", "--log-level"),
        "level",
        None,
        f"Level of the application's and the brokers' loggers: {', '.join(LEVELS)}.",
        "ANYSTREAM_LOG_LEVEL",
    ),
    Option(
        "log_config",
        ("--log-config",),
        "str",
        None,
        "File for logging.config.dictConfig: .json, .yaml, .yml or .toml.",
    ),
    Option(
        "stop_timeout",
        ("--stop-timeout",),
        "float",
        30.0,
        "Seconds that all processes together may take to stop (--workers and --reload).",
        "ANYSTREAM_STOP_TIMEOUT",
    ),
)
PUBLISH = (
    Option("rpc", ("--rpc",), "bool", False, "Wait for the answer and show it."),
    APP_DIR,
    FACTORY,
)
