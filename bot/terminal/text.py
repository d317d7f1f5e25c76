"""A diagnosis for people at a terminal: the cause first, then the proof, then what to do.

Prose is wrapped to the terminal; diffs, commands and names never are, so that they can be copied.
"""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from bot.terminal.report import Diagnosis, commands, diffs, undo_commands
from bot.terminal.untrusted import on_lines, on_one_line
from checks.model import FailedPull, Finding, Status
from handlers.decision import Offer
from handlers.remedy import ByHand, Plan, Risk

MARK = {Status.FAIL: "✗", Status.UNKNOWN: "?", Status.PASS: "✓"}
_WIDEST = 120
_NARROWEST = 40
_NAMED = 3  # pods and nodes that are named; the others are counted

Paint = Callable[[str], str]


@dataclass(frozen=True, slots=True)
class Palette:
    """ANSI colours, or nothing at all where they are not wanted."""

    on: bool

    def bold(self, text: str) -> str:
        return self._sgr("1", text)

    def dim(self, text: str) -> str:
        return self._sgr("2", text)

    def red(self, text: str) -> str:
        return self._sgr("31", text)

    def green(self, text: str) -> str:
        return self._sgr("32", text)

    def yellow(self, text: str) -> str:
        return self._sgr("33", text)

    def cyan(self, text: str) -> str:
        return self._sgr("36", text)

    def of(self, status: Status) -> Paint:
        return {Status.FAIL: self.red, Status.UNKNOWN: self.yellow, Status.PASS: self.green}[status]

    def _sgr(self, code: str, text: str) -> str:
        return f"\x1b[{code}m{text}\x1b[0m" if self.on and text else text


