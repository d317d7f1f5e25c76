"""A diagnosis to paste into an issue. What strangers wrote is code or escaped, so it stays text."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from bot.terminal.report import Diagnosis, commands, diffs, undo_commands
from bot.terminal.text import MARK
from bot.terminal.untrusted import block_in_markdown, code_in_markdown, in_markdown
from checks.model import FailedPull, Finding, Status
from handlers.decision import Offer
from handlers.remedy import ByHand, Plan


def as_markdown(diagnoses: Iterable[Diagnosis]) -> str:
    return "\n\n".join("\n".join(_diagnosis(one)) for one in diagnoses)


def _diagnosis(one: Diagnosis) -> Iterator[str]:
    pull = one.pull
    yield f"## {code_in_markdown(pull.workload)} cannot pull its image"
    yield ""
    yield f"**{in_markdown(one.headline)}**"
    yield ""
    where = {
        "Image": pull.image,
        "Cluster": pull.cluster,
        "Namespace": pull.namespace,
        "Tasks" if pull.of_ecs else "Pods": ", ".join(pull.pods),
        "Runs on" if pull.of_ecs else "Nodes": ", ".join(pull.nodes) or _fargate(pull),
        "Symptom": pull.symptom.value,
    }
    yield from (f"- {name}: {code_in_markdown(value)}" for name, value in where.items() if value)
    yield ""
    yield from block_in_markdown(pull.message or "(nothing: the pull hangs)")
    yield from _findings("Cause" if len(one.causes) == 1 else "Causes, root first", one.causes)
    yield from _findings("Also wrong", one.others(Status.FAIL))
    yield from _findings("Not known", one.others(Status.UNKNOWN))
    if fine := one.others(Status.PASS):
        yield ""
        yield f"{MARK[Status.PASS]} {in_markdown('; '.join(finding.title for finding in fine))}"
    for offer in one.offers:
        if offer.plan is not None:
            yield ""
            yield from _offer(offer, offer.plan)
    for offer in one.offers:
        if offer.by_hand is not None:
            yield ""
            yield from _by_hand(offer.title, offer.by_hand)
    yield from _not_offered([offer for offer in one.offers if offer.plan is None and offer.by_hand is None])


def _fargate(pull: FailedPull) -> str:
    return "Fargate" if pull.host_kind.partition("/")[0] == "fargate" else ""


def _findings(heading: str, findings: tuple[Finding, ...]) -> Iterator[str]:
    if not findings:
        return
    yield ""
    yield f"### {heading}"
    for finding in findings:
        mark, title = MARK[finding.verdict.status], in_markdown(finding.title)
        yield ""
        yield f"{mark} **{title}**: {in_markdown(finding.verdict.summary)}"
        yield ""
        for name, value in finding.verdict.evidence:
            yield f"- {in_markdown(name)}: {code_in_markdown(value)}"


def _offer(offer: Offer, plan: Plan) -> Iterator[str]:
    yield f"### Remedy: {in_markdown(offer.title)}"
    yield ""
    back = "can be undone" if plan.reversible else "cannot be undone"
    yield f"Risk {offer.risk.name.lower()}, {back}."
    if plan.caution:
        yield f"Mind: {in_markdown(plan.caution)}"
    for target, changes in diffs(plan):
        yield ""
        yield code_in_markdown(target)
        yield ""
        yield from block_in_markdown(changes, "diff")
    yield ""
    yield "By hand:"
    yield ""
    yield from block_in_markdown("\n".join(commands(plan)), "sh")
    if undo := undo_commands(plan):
        yield ""
        yield "To undo:"
        yield ""
        yield from block_in_markdown("\n".join(undo), "sh")


def _by_hand(title: str, advice: ByHand) -> Iterator[str]:
    yield f"### By hand: {in_markdown(title)}"
    yield ""
    yield in_markdown(advice.words)
    if advice.caution:
        yield f"Mind: {in_markdown(advice.caution)}"
    if advice.commands:
        yield ""
        yield from block_in_markdown("\n".join(advice.commands), "sh")


def _not_offered(offers: list[Offer]) -> Iterator[str]:
    if not offers:
        return
    yield ""
    yield "### Not offered, and why"
    yield ""
    for offer in offers:
        first, _, rest = offer.refused.partition("\n")
        yield f"- {in_markdown(offer.title)}: {in_markdown(first)}"
        if rest:  # a policy statement, for example
            yield ""
            yield from (f"  {line}" for line in block_in_markdown(rest))
