"""What a measurement says, and whether that is good enough."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Figure:
    """``ratio`` may be up to ``allowed``; ``told`` says what it is made of; ``holds``: what else must be."""

    name: str
    told: str
    ratio: float
    allowed: float
    holds: bool = True

    @property
    def is_good(self) -> bool:
        return self.holds and self.ratio <= self.allowed

    def __str__(self) -> str:
        mark = "ok" if self.is_good else "TOO MUCH"
        return f"{self.name:42} {self.ratio:6.2f} of {self.allowed:.2f}  {mark:9} {self.told}"
