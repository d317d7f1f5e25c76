"""``pullbot checks`` and ``pullbot remedies``: what there is, from the code itself."""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

from checks.graph import Catalog, Check
from handlers.remedy import Advice, Remedy, Risk, load_advice, load_remedies

_PAGE = """\
# What it finds out, and what it can do about it

From the code itself, by `make docs`; `pullbot checks` and `pullbot remedies` print the same. A check is named
by what is true when all is well, and fails where it is not. Stations are in the order in which a pull meets
them: the earliest failing check that explains what the runtime said is the root cause.
The vendor's page is where the vendor writes of what is checked.

## Checks

"""

_READS = """\
At most: a check that looks at every kind of host asks EKS, EC2 and ECS each for its own. Without one that it
needs it says *unknown*, and which was missing. A check that is not listed reads nothing that is granted.

"""

_EXPLAINED = """\
It costs money, opens a network, or is another team's to decide: people are shown the words and the commands,
and nothing of it can be enabled.

"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "-o", dest="output", choices=["text", "json", "markdown"], default="text", help="how to print it"
    )


def list_checks(arguments: argparse.Namespace) -> int:
    """With ``-o markdown``: checks and remedies as one page."""
    if arguments.output == "markdown":
        reads = "\n\n## What the checks read\n\n" + _READS + _reads_table()
        print(_PAGE + _checks_table() + reads + "\n\n## Remedies\n\n" + _remedies_page())
        return 0
    cured_by = _cured_by()
    _print(arguments, [_check(one, cured_by.get(one.id, [])) for one in Catalog.load().checks])
    return 0


def list_remedies(arguments: argparse.Namespace) -> int:
    if arguments.output == "markdown":
        print(_remedies_page())
        return 0
    from bot.settings_shape import ENABLED_BY_DEFAULT  # noqa: PLC0415  pydantic; the checks need none

    remedies = [_remedy(one, one.id in ENABLED_BY_DEFAULT) for one in load_remedies()]
    _print(arguments, remedies + [_advice(one) for one in load_advice()])
    return 0


def _cured_by() -> dict[str, list[str]]:
    """Remedies and advice by the check that they cure."""
    found: dict[str, list[str]] = {}
    for remedy in load_remedies():
        for check in remedy.all_cures:
            found.setdefault(check.id, []).append(remedy.id)
    for advice in load_advice():
        for check in advice.cures:
            found.setdefault(check.id, []).append(advice.id)
    return found


def _check(one: Check, remedies: list[str]) -> dict[str, Any]:
    return {
        "id": one.id,
        "title": one.title,
        "station": one.leg.name.lower(),
        "explains": sorted(symptom.value for symptom in one.symptoms),
        "remedies": remedies,
    }


def _remedy(one: Remedy, enabled: bool) -> dict[str, Any]:
    return {
        "id": one.id,
        "title": one.title,
        "cures": ", ".join(check.id for check in one.all_cures) or None,
        "risk": one.risk.name.lower(),
        "enabled_by_default": enabled,
    }


def _advice(one: Advice) -> dict[str, Any]:
    return {
        "id": one.id,
        "title": one.title,
        "cures": ", ".join(check.id for check in one.cures),
        "risk": Risk.HIGH.name.lower(),
        "enabled_by_default": False,
        "executed": "never; it is only explained",
    }


def _print(arguments: argparse.Namespace, entries: Sequence[Mapping[str, Any]]) -> None:
    if arguments.output == "json":
        print(json.dumps(entries, indent=2))
        return
    for entry in entries:
        print(f"{entry['id']}\n  {entry['title']}")
        for name, value in list(entry.items())[2:]:
            print(f"  {name.replace('_', ' ')}: {_words(value)}")


def _words(value: object) -> str:
    if isinstance(value, list):
        return ", ".join(value) or "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value) if value is not None else "nothing by itself"


# ---- as a page


def _checks_table() -> str:
    cured_by = _cured_by()
    rows = [
        (
            f"`{one.id}`",
            one.title,
            one.leg.name.lower(),
            _codes(symptom.value for symptom in one.symptoms),
            _codes(cured_by.get(one.id, [])),
            _link(one.page),
        )
        for one in _by_station(Catalog.load())
    ]
    heads = ("check", "what is true when all is well", "station", "explains", "cured by", "vendor's page")
    return _table(heads, rows)


def _reads_table() -> str:
    """Checks that read the same share a row."""
    from bot.permissions import reads_of  # noqa: PLC0415  YAML; the checks need none

    catalog = Catalog.load()
    alike: dict[tuple[str, ...], list[str]] = {}
    for one in _by_station(catalog):
        alike.setdefault(tuple(reads_of(one, catalog)), []).append(one.id)
    rows = [(_codes(ids), _codes(reads)) for reads, ids in alike.items() if reads]
    return _table(("checks", "read"), rows)


def _remedies_page() -> str:
    return f"{_remedies_table()}\n\n## Explained, never executed\n\n{_EXPLAINED}{_advice_table()}"


def _advice_table() -> str:
    rows = [(f"`{one.id}`", one.title, _codes(check.id for check in one.cures)) for one in load_advice()]
    return _table(("advice", "what a person would do", "cures"), rows)


def _remedies_table() -> str:
    from bot.settings_shape import ENABLED_BY_DEFAULT  # noqa: PLC0415  pydantic; see above

    rows = [
        (
            f"`{one.id}`",
            one.title,
            _codes(check.id for check in one.all_cures) if one.cures else _words(None),
            one.risk.name.lower(),
            _words(one.id in ENABLED_BY_DEFAULT),
            _codes(_grants(one)),
        )
        for one in load_remedies()
    ]
    return _table(("remedy", "what it does", "cures", "risk", "enabled by default", "needs"), rows)


def _grants(one: Remedy) -> Iterator[str]:
    """What it needs to be carried out: IAM actions, and verbs on kinds of Kubernetes objects."""
    from bot.permissions import aws_writes, kubernetes_writes  # noqa: PLC0415  YAML; see above

    for statement in aws_writes([one.id])["Statement"]:
        if statement["Effect"] == "Allow":
            yield from statement["Action"]
    for rule in kubernetes_writes([one.id])["rules"]:
        for resource in rule["resources"]:
            yield f"{resource}: {', '.join(rule['verbs'])}"


def _by_station(catalog: Catalog) -> list[Check]:
    return sorted(catalog.checks, key=lambda one: one.order)


def _link(page: str) -> str:
    return f"[{urlsplit(page).hostname}]({page})" if page else "-"


def _codes(names: Iterable[str]) -> str:
    return ", ".join(f"`{name}`" for name in sorted(set(names))) or "-"


def _table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [heads, ["---"] * len(heads), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
