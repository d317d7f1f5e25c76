"""A value that must not be seen: no ``repr``, no pickle, no copy into a log by accident.

``reveal()`` is the only way in, so every use of a secret can be found with grep.
"""

from __future__ import annotations

from typing import Generic, NoReturn, TypeVar

T = TypeVar("T")


class Secret(Generic[T]):
    """Holds a token, password or presigned URL. ``str`` and ``repr`` say only that it is there."""

    __slots__ = ("_value",)

    def __init__(self, value: T) -> None:
        self._value = value

    def reveal(self) -> T:
        return self._value

    def __repr__(self) -> str:
        return "Secret(…)"

    def __reduce__(self) -> NoReturn:
        raise TypeError("a secret is never pickled or copied")