class Text:
    """:param width: columns of the terminal"""

    def __init__(self, palette: Palette, width: int) -> None:
        self._palette = palette
        self._width = max(_NARROWEST, min(width, _WIDEST))

    def render(self, diagnoses: Iterable[Diagnosis]) -> str:
        return "\n\n".join("\n".join(self._diagnosis(one)) for one in diagnoses)

    def _diagnosis(self, one: Diagnosis) -> Iterator[str]:
        paint = self._palette
        yield from self._prose(f"✗ {one.pull.workload} cannot pull its image", "  ", paint.red)
        yield from self._prose(f"  {one.headline}", "  ", paint.bold)
        yield ""
        yield from self._pairs(_where(one.pull), "  ")
        yield from self._findings("Cause" if len(one.causes) == 1 else "Causes, root first", one.causes)
        yield from self._findings("Also wrong", one.others(Status.FAIL))
        yield from self._findings("Not known", one.others(Status.UNKNOWN))
        if fine := one.others(Status.PASS):
            yield ""
            yield from self._prose(f"✓ {'; '.join(finding.title for finding in fine)}", "  ", paint.green)
        for offer in one.offers:
            if offer.plan is not None:
                yield ""
                yield from self._offer(offer, offer.plan)
        for offer in one.offers:
            if offer.by_hand is not None:
                yield ""
                yield from self._by_hand(offer.title, offer.by_hand)
        yield from self._not_offered([one for one in one.offers if one.plan is None and one.by_hand is None])

    def _findings(self, heading: str, findings: tuple[Finding, ...]) -> Iterator[str]:
        if not findings:
            return
        yield ""
        yield self._palette.bold(heading)
        for finding in findings:
            verdict = finding.verdict
            paint = self._palette.of(verdict.status)
            yield from self._prose(f"  {MARK[verdict.status]} {finding.title}", "    ", paint)
            yield from self._prose(f"    {verdict.summary}", "    ")
            yield from self._pairs(verdict.evidence, "    ")

    def _offer(self, offer: Offer, plan: Plan) -> Iterator[str]:
        paint = self._palette
        yield from self._prose(f"Remedy: {offer.title}", "  ", paint.bold)
        risk = {Risk.LOW: paint.green, Risk.MEDIUM: paint.yellow, Risk.HIGH: paint.red}[offer.risk]
        back = "can be undone" if plan.reversible else "cannot be undone"
        yield f"  {risk(f'risk {offer.risk.name.lower()}')}, {back}"
        if plan.caution:
            yield from self._prose(f"  Mind: {plan.caution}", "    ", paint.yellow)
        for target, changes in diffs(plan):
            yield f"  {paint.cyan(on_one_line(target))}"
            yield from (f"    {self._diff_line(line)}" for line in on_lines(changes))
        yield "  By hand:"
        yield from _typed(commands(plan))
        if undo := undo_commands(plan):
            yield "  To undo:"
            yield from _typed(undo)

    def _by_hand(self, title: str, advice: ByHand) -> Iterator[str]:
        paint = self._palette
        yield from self._prose(f"By hand: {title}", "  ", paint.bold)
        yield from self._prose(f"  {advice.words}", "  ")
        if advice.caution:
            yield from self._prose(f"  Mind: {advice.caution}", "    ", paint.yellow)
        yield from _typed(advice.commands)

    def _diff_line(self, line: str) -> str:
        paint = self._palette
        colours = {"+": paint.green, "-": paint.red, "@": paint.cyan}
        return colours.get(line[:1], str)(line)

    def _not_offered(self, offers: list[Offer]) -> Iterator[str]:
        if not offers:
            return
        yield ""
        yield self._palette.bold("Not offered, and why")
        for offer in offers:
            first, *rest = on_lines(offer.refused)
            yield from self._prose(f"  {offer.title}: {first}", "    ")
            yield from (f"    {line}" for line in rest)  # a policy statement, for example

    def _pairs(self, pairs: Iterable[tuple[str, str]], indent: str) -> Iterator[str]:
        """A column of names and one of values. A name that would squeeze the values has its own line."""
        shown = [(on_one_line(name), value) for name, value in pairs]
        widest = self._width // 3
        column = max((len(name) for name, _ in shown if len(name) <= widest), default=0)
        for name, value in shown:
            label = self._palette.dim(name.ljust(column))
            first, *rest = self._wrapped(value, " " * (len(indent) + column + 2))
            if len(name) > widest:
                yield f"{indent}{label}"
                yield f"{indent}{' ' * column}  {first}"
            else:
                yield f"{indent}{label}  {first}"
            yield from rest

    def _wrapped(self, text: str, indent: str) -> list[str]:
        """The lines of a value; the first one is without its indent."""
        first, *rest = self._fill(on_one_line(text), indent, indent)
        return [first[len(indent) :], *rest]

    def _prose(self, text: str, indent: str, paint: Paint = str) -> Iterator[str]:
        """``text`` with its own first indent; what follows is indented by ``indent``."""
        # Only blanks are an indent: a carriage return is white space too, and a terminal obeys it.
        words = text.lstrip(" ")
        own = text[: len(text) - len(words)]
        for line in self._fill(on_one_line(words), own, indent):
            blank = len(line) - len(line.lstrip())
            yield f"{line[:blank]}{paint(line[blank:])}"

    def _fill(self, text: str, first: str, others: str) -> list[str]:
        """At least one line. ``first`` and ``others`` are indents; a word too long for a line stays whole."""
        wrapper = textwrap.TextWrapper(
            self._width,
            initial_indent=first,
            subsequent_indent=others,
            break_long_words=False,
            break_on_hyphens=False,
        )
        return wrapper.wrap(text) or [first + text]


def _where(pull: FailedPull) -> list[tuple[str, str]]:
    return [
        ("Image", pull.image),
        ("Where", f"{pull.namespace} on {pull.cluster}, container {pull.container}"),
        ("Tasks" if pull.of_ecs else "Pods", _some(pull.pods)),
        ("Runs on" if pull.of_ecs else "Nodes", _some(pull.nodes) or _no_node(pull)),
        ("Symptom", pull.symptom.value),
        ("Message", pull.message or "(nothing: the pull hangs)"),
    ]


def _no_node(pull: FailedPull) -> str:
    if pull.host_kind.partition("/")[0] == "fargate":
        return "Fargate"
    return "(not known)" if pull.of_ecs else "(none yet)"


def _some(names: tuple[str, ...]) -> str:
    more = len(names) - _NAMED
    return ", ".join(names[:_NAMED]) + (f" and {more} more" if more > 0 else "")


def _typed(lines: Iterable[str]) -> Iterator[str]:
    """Commands as they are, not indented within: what is quoted may go over several lines."""
    for command in lines:
        first, *rest = on_lines(command)
        yield f"    {first}"
        yield from rest
