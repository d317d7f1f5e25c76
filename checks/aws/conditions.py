"""Does a ``Condition`` hold? Unknown where it asks for a key, or by an operator, that we do not know.

(docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html and
…/reference_policies_condition-single-vs-multi-valued-context-keys.html)
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from checks.aws.match import Match, all_of, any_of
from checks.aws.policy_values import Context, alike, arn_alike

# From an operator, a key and values in the policy to whether they hold.
Conditions = Sequence[tuple[str, str, tuple[str, ...]]]


def conditions_hold(conditions: Conditions, context: Context, *, variables: bool = True) -> Match:
    """Every condition must; ``variables``: whether ``${…}`` in a value is one."""
    return all_of(_holds(*one, context, variables) for one in conditions)


def _holds(operator: str, key: str, values: Sequence[str], context: Context, variables: bool) -> Match:
    of_set, _, name = operator.lower().rpartition(":")
    key = key.lower()
    if key not in context or of_set not in ("", "foranyvalue", "forallvalues"):
        return Match.UNKNOWN
    actual = context[key]
    if name == "null":
        return Match.UNKNOWN if of_set else _null(actual, values)
    optional, name = name.endswith("ifexists"), name.removesuffix("ifexists")
    if name not in _OPERATORS:
        return Match.UNKNOWN
    test, negated = _OPERATORS[name]
    if actual is None:
        return _without_the_key(of_set, optional, negated)
    # The keys we know have one value, which for ForAnyValue and ForAllValues is a set of one.
    if test is None:
        return Match.UNKNOWN
    # "There is no equal or like value" to a variable without one; of unequal values nothing is said.
    valueless = Match.UNKNOWN if negated else Match.NO
    found = any_of(test(value, actual, context if variables else None, valueless) for value in values)
    return found.inverted() if negated else found


def _without_the_key(of_set: str, optional: bool, negated: bool) -> Match:
    if of_set == "forallvalues":
        return Match.YES
    if of_set == "foranyvalue":
        return Match.UNKNOWN if optional else Match.NO
    return Match.of(optional or negated)


def _null(actual: str | None, values: Sequence[str]) -> Match:
    wanted = {value.lower() for value in values}
    if not wanted or not wanted <= {"true", "false"}:
        return Match.UNKNOWN
    return Match.of(("true" if actual is None else "false") in wanted)


_Test = Callable[[str, str, Context | None, Match], Match]


def _equal(wanted: str, actual: str, context: Context | None, valueless: Match) -> Match:
    return alike(wanted, actual, context, wild=False, valueless=valueless)


def _equal_but_for_case(wanted: str, actual: str, context: Context | None, valueless: Match) -> Match:
    lower = {key: value and value.lower() for key, value in context.items()} if context is not None else None
    return alike(wanted.lower(), actual.lower(), lower, wild=False, valueless=valueless)


def _like(wanted: str, actual: str, context: Context | None, valueless: Match) -> Match:
    return alike(wanted, actual, context, valueless=valueless)


def _bool(wanted: str, actual: str, context: Context | None, valueless: Match) -> Match:
    if not {wanted.lower(), actual.lower()} <= {"true", "false"}:
        return Match.UNKNOWN
    return Match.of(wanted.lower() == actual.lower())


# With whether they are negated. None of the keys we know holds a number, a date or an address: of such
# operators only what they say of an absent key is known.
_OPERATORS: Mapping[str, tuple[_Test | None, bool]] = {
    "stringequals": (_equal, False),
    "stringnotequals": (_equal, True),
    "stringequalsignorecase": (_equal_but_for_case, False),
    "stringnotequalsignorecase": (_equal_but_for_case, True),
    "stringlike": (_like, False),
    "stringnotlike": (_like, True),
    "arnequals": (arn_alike, False),  # AWS: ArnEquals and ArnLike behave alike
    "arnnotequals": (arn_alike, True),
    "arnlike": (arn_alike, False),
    "arnnotlike": (arn_alike, True),
    "bool": (_bool, False),
    "binaryequals": (None, False),
    "ipaddress": (None, False),
    "notipaddress": (None, True),
    **{
        f"{kind}{relation}": (None, relation == "notequals")
        for kind in ("numeric", "date")
        for relation in (
            "equals", "notequals", "lessthan", "lessthanequals", "greaterthan", "greaterthanequals"
        )
    },
}  # fmt: skip
