"""``pullbot checks`` and ``pullbot remedies``: what there is, from the code itself."""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping, Sequence
from typing import Any

from checks.graph import Catalog, Check
from handlers.remedy import Remedy, load_remedies


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("-o", dest="output", choices=["text", "json"], default="text", help="how to print it")


def list_checks(arguments: argparse.Namespace) -> int:
    cured_by: dict[str, list[str]] = {}
    for one in load_remedies():
        if one.cures is not None:
            cured_by.setdefault(one.cures.id, []).append(one.id)
    _print(arguments, [_check(one, cured_by.get(one.id, [])) for one in Catalog.load().checks])
    return 0


def list_remedies(arguments: argparse.Namespace) -> int:
    from bot.settings_shape import ENABLED_BY_DEFAULT  # noqa: PLC0415  pydantic; the checks need none

    _print(arguments, [_remedy(one, one.id in ENABLED_BY_DEFAULT) for one in load_remedies()])
    return 0


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
        "cures": one.cures.id if one.cures else None,
        "risk": one.risk.name.lower(),
        "enabled_by_default": enabled,
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
    return str(value) if value is not None else "nothing; it hurries a recovery along"
