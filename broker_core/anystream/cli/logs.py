"""Logging as the command line wants it."""

from __future__ import annotations

import json
import logging
from importlib import import_module
from pathlib import Path
from typing import Any


def configure(file: str) -> None:
    """Configures logging by a file.

    Args:
        file: what `logging.config.dictConfig` takes, as JSON, YAML or TOML.

    Raises:
        ValueError: there is no such file, it is of another kind, or broken, or logging refuses it.
        ImportError: what reads such a file is not installed.
    """
    import logging.config

    path = Path(file)
    if not path.is_file():
        raise ValueError(f"--log-config: there is no file {file}")
    try:
        logging.config.dictConfig(_content(path))
    except ImportError:
        raise
    except Exception as error:  # each format has its own
        reason = f": {error.__cause__}" if error.__cause__ else ""
        raise ValueError(f"--log-config: {file}: {error}{reason}") from error


def set_level(app: Any, level: int) -> None:
    """Sets the level of the application's logger and of the loggers of its brokers."""
    loggers: list[Any] = [getattr(app, "logger", None)]
    loggers += [getattr(broker, "logger", None) for broker in app.brokers]
    for logger in loggers:
        if hasattr(logger, "setLevel"):
            logger.setLevel(level)


def own_logger() -> logging.Logger:
    """The logger of the processes themselves."""
    from anystream.core.logging import get_logger

    return get_logger("anystream.cli")


def _content(path: Path) -> Any:
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".json":
        return json.loads(text)
    if path.suffix in (".yaml", ".yml"):
        try:
            yaml = import_module("yaml")
        except ImportError:
            raise ImportError('YAML needs PyYAML: pip install "anystream[cli]"') from None
        return yaml.safe_load(text)
    if path.suffix == ".toml":
        try:
            tomllib = import_module("tomllib")
        except ImportError:
            raise ImportError("TOML needs Python 3.11 or later: use .json or .yaml") from None
        return tomllib.loads(text)
    raise ValueError("the name ends neither in .json, .yaml, .yml nor .toml")
