"""Reads the arguments of `run` and `publish`: options that are known, and any others."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from anystream.cli.errors import UsageError
from anystream.cli.options import LEVELS, Option

APPLICATION = re.compile(r"[A-Za-z_][\w.]*:[A-Za-z_][\w.]*")
NEGATIVE_NUMBER = re.compile(r"-\.?\d")


@dataclass
class Arguments:
    """What was typed.

    Args:
        positional: arguments that belong to no option.
        values: the known options.
        extra: the others: texts, lists of texts, `True` and `False`.
    """

    positional: list[str] = field(default_factory=list)
    values: dict[str, Any] = field(default_factory=dict)
    extra: dict[str, Any] = field(default_factory=dict)


def read_arguments(
    words: Sequence[str], options: Sequence[Option], *, many: bool = True
) -> Arguments:
    """Reads arguments.

    Args:
        words: as they were typed.
        options: those that are known; they may stand anywhere.
        many: an unknown option takes all values up to the next option, not just one.

    Raises:
        UsageError: a value is missing or of the wrong kind.
    """
    return _Reader(words, options, many).read()


class _Reader:
    def __init__(self, words: Sequence[str], options: Sequence[Option], many: bool) -> None:
        self.words = list(words)
        self.options = options
        self.by_flag = {flag: option for option in options for flag in option.flags}
        self.many = many
        self.found = Arguments()

    def read(self) -> Arguments:
        while self.words:
            word = self.words.pop(0)
            if word == "--":
                self.found.positional += self.words
                break
            if not _is_option(word):
                self.found.positional.append(word)
                continue
            word = self._apart(word)
            flag, equals, value = word.partition("=")
            given = [value] if equals else None
            if flag in self.by_flag:
                self._known(self.by_flag[flag], flag, given)
            else:
                self._unknown(flag, given)
        for option in self.options:
            if option.name not in self.found.values:
                text = os.environ.get(option.env) if option.env else None
                value = _typed(option, str(option.env), text) if text else option.default
                self.found.values[option.name] = value
        return self.found

    def _apart(self, word: str) -> str:
        """`-w2` is `-w=2`; of `-rf`, `-f` is left for the next turn."""
        option = self.by_flag.get(word[:2])
        if option is None or word.startswith("--") or word[2:3] in ("", "="):
            return word
        if option.kind != "bool":
            return f"{word[:2]}={word[2:]}"
        if f"-{word[2]}" not in self.by_flag:
            return word
        self.words.insert(0, f"-{word[2:]}")
        return word[:2]

    def _known(self, option: Option, flag: str, given: list[str] | None) -> None:
        if option.kind == "bool":
            if given:
                raise UsageError(f"{flag} takes no value")
            self.found.values[option.name] = True
            return
        if given is None:
            if not self.words or _is_option(self.words[0]):
                raise UsageError(f"{flag} needs a value")
            given = [self.words.pop(0)]
        value = _typed(option, flag, given[0])
        if option.kind == "list":
            value = (*self.found.values.get(option.name, ()), value)
        self.found.values[option.name] = value

    def _unknown(self, flag: str, given: list[str] | None) -> None:
        name = flag.lstrip("-").replace("-", "_")
        if not name.isidentifier():
            raise UsageError(f"{flag!r} is no option: an option is written --name value")
        if given is None:
            given = []
            while self.words and not _is_option(self.words[0]) and (self.many or not given):
                given.append(self.words.pop(0))
            given = self._without_application(given)
        if not given:
            off = name.startswith("no_") and len(name) > len("no_")
            self.found.extra[name[len("no_") :] if off else name] = not off
            return
        before = self.found.extra.get(name, [])
        known = before if isinstance(before, list) else [before]
        values = [value for value in known if not isinstance(value, bool)] + given
        self.found.extra[name] = values[0] if len(values) == 1 else values

    def _without_application(self, given: list[str]) -> list[str]:
        """The application may come after other options: `--env dev main:app`."""
        if self.found.positional or not self.many:
            return given
        if given and APPLICATION.fullmatch(given[-1]) and not _application_follows(self.words):
            self.found.positional.append(given.pop())
        return given


def _application_follows(words: Sequence[str]) -> bool:
    return any(APPLICATION.fullmatch(word) for word in words)


def _is_option(word: str) -> bool:
    return word.startswith("-") and len(word) > 1 and not NEGATIVE_NUMBER.match(word)


def _typed(option: Option, source: str, text: str) -> Any:
    try:
        if option.kind == "int":
            return int(text)
        if option.kind == "float":
            return float(text)
        if option.kind == "level":
            return LEVELS[text.lower()]
    except ValueError:
        raise UsageError(f"{source}={text!r}: pass a number") from None
    except KeyError:
        raise UsageError(f"{source}={text!r}: pass one of {', '.join(LEVELS)}") from None
    return text
