"""Questions: steps that ask somebody who may know more, and are answered later.

Asking may leave things behind, so it is planned, shown and approved as a change is. Its answer is a
stranger's word: people read it, and nothing is decided by it.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar

from handlers.remedy import Step


@dataclass(frozen=True, slots=True)
class Heard:
    """The answer so far. ``state``: the other side's word for how far it is; ``parts``: titles and texts.

    ``over``: there will be no more. ``trouble``: why it could not be asked the last time.
    """

    state: str = ""
    parts: tuple[tuple[str, str], ...] = ()
    over: bool = False
    trouble: str = ""


class Question(Step):
    """``hear`` names its clients by type, as ``write`` does, and answers a ``Heard``.

    :raises Unavailable: what it has to say could not be read; it is asked again
    """

    asks: ClassVar[bool] = True
    hear: Callable[..., Any]

    @property
    @abstractmethod
    def asked(self) -> str:
        """Who is being asked, under which name: what people read while they wait."""

    @abstractmethod
    def afterwards(self) -> tuple[str, ...]:
        """The commands with which a person looks at what was started, and stops it."""

    def inverse(self) -> None:
        """What was asked cannot be taken back."""
