"""The texts in a policy that stand for many: ``*`` is any text, ``?`` any character, ``${key}`` a variable.

Policies come from strangers, so that matching takes no longer than the product of both lengths,
whatever the pattern. Variables are filled in before, and what they stand for is never a pattern
(docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_variables.html).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from enum import Enum

from checks.aws.match import Match

# Condition keys in lower case. ``None``: known to be absent; not listed: not known.
Context = Mapping[str, str | None]


class Wild(Enum):
    ONE = "?"
    MANY = "*"


# One character of a text, or what stands for one or many.
Token = str | Wild
Pattern = tuple[Token, ...]

_VARIABLE = re.compile(r"\$\{([^}]*)\}")
_DEFAULT = re.compile(r"(?P<key>[^,']+?)\s*(?:,\s*'(?P<default>[^']*)')?")
_ESCAPED = frozenset("*?$")
_COLON = ":"
_WILD = {"*": Wild.MANY, "?": Wild.ONE}


def alike(
    wanted: str,
    actual: str,
    context: Context | None,
    *,
    wild: bool = True,
    valueless: Match = Match.NO,
) -> Match:
    """Whether ``wanted``, a text of a policy, means ``actual``.

    Without a ``context`` it has no variables; unless ``wild``, ``*`` and ``?`` are mere characters.
    ``valueless`` is the answer where a variable is known to have no value.
    """
    if "${" not in wanted and not (wild and ("*" in wanted or "?" in wanted)):
        return Match.of(wanted == actual)
    pattern = filled_in(wanted, context, wild=wild)
    if isinstance(pattern, Match):
        return valueless if pattern is Match.NO else pattern
    return Match.of(fits(pattern, actual))


def arn_alike(wanted: str, actual: str, context: Context | None, valueless: Match = Match.NO) -> Match:
    """As ``alike``, for an ARN in a condition: each of its six parts is compared by itself.

    What AWS makes of a text that is no ARN is not documented, and so unknown.
    """
    pattern = filled_in(wanted, context)
    if isinstance(pattern, Match):
        return valueless if pattern is Match.NO else pattern
    parts, others = _parts(pattern), actual.split(":", 5)
    if len(parts) != 6 or len(others) != 6:
        return Match.UNKNOWN
    return Match.of(all(fits(part, other) for part, other in zip(parts, others, strict=True)))


def resource_alike(wanted: str, arn: str, context: Context | None, *, negated: bool = False) -> Match:
    """As ``alike``, for ``Resource``: part by part, missing parts being ``*``, or across the colons.

    A ``*`` at the end of a part "can expand to match beyond the colon boundaries", so where both
    readings differ the answer is unknown; so it is for a pattern as the type of a resource, which AWS
    does not allow (docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_resource.html
    and …/reference-arns.html). ``negated``, of ``NotResource``: whether "all but the resources of a
    service" spares an action that has no resource, ``arn`` being ``*``, is not documented either.
    """
    if wanted == "*":
        return Match.YES
    pattern = filled_in(wanted, context)
    if isinstance(pattern, Match):
        return Match.UNKNOWN if negated else pattern
    across = fits(pattern, arn)
    parts = _parts(pattern)
    parts += [(Wild.MANY,)] * (6 - len(parts))
    if ":" not in arn:
        return Match.UNKNOWN if negated and parts[5] == (Wild.MANY,) else Match.of(across)
    by_part = all(fits(part, other) for part, other in zip(parts, arn.split(":", 5), strict=True))
    if across is by_part:
        return Match.UNKNOWN if across and _wild_type(parts[5]) else Match.of(across)
    return Match.UNKNOWN


def action_alike(wanted: str, action: str) -> Match:
    """Letters of either case. A pattern as the name of a service is unknown: AWS takes ``*:*`` at most."""
    wanted, action = wanted.lower(), action.lower()
    if wanted in ("*", "*:*"):
        return Match.YES
    whole = alike(wanted, action, None)
    service, colon, _ = wanted.partition(":")
    if whole is Match.YES and (not colon or "*" in service or "?" in service):
        return Match.UNKNOWN
    return whole


def filled_in(text: str, context: Context | None, *, wild: bool = True) -> Pattern | Match:
    """The text with its variables filled in; NO: one has no value, UNKNOWN: one is not known."""
    found: list[Token] = []
    at = 0
    for variable in _VARIABLE.finditer(text) if context is not None else ():
        found += _plain(text[at : variable.start()], wild)
        value = _value(variable[1], context or {})
        if isinstance(value, Match):
            return value
        found += value
        at = variable.end()
    found += _plain(text[at:], wild)
    return tuple(found)


def fits(pattern: Sequence[Token], value: str) -> bool:
    """Whether the whole of ``value`` is what the pattern stands for."""
    if sum(one is not Wild.MANY for one in pattern) > len(value):
        return False
    here = there = mark = 0
    star = -1
    while there < len(value):
        token = pattern[here] if here < len(pattern) else None
        if token is Wild.MANY:
            star, mark = here, there
            here += 1
        elif token is Wild.ONE or token == value[there]:
            here, there = here + 1, there + 1
        elif star >= 0:  # the last * takes one character more
            mark += 1
            here, there = star + 1, mark
        else:
            return False
    return all(one is Wild.MANY for one in pattern[here:])


def _value(variable: str, context: Context) -> str | Match:
    if variable in _ESCAPED:
        return variable
    named = _DEFAULT.fullmatch(variable.strip())
    if named is None or named["key"].lower() not in context:
        return Match.UNKNOWN
    value = context[named["key"].lower()]
    value = named["default"] if value is None else value
    return Match.NO if value is None else value


def _plain(text: str, wild: bool) -> list[Token]:
    return [_WILD.get(one, one) for one in text] if wild else list(text)


def _parts(pattern: Pattern) -> list[Pattern]:
    parts: list[list[Token]] = [[]]
    for token in pattern:
        if token == _COLON and len(parts) < 6:
            parts.append([])
        else:
            parts[-1].append(token)
    return [tuple(part) for part in parts]


def _wild_type(resource: Pattern) -> bool:
    """Whether ``*`` or ``?`` stands before the ``/`` or ``:`` that ends the type of a resource."""
    end = next((at for at, token in enumerate(resource) if token in ("/", ":")), 0)
    return any(isinstance(token, Wild) for token in resource[:end])
