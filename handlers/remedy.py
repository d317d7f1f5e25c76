"""Remedies: pure functions from facts to plans. Steps: the compare-and-swaps that plans are made of.

A remedy never touches the world. It looks at facts, like a check, and answers with the exact
change it would make; people approve *that* plan, by digest.
"""

from __future__ import annotations

import difflib
import hashlib
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from enum import Enum, IntEnum
from typing import Any, ClassVar

from checks.graph import Check, Need, members, needs_of
from checks.model import FailedPull

# Kubelet's back-off reaches five minutes, so no fix has failed before six.
KUBELET_BACK_OFF = timedelta(minutes=6)


class Refused(Exception):
    """The remedy would not help, or must not be done here; the message says why, to people."""


class Conflict(Exception):
    """The world is no longer as the plan saw it. Nothing was changed."""


class Risk(IntEnum):
    """LOW: additive, narrow, one call to undo. MEDIUM: touches a shared object. HIGH: more than one owner."""

    LOW = 1
    MEDIUM = 2
    HIGH = 3


@dataclass(frozen=True, slots=True)
class Diff:
    """``target`` names the object (ARN, namespace/kind/name); the texts are what people compare."""

    target: str
    before: str
    after: str

    def unified(self) -> str:
        """Without file names, and whole where it is short."""
        before, after = self.before.splitlines(), self.after.splitlines()
        lines = difflib.unified_diff(before, after, lineterm="", n=4)
        return "\n".join(list(lines)[2:])  # the first two name files


class Standing(Enum):
    """Where the world is, seen from a step."""

    BEFORE = "before"
    AFTER = "after"
    ELSEWHERE = "elsewhere"


class Step(ABC):
    """Change one thing from ``before`` to ``after``. Subclasses are frozen dataclasses of plain values.

    ``look`` and ``write`` name the write clients they need by type, as facts name theirs.
    ``look`` answers a ``Standing``; ``write`` is called only when it was BEFORE, and answers the
    step as it really happened: services normalise what they are given, and undo must compare with
    what was read back. Both raise ``Unavailable`` for a failed call and ``write`` raises ``Conflict``
    when the service itself noticed that the world had moved.
    """

    look: Callable[..., Any]
    write: Callable[..., Any]
    asks: ClassVar[bool] = False  # see ``handlers.question``

    @abstractmethod
    def diff(self) -> Diff: ...

    @abstractmethod
    def commands(self) -> tuple[str, ...]:
        """What a person would type to do the same, shell-quoted."""

    @abstractmethod
    def inverse(self) -> Step | None:
        """The step that puts ``before`` back; ``None`` if there is no way back."""

    def instead_of(self, pull: FailedPull) -> Mapping[Any, object]:
        """What a verification looks at instead of ``pull``, by type, where pods ask for something else now.

        Nobody pulls the former image any more, or not where it failed: it would never be seen to work.
        """
        return {}


@dataclass(frozen=True, slots=True)
class Plan:
    """``choice`` tells alternatives of one remedy apart; ``caution`` is what an approver must weigh.

    ``lacks``: what has to be configured before we may carry it out; until then it is shown as commands.
    ``risk``: where this plan is riskier than its remedy usually is.
    """

    steps: tuple[Step, ...]
    choice: str = ""
    caution: str = ""
    settles_in: timedelta = KUBELET_BACK_OFF
    lacks: str = ""
    risk: Risk = Risk.LOW

    @property
    def digest(self) -> str:
        """What an approval is bound to: the same change, with the same caution, has the same digest."""
        return hashlib.sha256(repr((self.steps, self.caution)).encode()).hexdigest()[:16]

    @property
    def reversible(self) -> bool:
        return all(step.inverse() is not None for step in self.steps)

    @property
    def asks(self) -> bool:
        """It changes nothing that could cure: its answer is for people."""
        return any(step.asks for step in self.steps)


Plans = Plan | tuple[Plan, ...]


@dataclass(frozen=True, slots=True)
class Remedy:
    """``cures`` is the check that passes afterwards; ``None`` for what only hurries a recovery along.

    ``asks``: it does neither, and only asks somebody who may know more. ``also_cures``: other checks that it
    is offered for, too; what it is offered for is what must pass.
    """

    fn: Callable[..., Plans]
    title: str
    cures: Check | None
    risk: Risk
    needs: tuple[Need, ...]
    asks: bool = False
    also_cures: tuple[Check, ...] = ()

    @property
    def all_cures(self) -> tuple[Check, ...]:
        return () if self.cures is None else (self.cures, *self.also_cures)

    @property
    def id(self) -> str:
        """``aws/attach_pull_policy``: the path of its file, which is named after it."""
        return _named_after_its_file(self.fn)

    def __call__(self, *args: Any) -> tuple[Plan, ...]:
        plans = self.fn(*args)
        return (plans,) if isinstance(plans, Plan) else plans


def remedy(
    title: str, *, cures: Check | None, risk: Risk, asks: bool = False, also_cures: tuple[Check, ...] = ()
) -> Callable[[Callable[..., Plans]], Remedy]:
    """Mark a pure function as a remedy.

    It returns a plan, or several to choose from (the recommended one first), and raises ``Refused``
    where it would not help and ``NotApplicable`` where it makes no sense.
    """
    return lambda fn: Remedy(fn, title, cures, risk, needs_of(fn), asks, also_cures)


@dataclass(frozen=True, slots=True)
class ByHand:
    """What is left to a person: ``words`` say what, who may, and why we do not.

    ``commands`` are shell-quoted; what only that person knows stands there in capitals (``NAT_GATEWAY``).
    """

    words: str
    commands: tuple[str, ...] = ()
    caution: str = ""


@dataclass(frozen=True, slots=True)
class Advice:
    """Asks for facts like a remedy, and answers with words: nothing to approve, and nothing to enable."""

    fn: Callable[..., ByHand]
    title: str
    cures: tuple[Check, ...]
    needs: tuple[Need, ...]

    @property
    def id(self) -> str:
        """As a remedy's: the path of its file, which is named after it."""
        return _named_after_its_file(self.fn)

    def __call__(self, *args: Any) -> ByHand:
        return self.fn(*args)


def by_hand(title: str, *, cures: Check | tuple[Check, ...]) -> Callable[[Callable[..., ByHand]], Advice]:
    """Mark a pure function as advice for when one of ``cures`` fails.

    It raises ``NotApplicable`` where it has nothing to say, for example where a remedy does it.
    """
    checks = cures if isinstance(cures, tuple) else (cures,)
    return lambda fn: Advice(fn, title, checks, needs_of(fn))


def _named_after_its_file(fn: Callable[..., Any]) -> str:
    return fn.__module__.removeprefix("handlers.remedies.").replace(".", "/")


def load_remedies(package: str = "handlers.remedies") -> tuple[Remedy, ...]:
    """Every remedy under ``package``, by id."""
    found = {one for one in members(package) if isinstance(one, Remedy)}
    return tuple(sorted(found, key=lambda one: one.id))


def load_advice(package: str = "handlers.remedies") -> tuple[Advice, ...]:
    """All advice under ``package``, by id."""
    found = {one for one in members(package) if isinstance(one, Advice)}
    return tuple(sorted(found, key=lambda one: one.id))
