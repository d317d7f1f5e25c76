"""An incident: one cause, the pulls that fail for it, and how far we are with it.

Frozen. Every transition is a method that returns the next incident or refuses, so the rules of
the process are in this file and nowhere else. ``version`` counts saves (``handlers.saving``): the
store refuses one that did not see the save before it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime

from checks.model import SAYS_NOTHING, FailedPull, Finding, causes
from handlers.decision import Change, NotAllowed, NotNow, Offer, Person, Request
from handlers.question import Heard
from handlers.remedy import Step
from handlers.stage import CLOSED, Stage

__all__ = ["CLOSED", "Incident", "Stage"]

# Where a person is needed, a question may still be put to somebody else.
_ASKABLE = (Stage.FOUND, Stage.EXECUTED, Stage.NEEDS_PERSON)


@dataclass(frozen=True, slots=True)
class Incident:
    id: str
    cluster: str
    opened: datetime
    pulls: tuple[FailedPull, ...]
    stage: Stage = Stage.LOOKING
    findings: tuple[Finding, ...] = ()
    offers: tuple[Offer, ...] = ()
    request: Request | None = None
    changes: tuple[Change, ...] = ()
    verified: tuple[Finding, ...] = ()
    note: str = ""  # the last thing people must know: a refusal, an expiry, a recovery by itself
    folded_into: str = ""
    asked_at: Stage = Stage.FOUND  # where a request goes back to if it comes to nothing
    undo_of: datetime | None = None  # when that change was started whose undo is not finished
    recovered: tuple[tuple[str, ...], ...] = ()  # keys of pulls that work again
    changes_before: int = 0  # how many of the changes were made before the present look
    changed: datetime | None = None
    version: int = 0

    # ---- what it is about

    @property
    def causes(self) -> tuple[Finding, ...]:
        return causes(self.findings)

    def offer(self, digest: str) -> Offer:
        for one in self.offers:
            if one.plan is not None and one.digest == digest:
                return one
        raise NotNow("that plan is not the current one any more; look at the newest message of the thread")

    # ---- looking

    def found(self, findings: Iterable[Finding]) -> Incident:
        self._expect(Stage.LOOKING)
        fresh = {(one.check, one.subject.key): one for one in findings}
        kept = (one for one in self.findings if (one.check, one.subject.key) not in fresh)
        return self._next(findings=(*kept, *fresh.values()))

    def narrowed(self, pulls: Iterable[FailedPull]) -> Incident:
        """Keep only ``pulls``: the others have another cause and go on in an incident of their own."""
        self._expect(Stage.LOOKING)
        kept = tuple(pulls)
        keys = {one.key for one in kept}
        return self._next(
            pulls=kept,
            findings=tuple(f for f in self.findings if f.subject.key in keys),
            recovered=tuple(key for key in self.recovered if key in keys),
        )

    def folded(self, into: str) -> Incident:
        self._expect(Stage.LOOKING)
        return self._next(stage=Stage.FOLDED, folded_into=into)

    def proposed(self, offers: Iterable[Offer]) -> Incident:
        self._expect(Stage.LOOKING)
        offered = tuple(offers)
        # What only asks is no cure: without a cause, or a way to fix it, this still needs a person.
        ready = any(one.plan is not None and one.enabled and not one.plan.asks for one in offered)
        return self._next(offers=offered, stage=Stage.FOUND if ready else Stage.NEEDS_PERSON)

    def look_again(self) -> Incident:
        """Start over with fresh eyes; what was changed so far stays on record."""
        if self.stage is Stage.REQUESTED:
            raise NotNow("this waits for an approval; Reject it first, then look again")
        self._expect(Stage.LOOKING, Stage.FOUND, Stage.NEEDS_PERSON, Stage.RESOLVED, Stage.UNDONE)
        return self._afresh()

    def uncovered(self, note: str) -> Incident:
        """The change helped, and the same pulls now fail for another reason."""
        self._expect(Stage.EXECUTED)
        return self._afresh(note)

    def _afresh(self, note: str = "") -> Incident:
        return self._next(
            stage=Stage.LOOKING, findings=(), offers=(), request=None, verified=(), note=note, recovered=(),
            changes_before=len(self.changes),
        )  # fmt: skip

    @property
    def looked_at(self) -> tuple[FailedPull, ...]:
        """The pulls as they were when they were judged; newer sightings may name other pods."""
        return tuple({f.subject.key: f.subject for f in self.findings}.values()) or self.pulls

    def fails_otherwise(self, pulls: Iterable[FailedPull]) -> bool:
        """Whether one of ``pulls``, newer sightings, tells of another fault than the one looked at."""
        looked_at = {f.subject.key: f.subject.symptom for f in self.findings}
        return any(
            pull.symptom not in SAYS_NOTHING and looked_at.get(pull.key, pull.symptom) is not pull.symptom
            for pull in pulls
        )

    def joined(self, pulls: Iterable[FailedPull], findings: Iterable[Finding] = ()) -> Incident:
        """More pods fail for the same cause. A pull that was here is replaced by its newer sighting."""
        newer = {one.key: one for one in pulls}
        kept = tuple(newer.pop(one.key, one) for one in self.pulls)
        known = {(f.check, f.subject.key) for f in self.findings}
        more = tuple(f for f in findings if (f.check, f.subject.key) not in known)
        recovered = tuple(key for key in self.recovered if key not in {p.key for p in pulls})
        return self._next(
            pulls=(*kept, *newer.values()), findings=(*self.findings, *more), recovered=recovered
        )

    # ---- deciding

    def requested(self, digest: str, by: Person, at: datetime, expires: datetime) -> Incident:
        self._expect(*_ASKABLE)
        offer = self.offer(digest)
        if offer.plan is not None and offer.plan.lacks:
            raise NotAllowed(f"{offer.remedy} cannot be carried out by us: {offer.plan.lacks}")
        if not offer.enabled:
            raise NotAllowed(f"{offer.remedy} is not enabled; an operator adds it to remedies.enabled")
        if self.is_done(digest):
            raise NotNow("that was done already; the thread shows what comes of it")
        return self._next(
            stage=Stage.REQUESTED, request=Request(digest, by, at, expires), note="", asked_at=self.stage
        )

    def may_ask_for(self, offer: Offer) -> bool:
        """Whether ``requested`` would take it."""
        ready = offer.plan is not None and offer.enabled and self.stage in _ASKABLE
        return ready and not self.is_done(offer.digest)

    def is_done(self, digest: str) -> bool:
        """Whether this was asked, or carried out and is being verified. Found necessary anew, it is not.

        The same question would get the same answer.
        """
        done = (one for one in self.changes if one.digest == digest and not one.error and not one.undone_by)
        return any(one.asks or self.stage is Stage.EXECUTED for one in done)

    def approved(
        self, digest: str, by: Person, at: datetime, *, second_person: bool, quorum: int
    ) -> Incident:
        request = self._current(digest).approved(by, at, second_person=second_person)
        stage = Stage.APPROVED if len(request.approvals) >= quorum else Stage.REQUESTED
        return self._next(stage=stage, request=request)

    def rejected(self, digest: str, by: Person) -> Incident:
        request = self._current(digest)
        if not by.may_approve and not by.is_same(request.by):
            raise NotAllowed(f"{by.name} is not an approver and did not ask for this")
        return self._withdrawn(f"rejected by {by.name}")

    def expired(self, at: datetime) -> Incident:
        self._expect(Stage.REQUESTED)
        assert self.request is not None  # noqa: S101  narrows the type; the stage guarantees it
        if at < self.request.expires:
            raise NotNow("not yet")
        return self._withdrawn("the request expired before it was approved")

    def outdated(self, why: str) -> Incident:
        """The world moved between the proposal and the execution: look again, ask again."""
        self._expect(Stage.APPROVED)
        return self._next(
            stage=Stage.LOOKING, findings=(), offers=(), request=None, note=f"nothing was changed: {why}",
            changes_before=len(self.changes),
        )  # fmt: skip

    # ---- acting

    def executing(self, at: datetime) -> Incident:
        self._expect(Stage.APPROVED)
        assert self.request is not None  # noqa: S101  narrows the type; the stage guarantees it
        change = Change.begun(self.offer(self.request.digest), self.request, at)
        return self._next(stage=Stage.EXECUTING, changes=(*self.changes, change))

    def stepped(self, step: Step) -> Incident:
        """One more step is done, as read back."""
        self._expect(Stage.EXECUTING)
        last = self.changes[-1]
        return self._next(changes=(*self.changes[:-1], replace(last, steps=(*last.steps, step))))

    def executed(self, at: datetime, error: str = "", walked_back: int = 0) -> Incident:
        self._expect(Stage.EXECUTING)
        change = replace(self.changes[-1], finished=at, error=error, walked_back=walked_back)
        done = Stage.HEARING if change.asks else Stage.EXECUTED
        return self._next(
            stage=Stage.NEEDS_PERSON if error else done,
            changes=(*self.changes[:-1], change),
            request=None,
            # What could not be asked may be asked again; of what else failed we do not know enough.
            offers=() if error and not change.asks else self.offers,
        )

    def heard(self, heard: Heard) -> Incident:
        """The answer to a question, so far."""
        self._expect(Stage.HEARING)
        return self._next(changes=(*self.changes[:-1], replace(self.changes[-1], heard=heard)))

    def answered(self, note: str = "") -> Incident:
        """There is no more to hear: back to where the question was asked."""
        self._expect(Stage.HEARING)
        return self._next(stage=self.asked_at, note=note)

    def followed_up(self, offers: Iterable[Offer]) -> Incident:
        """After a fix: what may hurry the recovery along."""
        self._expect(Stage.EXECUTED)
        return self._next(offers=tuple(offers))

    @property
    def offers_follow_up(self) -> bool:
        """Whether something to hurry the recovery was looked for already."""
        return not any(one.cures for one in self.offers)

    def verification(self, findings: Iterable[Finding]) -> Incident:
        self._expect(Stage.EXECUTED)
        return self._next(verified=tuple(findings))

    def resolved(self, note: str = "") -> Incident:
        self._expect(Stage.LOOKING, Stage.FOUND, Stage.REQUESTED, Stage.EXECUTED, Stage.NEEDS_PERSON)
        return self._next(stage=Stage.RESOLVED, request=None, offers=(), note=note)

    def handed_over(self, note: str) -> Incident:
        self._expect(Stage.LOOKING, Stage.EXECUTING, Stage.EXECUTED, Stage.UNDOING)
        return self._next(stage=Stage.NEEDS_PERSON, request=None, offers=(), note=note)

    def back_again(self, keys: Iterable[tuple[str, ...]]) -> Incident:
        """These pulls work now."""
        return self._next(recovered=tuple(sorted({*self.recovered, *keys})))

    # ---- undoing

    @property
    def undoable(self) -> Change | None:
        """The newest change that can still be undone, if this is the time for it."""
        if self.stage in (Stage.EXECUTED, Stage.RESOLVED, Stage.NEEDS_PERSON, Stage.FOUND):
            for change in reversed(self.changes):
                if change.can_be_undone:
                    return change
        return None

    def undoing(self, digest: str, by: Person) -> Incident:
        change = self.undoable
        if change is None or change.digest != digest:
            raise NotNow("there is nothing to undo here any more")
        by.expect_approver()
        marked = tuple(replace(c, undone_by=by.name) if c == change else c for c in self.changes)
        return self._next(
            stage=Stage.UNDOING, changes=marked, request=None, offers=(), undo_of=change.started
        )

    @property
    def being_undone(self) -> Change:
        """The change of UNDOING. Not always the newest undone one: an older one may follow it."""
        self._expect(Stage.UNDOING)
        return next(one for one in self.changes if one.started == self.undo_of)

    def undone(self, note: str = "") -> Incident:
        self._expect(Stage.UNDOING)
        return self._next(stage=Stage.UNDONE, note=note, undo_of=None)

    # ----

    def _current(self, digest: str) -> Request:
        self._expect(Stage.REQUESTED)
        if self.request is None or self.request.digest != digest:
            raise NotNow("that plan is not the one that waits for approval; look at the newest message")
        return self.request

    def _withdrawn(self, note: str) -> Incident:
        return self._next(stage=self.asked_at, request=None, note=note)

    def _expect(self, *stages: Stage) -> None:
        if self.stage not in stages and self.stage is Stage.LOOKING:
            raise NotNow("this is being looked at just now; try again when the thread says what was found")
        if self.stage not in stages:
            raise NotNow(f"this incident is past that: {self.stage.value}")

    def _next(self, **changes: object) -> Incident:
        return replace(self, **changes)  # type: ignore[arg-type]  # checked by the callers above
