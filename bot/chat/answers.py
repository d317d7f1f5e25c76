"""The answer to a question, as a message of the thread. Pure. All of it is a stranger's text."""

from __future__ import annotations

from bot.chat.message import Block, Bold, Code, Heading, Message, Paragraph
from handlers.decision import Change
from handlers.incident import Incident, Stage
from handlers.question import Heard, Question


def waiting_for(incident: Incident) -> str:
    """Who is being asked just now, for the root; "" for nobody."""
    asked = _question(incident.changes[-1]) if incident.stage is Stage.HEARING else None
    return asked.asked if asked else ""


def answer(incident: Incident, number: int, change: Change) -> Message | None:
    """``None``: nothing was asked, or it could not be asked."""
    asked = _question(change)
    if asked is None or change.error:
        return None
    waiting = incident.stage is Stage.HEARING and change is incident.changes[-1]
    heard = change.heard or Heard()
    text = _state(heard, waiting=waiting)
    blocks: list[Block] = [Heading("What was answered" if heard.over else "What is answered so far")]
    blocks.append(Paragraph((f"{asked.asked}: ", Bold(text))))
    if heard.trouble:
        again = "; it is asked again" if waiting else ""
        blocks.append(Paragraph((f"The last time it could not be asked: {heard.trouble}{again}",)))
    for title, said in heard.parts:
        blocks += [Paragraph((Bold(title),)), Code(said)]
    if not heard.over:
        blocks.append(Paragraph(("To look at it by hand, and to end it:",)))
        blocks.append(Code("\n".join(asked.afterwards())))
    else:
        blocks.append(Paragraph(("It changes nothing here: a person judges what it is worth.",)))
    return Message(f"heard:{number}", f"{change.title}: {text}", tuple(blocks))


def _state(heard: Heard, *, waiting: bool) -> str:
    if heard.over:
        return f"ended as {heard.state}" + ("" if heard.parts else ", and said nothing")
    if waiting:
        return heard.state or "was asked just now"
    return f"no answer yet when the time was up ({heard.state or 'nothing was heard'})"


def _question(change: Change) -> Question | None:
    return next((step for step in change.steps if isinstance(step, Question)), None)
