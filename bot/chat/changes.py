"""What was changed, as messages of the thread, and the exact diff of what is or would be. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from bot.chat.actions import Action, Verb
from bot.chat.message import Block, Bold, Button, Buttons, Code, Heading, Message, Mono, Paragraph
from handlers.decision import Change
from handlers.incident import Incident, Stage
from handlers.remedy import Step


def change_made(incident: Incident, number: int, change: Change) -> Message:
    approved = f"Approved by {', '.join(change.approved_by)}."
    step = min(len(change.steps) + 1, change.planned)
    if change.error:
        text = f"failed at step {step} of {change.planned}: {change.error}; {_left_behind(change)}"
    elif change.finished is None:
        # Clouds take half an hour for some steps; who waits wants to know for how long already.
        text = (
            f"step {step} of {change.planned} is running (begun at {change.started:%H:%M} UTC){_far(change)}"
        )
    elif change.started == incident.undo_of:
        undone = "is being undone" if incident.stage is Stage.UNDOING else "was not wholly undone"
        text = f"done, and {undone}, as {change.undone_by} asked{_far(change)}"
    elif change.undone_by:
        text = f"done, and then undone by {change.undone_by}"
    else:
        text = f"done: {change.planned} of {change.planned} steps"
    blocks: list[Block] = [Heading(change.title), Paragraph((f"{approved} ", Bold(text)))]
    blocks += diffs(change.steps)
    if incident.undoable == change:
        undo = Action(Verb.UNDO, incident.id, change.digest)
        blocks.append(Buttons((Button("Undo", str(undo), "danger"),)))
    return Message(f"change:{number}", f"{change.title}: {text}", tuple(blocks))


def _far(change: Change) -> str:
    return f"; {change.progress}" if change.progress else ""


def _left_behind(change: Change) -> str:
    """What a failed change leaves of itself."""
    if change.asks:
        return "it may run all the same" if change.steps else "nothing is known to have been started"
    if change.whole:
        return "everything was put back" if change.steps else "nothing was changed"
    return f"{change.walked_back} of {len(change.steps)} steps were put back; look at the others"


def diffs(steps: Iterable[Step]) -> list[Block]:
    blocks: list[Block] = []
    for step in steps:
        diff = step.diff()
        blocks += [Paragraph((Mono(diff.target),)), Code(diff.unified())]
    return blocks
