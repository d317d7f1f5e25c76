"""Label and field selectors, as the query of a list or a watch carries them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from bot.demo.resources import Resource, bad_request

Selects = Callable[[Mapping[str, Any]], bool]

# A comma that is not inside the parentheses of `in (a,b)`.
_COMMA = re.compile(r",(?![^(]*\))")
_SET = re.compile(r"(?P<key>[\w./-]+)\s+(?P<how>in|notin)\s*\((?P<values>[^)]*)\)")
_COMPARED = re.compile(r"(?P<key>[\w./-]+)\s*(?P<how>==|=|!=)\s*(?P<value>[\w.-]*)")
_PRESENT = re.compile(r"(?P<absent>!?)\s*(?P<key>[\w./-]+)")
_FIELD = re.compile(r"(?P<key>[\w./-]+)(?P<how>==|=|!=)(?P<value>.*)")

_ALWAYS = frozenset({"metadata.name", "metadata.namespace"})
# The real server refuses every other field (each resource's strategy.go).
_FIELDS: Mapping[str, frozenset[str]] = {
    "pods": frozenset(
        {"spec.nodeName", "spec.restartPolicy", "spec.schedulerName", "spec.serviceAccountName"}
        | {"status.phase", "status.podIP", "status.nominatedNodeName"}
    ),
    "events": frozenset(
        {
            f"involvedObject.{one}"
            for one in ("kind", "namespace", "name", "uid", "apiVersion", "resourceVersion")
        }
        | {"involvedObject.fieldPath", "reason", "reportingComponent", "source", "type"}
    ),
    "nodes": frozenset({"spec.unschedulable"}),
    "namespaces": frozenset({"status.phase"}),
    "secrets": frozenset({"type"}),
    "jobs": frozenset({"status.successful"}),
}


def selector(resource: Resource, labels: str, fields: str) -> Selects:
    """Whether an object matches both.

    :raises Refused: 400, one of them cannot be parsed or names a field that cannot be selected by
    """
    rules = [*_label_rules(labels), *_field_rules(resource, fields)]
    return lambda tree: all(rule(tree) for rule in rules)


def _label_rules(text: str) -> Iterator[Selects]:
    for part in (one.strip() for one in _COMMA.split(text) if one.strip()):
        if found := _SET.fullmatch(part):
            values = {one.strip() for one in found["values"].split(",")}
            yield _labelled(found["key"], values, wanted=found["how"] == "in")
        elif found := _COMPARED.fullmatch(part):
            yield _labelled(found["key"], {found["value"]}, wanted=found["how"] != "!=")
        elif found := _PRESENT.fullmatch(part):
            yield _present(found["key"], wanted=not found["absent"])
        else:
            raise bad_request(f'unable to parse requirement: {part!r} in label selector "{text}"')


def _labelled(key: str, values: set[str], *, wanted: bool) -> Selects:
    """``!=`` and ``notin`` also select what has no such label."""
    return lambda tree: (_labels(tree).get(key) in values) is wanted


def _present(key: str, *, wanted: bool) -> Selects:
    return lambda tree: (key in _labels(tree)) is wanted


def _labels(tree: Mapping[str, Any]) -> Mapping[str, str]:
    return tree["metadata"].get("labels") or {}


def _field_rules(resource: Resource, text: str) -> Iterator[Selects]:
    for part in (one for one in text.split(",") if one):
        found = _FIELD.fullmatch(part)
        if found is None:
            raise bad_request(f"invalid selector: '{text}'; can't understand '{part}'")
        if found["key"] not in _ALWAYS | _FIELDS.get(resource.plural, frozenset()):
            raise bad_request(f"field label not supported: {found['key']}")
        yield _field(found["key"], found["value"], wanted=found["how"] != "!=")


def _field(path: str, value: str, *, wanted: bool) -> Selects:
    return lambda tree: (_at(tree, path) == value) is wanted


def _at(tree: Mapping[str, Any], path: str) -> str:
    """A field as text; "" if it is not set. ``source`` means the component, as in the real server."""
    found: Any = tree
    for name in ("source.component" if path == "source" else path).split("."):
        found = found.get(name) if isinstance(found, dict) else None
    return ("true" if found else "false") if isinstance(found, bool) else str(found or "")
