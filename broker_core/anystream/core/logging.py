"""Default loggers: readable columns, created when they are first needed."""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from anystream.core.context import current_frame, outer_of

if TYPE_CHECKING:
    StreamHandler = logging.StreamHandler[Any]
else:
    StreamHandler = logging.StreamHandler  # takes no parameters before Python 3.11

_COLORS = {
    "DEBUG": 36,
    "INFO": 32,
    "WARNING": 33,
    "ERROR": 31,
    "CRITICAL": 91,
}


class ColumnFormatter(logging.Formatter):
    """Formats records with columns for what the broker's messages have.

    Args:
        columns: field name and width, in order.
        color: whether level names are coloured.
    """

    def __init__(self, columns: Mapping[str, int], *, color: bool) -> None:
        middle = " | ".join(f"%({name})-{width}s" for name, width in columns.items())
        prefix = f"{middle} - " if middle else ""
        super().__init__(f"%(asctime)s %(levelname)-8s - {prefix}%(message)s")
        self._columns = tuple(columns)
        self._color = color

    def format(self, record: logging.LogRecord) -> str:
        for name in self._columns:
            record.__dict__.setdefault(name, "")
        if not self._color:
            return super().format(record)
        plain = record.levelname
        record.levelname = f"\033[{_COLORS.get(plain, 37)}m{plain}\033[0m".ljust(17)
        try:
            return super().format(record)
        finally:
            record.levelname = plain


class FromMessage(logging.Filter):
    """Gives records that are written while a message is handled the fields of that message;
    those that a record has already stay.

    Args:
        columns: the fields.
    """

    def __init__(self, columns: Mapping[str, int]) -> None:
        super().__init__()
        self._columns = tuple(columns)

    def filter(self, record: logging.LogRecord) -> bool:
        known, frame = record.__dict__, current_frame.get()
        if frame is None or all(name in known for name in self._columns):
            return True  # ours have all of them
        while frame is not None:
            if isinstance(frame, tuple) and frame[2] is not None:
                _, message, subscriber, _ = frame
                if getattr(subscriber.broker.logger, "name", None) == record.name:
                    for name, value in subscriber.log_context(message).items():
                        known.setdefault(name, value)
                    break
            frame = outer_of(frame)
        return True


class ColumnHandler(StreamHandler):
    """Our own handler, told apart from those that an application configures."""


def get_logger(
    name: str,
    *,
    level: int = logging.INFO,
    columns: Mapping[str, int] | None = None,
    stream: Any = None,
) -> logging.Logger:
    """Returns a logger of our own.

    Where the application configured logging (handlers on this logger or above it), its handlers
    are used; otherwise the logger gets a handler with columns. Records that are written while a
    message is handled have its fields in any case.

    Args:
        name: the logger's name.
        level: its level, where it has none yet.
        columns: see `ColumnFormatter`.
        stream: where our handler writes, whatever is configured; standard error by default.
    """
    logger = logging.getLogger(name)
    if not logger.handlers and (stream is not None or not _configured(logger)):
        output = stream or sys.stderr
        handler = ColumnHandler(output)
        color = bool(getattr(output, "isatty", bool)())
        handler.setFormatter(ColumnFormatter(columns or {}, color=color))
        logger.addHandler(handler)
        logger.propagate = False
    if columns and not any(isinstance(each, FromMessage) for each in logger.filters):
        logger.addFilter(FromMessage(columns))
    if logger.level == logging.NOTSET:
        logger.setLevel(level)
    return logger


def _configured(logger: logging.Logger) -> bool:
    place: logging.Logger | None = logger
    while place is not None:
        if any(not isinstance(handler, ColumnHandler) for handler in place.handlers):
            return True
        place = place.parent
    return False


def app_logger() -> logging.Logger:
    """The application's logger, `anystream`, on standard error."""
    return get_logger("anystream")


def level_check(logger: Any) -> Callable[[int], bool]:
    """A function that says whether a line of a level would be written."""
    if logger is None:
        return _never
    enabled: Callable[[int], bool] = getattr(logger, "isEnabledFor", _always)
    return enabled


def _never(level: int) -> bool:
    return False


def _always(level: int) -> bool:
    return True


def writer(logger: Any, level: int) -> Callable[[str, Mapping[str, Any]], None]:
    """A function that writes one line with extra fields.

    For the standard library's own `Logger` the record is made without looking for the caller:
    it would always be this file.
    """
    if type(logger) is not logging.Logger:
        return lambda text, extra: logger.log(level, text, extra=extra)
    make, handle, name = logger.makeRecord, logger.handle, logger.name

    def write(text: str, extra: Mapping[str, Any]) -> None:
        handle(make(name, level, "anystream", 0, text, (), None, None, extra))

    return write
