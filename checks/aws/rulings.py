"""What policies say of one action, kind by kind of policy, and how kinds go together.

What is unknown is kept as the set of answers that it could be. So two kinds can be put together
without knowing all of either: a certain Deny beats whatever the other may say.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from enum import Enum

from checks.aws.identity import PolicyText
from checks.aws.match import Match
from checks.aws.policy_language import ANY_WAY, BadPolicy, Request, Way, parse


class Says(Enum):
    """What policies say of an action. NOTHING: there is no Allow, which is a denial in the end."""

    ALLOWS = "allows"
    DENIES = "denies"
    NOTHING = "nothing"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Ruling:
    """``could``: the answers that it may be, one if it is known.

    ``policy`` and ``sid`` name what decided; ``unread`` says what could not be read, or not be judged.
    """

    could: frozenset[Says]
    layer: str
    policy: str = ""
    sid: str = ""
    unread: tuple[str, ...] = ()

    @property
    def says(self) -> Says:
        return next(iter(self.could)) if len(self.could) == 1 else Says.UNKNOWN


def certain(says: Says, layer: str, policy: str = "", sid: str = "") -> Ruling:
    return Ruling(frozenset({says}), layer, policy, sid)


def open_question(layer: str, why: Iterable[str], *, denies_too: bool = True) -> Ruling:
    """Anything is possible; unless ``denies_too``, as far as Allows go."""
    could = {Says.ALLOWS, Says.NOTHING, *([Says.DENIES] if denies_too else [])}
    return Ruling(frozenset(could), layer, unread=tuple(why))


def ruling(
    layer: str,
    policies: Iterable[PolicyText],
    request: Request,
    unread: Sequence[str] = (),
    ways: Collection[Way] = ANY_WAY,
    *,
    denies_too: bool = True,
) -> Ruling:
    """What the policies of one kind say together: a Deny beats any Allow, and unknown is neither.

    What is ``unread`` may hold an Allow, and a Deny as well: then no known Allow is the answer.
    ``ways`` are those in which an Allow has to name the caller; unless ``denies_too``, only Allows count.
    """
    allowing: Ruling | None = None
    doubts = list(unread)
    either_way = {Says.ALLOWS, Says.DENIES} if denies_too else {Says.ALLOWS}
    could = set(either_way) if unread else set()
    for policy in policies:
        try:
            statements = parse(policy.text)
        except BadPolicy as error:
            doubts.append(f"{policy.name} cannot be understood: {error}")
            could |= either_way
            continue
        for statement in statements:
            if statement.denies and not denies_too:
                continue
            match = statement.matches(request, ANY_WAY if statement.denies else ways)
            says = Says.DENIES if statement.denies else Says.ALLOWS
            if match is Match.UNKNOWN:
                doubts.append(f"a condition of {policy.name} ({statement.sid or 'no Sid'}) cannot be judged")
                could.add(says)
            elif match is Match.YES and statement.denies:
                return certain(says, layer, policy.name, statement.sid)
            elif match is Match.YES:
                allowing = allowing or certain(says, layer, policy.name, statement.sid)
    found = allowing or certain(Says.NOTHING, layer)
    if allowing:
        could.discard(Says.ALLOWS)
    could |= found.could
    return replace(
        found, could=frozenset(could), unread=tuple(dict.fromkeys(doubts)) if len(could) > 1 else ()
    )


def both(one: Ruling, other: Ruling) -> Ruling:
    """Both must allow."""
    return _together(one, other, (Says.DENIES, Says.NOTHING, Says.ALLOWS))


def either(one: Ruling, other: Ruling) -> Ruling:
    """It is enough that one of them allows, if none denies."""
    return _together(one, other, (Says.DENIES, Says.ALLOWS, Says.NOTHING))


def _together(one: Ruling, other: Ruling, strongest_first: Sequence[Says]) -> Ruling:
    could = frozenset(
        min(this, that, key=strongest_first.index) for this in one.could for that in other.could
    )
    if len(could) == 1:
        # A certain answer comes from one of them that gives it for certain.
        return one if one.could == could else other
    first = one if len(one.could) > 1 else other
    unread = (*one.unread, *other.unread)
    return replace(first, could=could, unread=tuple(dict.fromkeys(unread)))


def settled(it: Ruling) -> Ruling:
    """A Deny, or no Allow: denied either way."""
    return replace(it, could=frozenset({Says.NOTHING})) if it.could == {Says.DENIES, Says.NOTHING} else it


def only_denying(it: Ruling) -> Ruling:
    """The Denies alone: whatever is not denied is as good as allowed."""
    others = {Says.ALLOWS} if it.could - {Says.DENIES} else set()
    return replace(it, could=(it.could & {Says.DENIES}) | others)
