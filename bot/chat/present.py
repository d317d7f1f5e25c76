"""What people see: an incident -> its thread. Pure; the only place that chooses words for a thread.

The root always shows the present state. Replies tell the diagnosis, each offer with its exact
diff, the request that waits for approval, what was changed, and how it turned out.
"""

from __future__ import annotations

from collections.abc import Iterator

from bot.chat.actions import Action, Verb
from bot.chat.answers import answer, waiting_for
from bot.chat.changes import change_made, diffs
from bot.chat.message import (
    Block,
    Bold,
    Button,
    Buttons,
    Code,
    Heading,
    Line,
    Message,
    Mono,
    Pairs,
    Paragraph,
    Thread,
)
from checks.model import Finding, Status
from handlers.decision import Offer, Request
from handlers.incident import Incident, Stage
from handlers.remedy import ByHand, Plan

_MARK = {Status.FAIL: "✗", Status.UNKNOWN: "?", Status.PASS: "✓"}
_RANK = {Status.FAIL: 1, Status.UNKNOWN: 2, Status.PASS: 3}
_STATE = {
    Stage.LOOKING: "🔎 Looking",
    Stage.FOUND: "🎯 Cause found",
    Stage.REQUESTED: "⏳ Waiting for approval",
    Stage.APPROVED: "🔧 Fixing",
    Stage.EXECUTING: "🔧 Fixing",
    Stage.EXECUTED: "🔧 Fixing: the change is made, waiting for a real pull",
    Stage.HEARING: "🩺 Asking for a second opinion",
    Stage.UNDOING: "↩️ Undoing",
    Stage.RESOLVED: "✅ Fixed",
    Stage.UNDONE: "↩️ Undone",
    Stage.NEEDS_PERSON: "🙋 Needs a person",
    Stage.FOLDED: "🔗 Same cause as another incident",
}
_SHOWN_WORKLOADS = 5
# A message of Slack holds 50 blocks, and nobody reads more than this.
_SHOWN_FINDINGS = 20
_SHOWN_OFFERS = 10
_SHOWN_TEXT = 2000
_SETTLED = (Stage.FOUND, Stage.NEEDS_PERSON, Stage.RESOLVED, Stage.UNDONE)


def present(incident: Incident) -> Thread:
    return Thread(_root(incident), tuple(_replies(incident)))


def headline(incident: Incident) -> str:
    """One sentence for the root, the notification and ``status``."""
    found = incident.causes
    if found:
        was = "it was: " if incident.stage is Stage.RESOLVED else ""
        return f"{was}{found[0].verdict.summary}"
    if incident.stage is Stage.LOOKING:
        return "the checks are running"
    undecided = len({f.check for f in incident.findings if f.verdict.status is Status.UNKNOWN})
    if undecided:
        return f"the cause is unknown: {undecided} check{'s' * (undecided != 1)} could not be decided"
    return "no check explains it"


def subject(incident: Incident) -> str:
    """``Deployment/ui-private`` or ``Deployment/ui-private and 3 more workloads``."""
    workloads = sorted({pull.workload for pull in incident.pulls})
    more = len(workloads) - 1
    return f"{workloads[0]} and {more} more workload{'s' * (more > 1)}" if more else workloads[0]


def _root(incident: Incident) -> Message:
    pulls = incident.pulls
    pods = sum(len(pull.pods) for pull in pulls)
    state = _STATE[incident.stage]
    blocks: list[Block] = [Heading(f"{subject(incident)} cannot pull {_its_image(incident)}")]
    for pull in pulls[:_SHOWN_WORKLOADS]:
        where = f" in {pull.namespace} on {pull.cluster}"
        blocks.append(Paragraph((Bold(pull.workload), where, ": ", Mono(pull.image))))
    if len(pulls) > _SHOWN_WORKLOADS:
        blocks.append(Paragraph((f"… and {len(pulls) - _SHOWN_WORKLOADS} more",)))
    blocks.append(Paragraph((Bold(state), f" · {headline(incident)}")))
    note = f" · {incident.note}" if incident.note else ""
    if asked := waiting_for(incident):
        note += f" · {asked}"
    if incident.folded_into:
        note += f" · it goes on in the thread of incident {incident.folded_into}"
    kind = "task" if all(pull.of_ecs for pull in pulls) else "pod"
    count = f"{pods} {kind}{'s' * (pods != 1)}"
    blocks.append(Paragraph((f"{count} · {pulls[0].symptom.value} · incident {incident.id}{note}",)))
    return Message("root", f"{state}: {subject(incident)}: {headline(incident)}", tuple(blocks))


