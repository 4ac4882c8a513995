"""The value that means "not given", different from None."""

from __future__ import annotations

from typing import Any


class _Empty:
    __slots__ = ()

    def __bool__(self) -> bool:
        return False

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Empty)

    def __hash__(self) -> int:
        return hash(_Empty)

    def __repr__(self) -> str:
        return "EMPTY"

    def __copy__(self) -> _Empty:
        return self

    def __deepcopy__(self, memo: Any) -> _Empty:
        return self


EMPTY: Any = _Empty()
