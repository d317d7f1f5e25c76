"""What people decide on: an offer, somebody's request for it, approvals, and the change that came of it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from handlers.question import Heard
from handlers.remedy import Advice, ByHand, Plan, Remedy, Risk, Step


class NotNow(Exception):
    """The incident is not at the stage this needs, or the plan is not the current one."""


class NotAllowed(Exception):
    """This person may not do this; the message says who may."""


@dataclass(frozen=True, slots=True)
class Person:
    """``id`` is unique over all chats (``slack:U0ALICE``): the account that did it.

    ``may_approve`` was decided by the bot, never by a payload. ``others``: what else they are known by, their
    accounts in other chats (``teams:…``) and their address (``email:…``). ``unsure``: the address counts, and
    could not be read. ``why_not``: in words, why they may not approve.
    """

    id: str
    name: str
    may_approve: bool = False
    others: tuple[str, ...] = ()
    unsure: bool = False
    why_not: str = ""

    def expect_approver(self) -> None:
        """:raises NotAllowed: they are none"""
        if not self.may_approve:
            raise NotAllowed(
                self.why_not or f"{self.name} is not an approver (approvals.approvers in the configuration)"
            )

    def is_same(self, other: Person) -> bool:
        """Whether both are one human. One side that knows it is enough: it may have been said since."""
        return not {self.id, *self.others}.isdisjoint((other.id, *other.others))

    def may_be(self, other: Person) -> bool:
        """Whether nobody knows if both are one human. Two accounts in one chat are two."""
        chats = {one.id.partition(":")[0] for one in (self, other)}
        return not self.is_same(other) and (self.unsure or other.unsure) and len(chats) > 1


@dataclass(frozen=True, slots=True)
class Offer:
    """A remedy for a failing check. Without a plan, ``refused`` says why it is not offered.

    ``by_hand``: it is advice, which never has a plan; ``refused`` then says what a person has to do.

    ``enabled`` is the operator's word: without it the plan is shown as commands for a person.
    """

    remedy: str
    title: str
    risk: Risk
    cures: str
    plan: Plan | None
    refused: str = ""
    enabled: bool = False
    digest: str = ""  # of the plan, as it was when it was made: a newer version of us may read it otherwise
    by_hand: ByHand | None = None

    @classmethod
    def of(cls, remedy: Remedy, plan: Plan | None, *, refused: str = "", enabled: bool = False) -> Offer:
        title = f"{remedy.title}: {plan.choice}" if plan and plan.choice else remedy.title
        cures = remedy.cures.id if remedy.cures else ""
        digest = plan.digest if plan else ""
        risk = max(remedy.risk, plan.risk) if plan else remedy.risk
        return cls(remedy.id, title, risk, cures, plan, refused, enabled, digest)

    @classmethod
    def advised(cls, advice: Advice, check: str, by_hand: ByHand) -> Offer:
        return cls(advice.id, advice.title, Risk.HIGH, check, None, by_hand.words, by_hand=by_hand)


@dataclass(frozen=True, slots=True)
class Approval:
    by: Person
    at: datetime


@dataclass(frozen=True, slots=True)
class Request:
    """Somebody pressed Fix on one exact plan."""

    digest: str
    by: Person
    at: datetime
    expires: datetime
    approvals: tuple[Approval, ...] = ()

    def approved(self, by: Person, at: datetime, *, second_person: bool) -> Request:
        """:raises NotAllowed, NotNow: they may not, or it is too late"""
        if at >= self.expires:
            raise NotNow("this request has expired; press Fix to ask again")
        by.expect_approver()
        if second_person and by.is_same(self.by):
            raise NotAllowed("the person who asked may not approve; a second person must")
        if any(by.is_same(one.by) for one in self.approvals):
            raise NotNow(f"{by.name} has approved this already; it waits for another approver")
        for other in (*(one.by for one in self.approvals), *((self.by,) if second_person else ())):
            if by.may_be(other):
                raise NotNow(
                    f"it cannot be told whether {by.name} and {other.name} are two people: an address could"
                    " not be read; try again, and if that does not help, reject this and ask anew"
                )
        return replace(self, approvals=(*self.approvals, Approval(by, at)))


@dataclass(frozen=True, slots=True)
class Change:
    """A plan that was carried out: its steps as they were read back, so that undo is exact.

    ``error`` is set when a step failed; ``walked_back`` counts the steps that were then undone.
    ``asks``: it was a question; ``heard`` is the answer so far. ``progress``: how far the step is that runs.
    """

    remedy: str
    title: str
    cures: str
    digest: str
    approved_by: tuple[str, ...]
    started: datetime
    planned: int
    settles_in: timedelta
    steps: tuple[Step, ...] = ()
    finished: datetime | None = None
    error: str = ""
    walked_back: int = 0
    undone_by: str = ""
    asks: bool = False
    heard: Heard | None = None
    progress: str = ""

    @classmethod
    def begun(cls, offer: Offer, request: Request, at: datetime) -> Change:
        """Nothing of it is done yet. ``offer`` has a plan, or nobody could have asked for it."""
        assert offer.plan is not None  # noqa: S101  narrows the type; see above
        names = tuple(one.by.name for one in request.approvals)
        return cls(
            offer.remedy, offer.title, offer.cures, offer.digest, names, at,
            len(offer.plan.steps), offer.plan.settles_in, asks=offer.plan.asks,
        )  # fmt: skip

    @property
    def whole(self) -> bool:
        """True if the world is wholly changed or wholly as it was."""
        return not self.error or len(self.steps) == self.walked_back

    @property
    def can_be_undone(self) -> bool:
        reversible = bool(self.steps) and all(step.inverse() is not None for step in self.steps)
        return self.finished is not None and not self.error and not self.undone_by and reversible