def _its_image(incident: Incident) -> str:
    return "its image" if len({pull.image for pull in incident.pulls}) == 1 else "their images"


def _replies(incident: Incident) -> Iterator[Message]:
    if incident.findings:
        yield _diagnosis(incident)
    planned = [(offer, offer.plan) for offer in incident.offers if offer.plan is not None]
    for offer, plan in planned[:_SHOWN_OFFERS]:
        yield _offer(incident, offer, plan)
    advised = [(offer.title, offer.by_hand) for offer in incident.offers if offer.by_hand is not None]
    if advised:
        yield _by_hand(list(dict.fromkeys(advised)))
    if len(planned) + len(advised) < len(incident.offers) or len(planned) > _SHOWN_OFFERS:
        yield _not_offered(incident, len(planned) - _SHOWN_OFFERS)
    if incident.request is not None and incident.stage is Stage.REQUESTED:
        yield _request(incident, incident.request)
    for number, change in enumerate(incident.changes):
        yield change_made(incident, number, change)
        if (said := answer(incident, number, change)) is not None:
            yield said
    if incident.verified:
        yield _verification(incident)


def _diagnosis(incident: Incident) -> Message:
    blocks: list[Block] = [Heading("Diagnosis")]
    everything = list(_told_once(incident))
    told = [one for one in everything if one[0].verdict.status is not Status.PASS]
    for finding, pulls in told[:_SHOWN_FINDINGS]:
        title = (
            finding.title if not _is_latent(finding) else f"{finding.title} (also wrong, not the cause now)"
        )
        about = f" [{pulls}]" if pulls else ""
        mark = _MARK[finding.verdict.status]
        blocks.append(Paragraph((f"{mark} ", Bold(title), f"{about}: {finding.verdict.summary}")))
        if finding.verdict.evidence:
            blocks.append(Pairs(finding.verdict.evidence))
    blocks += _and_more(len(told) - _SHOWN_FINDINGS)
    passed = ((one.title, pulls) for one, pulls in everything if one.verdict.status is Status.PASS)
    if fine := dict.fromkeys(f"{title} [{pulls}]" if pulls else title for title, pulls in passed):
        blocks.append(Paragraph((f"{_MARK[Status.PASS]} ", "; ".join(fine))))
    blocks.append(Paragraph(("The runtime said:",)))
    blocks.append(Code(_shortened(incident.pulls[0].message) or "(nothing: the pull hangs)"))
    if incident.stage in _SETTLED:
        again = Button("Check again", str(Action(Verb.CHECK_AGAIN, incident.id)))
        mute = Button("Mute 2 h", str(Action(Verb.MUTE, incident.id)))
        blocks.append(Buttons((again, mute)))
    return Message("diagnosis", f"Diagnosis: {headline(incident)}", tuple(blocks))


def _told_once(incident: Incident) -> Iterator[tuple[Finding, str]]:
    """Findings, causes first, each said once; with the workloads it concerns where they differ."""
    merged: dict[tuple[str, object, bool], list[Finding]] = {}
    for finding in incident.findings:
        merged.setdefault((finding.check, finding.verdict, finding.is_cause), []).append(finding)
    everyone = len({pull.key for pull in incident.pulls})
    groups = sorted(
        merged.values(),
        key=lambda same: (
            0 if same[0].is_cause else _RANK[same[0].verdict.status],
            same[0].order,
        ),
    )
    for same in groups:
        partly = len(same) < everyone
        yield same[0], ", ".join(sorted({f.subject.workload for f in same})[:3]) if partly else ""


def _is_latent(finding: Finding) -> bool:
    return finding.verdict.status is Status.FAIL and not finding.explains


