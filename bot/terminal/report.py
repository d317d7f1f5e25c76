"""What ``pullbot why`` has to tell about each failing pull, and its form for programs.

The JSON is public: keys, their order and their meaning change only with another ``schema``.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from checks.model import FailedPull, Finding, Status, causes
from handlers.decision import Offer
from handlers.remedy import Plan

SCHEMA = "pullbot/diagnosis/v1"
_RANK = {Status.FAIL: 1, Status.UNKNOWN: 2, Status.PASS: 3}


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """One failing pull, what was found, and what may be done about it, the root cause's remedies first."""

    pull: FailedPull
    findings: tuple[Finding, ...]
    offers: tuple[Offer, ...] = ()

    @property
    def causes(self) -> tuple[Finding, ...]:
        return causes(self.findings)

    def others(self, status: Status) -> tuple[Finding, ...]:
        """Findings of that status that are no cause, in the order of the pull's stations."""
        some = (f for f in self.findings if f.verdict.status is status and not f.is_cause)
        return tuple(sorted(some, key=lambda f: f.order))

    @property
    def in_order(self) -> tuple[Finding, ...]:
        return (*self.causes, *(finding for status in _RANK for finding in self.others(status)))

    @property
    def headline(self) -> str:
        """The root cause in one sentence, or that it is not known."""
        if self.causes:
            return self.causes[0].verdict.summary
        undecided = len(self.others(Status.UNKNOWN))
        if undecided:
            checks = "one check" if undecided == 1 else f"{undecided} checks"
            return f"the cause is not known: {checks} could not be decided"
        return "the cause is not known: nothing that was looked at explains it"


@dataclass(frozen=True, slots=True)
class Effort:
    """What the whole look took, all failing pulls together. ``calls``: by kind of API."""

    calls: Mapping[str, int]
    seconds: float


def as_json(diagnoses: Iterable[Diagnosis], effort: Effort) -> str:
    """A list with one object for each failing pull; ``[]`` when nothing fails. ASCII only."""
    return json.dumps([_object(one, effort) for one in diagnoses], indent=2)


def _object(one: Diagnosis, effort: Effort) -> dict[str, Any]:
    pull = one.pull
    return {
        "schema": SCHEMA,
        "cluster": pull.cluster,
        "namespace": pull.namespace,
        "workload": pull.workload,
        "pods": list(pull.pods),
        "nodes": list(pull.nodes),
        "image": pull.image,
        "symptom": pull.symptom.value,
        "message": pull.message,
        "findings": [_finding(finding) for finding in one.in_order],
        "causes": [finding.check for finding in one.causes],
        "remedies": [_remedy(offer) for offer in one.offers],
        "calls": dict(effort.calls),
        "seconds": round(effort.seconds, 2),
    }


def _finding(finding: Finding) -> dict[str, Any]:
    verdict = finding.verdict
    return {
        "check": finding.check,
        "status": verdict.status.value,
        "summary": verdict.summary,
        "evidence": [list(pair) for pair in verdict.evidence],
    }


def _remedy(offer: Offer) -> dict[str, Any]:
    """``offered``: it fits and would help. Whether an operator lets the bot do it is another matter.

    Advice changes nothing by itself, so there is no diff; nor is there a way back that we would know.
    """
    plan, advice = offer.plan, offer.by_hand
    told: dict[str, Any] = {"refused": offer.refused, "reversible": None, "diff": None, "commands": []}
    if plan is not None:
        diff = "\n".join(f"{target}\n{changes}" for target, changes in diffs(plan))
        told = {"refused": None, "reversible": plan.reversible, "diff": diff, "commands": [*commands(plan)]}
    elif advice is not None:
        why = f"{advice.words}. Mind: {advice.caution}" if advice.caution else advice.words
        told = {"refused": why, "reversible": False, "diff": "", "commands": [*advice.commands]}
    return {
        "id": offer.remedy,
        "cures": offer.cures,
        "title": offer.title,
        "risk": offer.risk.name.lower(),
        "offered": plan is not None,
        **told,
    }


def diffs(plan: Plan) -> list[tuple[str, str]]:
    """For each step what it changes and how, as a unified diff without file names."""
    return [(diff.target, diff.unified()) for diff in (step.diff() for step in plan.steps)]


def commands(plan: Plan) -> tuple[str, ...]:
    """What a person would type to do it."""
    return tuple(command for step in plan.steps for command in step.commands())


def undo_commands(plan: Plan) -> tuple[str, ...]:
    """What a person would type to take it back, last step first; nothing where there is no way back."""
    back = [step.inverse() for step in reversed(plan.steps)]
    if any(step is None for step in back):
        return ()
    return tuple(command for step in back if step is not None for command in step.commands())
