"""Every document that any test makes is valid, say the official JSON schemas and the parser."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest


class OfficialCheck:
    """Has each different document checked, and fails the test that made a wrong one."""

    def __init__(self) -> None:
        self._seen: set[str] = set()
        self._parser: Any = None
        self._sent: list[str] = []

    @pytest.hookimpl
    def pytest_sessionstart(self) -> None:
        from anystream.specification.asyncapi import AsyncAPI

        make = AsyncAPI.to_specification

        def made(factory: AsyncAPI) -> Any:
            specification = make(factory)
            self._check_later(specification.to_json())
            return specification

        AsyncAPI.to_specification = made  # type: ignore[method-assign]
        self._undo = lambda: setattr(AsyncAPI, "to_specification", make)

    def _check_later(self, text: str) -> None:
        if text in self._seen:
            return
        self._seen.add(text)
        if self._parser is None:
            from tests.specification.official.parser import OfficialParser

            self._parser = OfficialParser()
        self._parser.send(text)
        self._sent.append(text)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_call(self) -> Iterator[None]:
        try:
            yield
        finally:
            sent, self._sent = self._sent, []
            said = [(text, self._parser.answer()) for text in sent]
        problems = [(it, text) for text, its in said for it in its if it["level"] == "error"]
        if problems:
            pytest.fail(f"not AsyncAPI: {problems[0][0]} in {problems[0][1][:4000]}")

    def pytest_sessionfinish(self) -> None:
        self._undo()
        if self._parser is not None:
            self._parser.close()