def _offer(incident: Incident, offer: Offer, plan: Plan) -> Message:
    blocks: list[Block] = [Heading(offer.title)]
    if plan.caution:
        blocks.append(Paragraph((Bold("Mind: "), plan.caution)))
    blocks += diffs(plan.steps)
    commands = tuple(command for step in plan.steps for command in step.commands())
    blocks += [Paragraph(("The same by hand:",)), Code("\n".join(commands))]
    way_back = "can be undone" if plan.reversible else "CANNOT be undone"
    blocks.append(Paragraph((f"Risk {offer.risk.name.lower()} · {way_back} · plan {offer.digest}",)))
    if not offer.enabled:
        why = f"Not carried out by this bot ({plan.lacks})" if plan.lacks else "Not enabled for this bot"
        blocks.append(Paragraph((f"{why}: a person can run the commands above.",)))
    elif incident.may_ask_for(offer):
        ask = Action(Verb.FIX, incident.id, offer.digest)
        blocks.append(Buttons((Button(f"Fix: {offer.title}", str(ask), "primary"),)))
    return Message(f"offer:{offer.digest}", f"Proposal: {offer.title}", tuple(blocks))


def _by_hand(advised: list[tuple[str, ByHand]]) -> Message:
    blocks: list[Block] = [Heading("What a person would do")]
    for title, advice in advised[:_SHOWN_OFFERS]:
        blocks.append(Paragraph((Bold(title), f": {advice.words}")))
        if advice.caution:
            blocks.append(Paragraph((Bold("Mind: "), advice.caution)))
        if advice.commands:
            blocks.append(Code("\n".join(advice.commands)))
    blocks += _and_more(len(advised) - _SHOWN_OFFERS)
    return Message("by-hand", "What a person would do", tuple(blocks))


def _not_offered(incident: Incident, too_many: int) -> Message:
    refused = (o for o in incident.offers if o.plan is None and o.by_hand is None)
    said = list(dict.fromkeys((o.title, o.refused) for o in refused))
    blocks: list[Block] = [Heading("Not offered, and why")]
    blocks += [Paragraph((Bold(title), f": {why}")) for title, why in said[:_SHOWN_FINDINGS]]
    blocks += _and_more(len(said) - _SHOWN_FINDINGS)
    if too_many > 0:
        blocks.append(Paragraph((f"{too_many} more plans: too many for a thread; do the first ones first.",)))
    return Message("not-offered", "Not offered, and why", tuple(blocks))


def _request(incident: Incident, request: Request) -> Message:
    offer = incident.offer(request.digest)
    until = request.expires.strftime("%H:%M UTC")
    line: Line = (Bold(request.by.name), f" asks for approval: {offer.title} (until {until})")
    blocks: list[Block] = [Paragraph(line), Paragraph(("Plan ", Mono(request.digest), ", shown above."))]
    if request.approvals:
        names = ", ".join(one.by.name for one in request.approvals)
        blocks.append(Paragraph((f"Approved so far by {names}; it waits for another approver.",)))
    approve = Action(Verb.APPROVE, incident.id, request.digest)
    reject = Action(Verb.REJECT, incident.id, request.digest)
    buttons = (Button("Approve", str(approve), "primary"), Button("Reject", str(reject), "danger"))
    blocks.append(Buttons(buttons))
    key = f"request:{request.digest}:{request.at.strftime('%H%M%S')}"
    return Message(key, f"{request.by.name} asks for approval: {offer.title}", tuple(blocks))


def _verification(incident: Incident) -> Message:
    seen = sorted(incident.verified, key=lambda f: _RANK[f.verdict.status])
    lines = list(dict.fromkeys((f.verdict.status, f.title, f.verdict.summary) for f in seen))
    blocks: list[Block] = [
        Paragraph((f"{_MARK[status]} ", Bold(title), f": {summary}"))
        for status, title, summary in lines[:_SHOWN_FINDINGS]
    ]
    blocks += _and_more(len(lines) - _SHOWN_FINDINGS)
    good = all(f.verdict.status is Status.PASS for f in incident.verified)
    watching = incident.stage is Stage.EXECUTED
    text = "Verified" if good else "Watching whether it helped" if watching else "Not verified"
    return Message("verification", text, (Heading(text), *blocks))


def _and_more(count: int) -> list[Block]:
    return [Paragraph((f"… and {count} more",))] if count > 0 else []


def _shortened(text: str) -> str:
    return text if len(text) <= _SHOWN_TEXT else f"{text[:_SHOWN_TEXT]}… ({len(text)} characters)"
