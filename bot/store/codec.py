"""Incidents as JSON, and back.

Steps are written with the name of their class, so that a plan that was approved last week is still
the plan that is executed, or undone, today. Unknown fields are ignored and missing ones take their
defaults: an older replica can read what a newer one wrote while a new version is rolled out.

Findings name their pull by its place in a list: written out, dozens of checks on hundreds of pulls would
repeat each pull's long message dozens of times. Schema 1 did that, and is still read.
"""

from __future__ import annotations

import logging
from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import replace
from datetime import timedelta
from functools import cache
from inspect import isabstract
from threading import Lock
from typing import Any

import orjson
from cattrs.gen import make_dict_structure_fn, make_dict_unstructure_fn, override
from cattrs.preconf.orjson import OrjsonConverter, make_converter

from checks.graph import members
from checks.model import FailedPull, Finding
from handlers.incident import Incident
from handlers.remedy import Step

_log = logging.getLogger(__name__)

SCHEMA = 2  # grows when older code can no longer understand what is written
_MICROSECOND = timedelta(microseconds=1)
_REMEMBERED = 64  # incidents that were decoded lately; they are frozen, so they may be given out again


class Unreadable(Exception):
    """What is stored is not an incident that this version understands."""


class Codec:
    """``steps``: every class of step that a plan may hold; their names must differ."""

    def __init__(self, steps: Iterable[type[Step]]) -> None:
        self._steps: dict[str, type[Step]] = {}
        for one in steps:
            if self._steps.setdefault(one.__name__, one) is not one:
                other = self._steps[one.__name__].__module__
                raise TypeError(f"two steps are called {one.__name__}: in {other} and in {one.__module__}")
        self._converter = make_converter(detailed_validation=False)
        self._converter.register_unstructure_hook(timedelta, lambda span: span // _MICROSECOND)
        self._converter.register_structure_hook(timedelta, lambda count, _: timedelta(microseconds=count))
        # By function, not by type: a hook for the type would catch the subclasses too and never end.
        self._converter.register_unstructure_hook_func(lambda kind: kind is Step, self._step_to_json)
        self._converter.register_structure_hook_func(lambda kind: kind is Step, self._step_from_json)
        self._pull_from_json = make_dict_structure_fn(FailedPull, self._converter)
        self._converter.register_structure_hook(FailedPull, self._pull)
        self._finding_to_json = make_dict_unstructure_fn(
            Finding, self._converter, subject=override(omit=True)
        )
        self._decoded: OrderedDict[bytes, Incident] = OrderedDict()
        self._turn = Lock()  # stores decode in threads of theirs

    def encode(self, incident: Incident) -> bytes:
        subjects: dict[FailedPull, int] = {}
        tree = self._converter.unstructure(replace(incident, findings=(), verified=()))
        tree["findings"] = [self._found(one, subjects) for one in incident.findings]
        tree["verified"] = [self._found(one, subjects) for one in incident.verified]
        pulls = [self._converter.unstructure(one) for one in subjects]
        return json_bytes({"schema": SCHEMA, "incident": tree, "subjects": pulls})

    def decode(self, stored: bytes) -> Incident:
        """:raises Unreadable: it was written by a newer version, or is damaged."""
        with self._turn:
            if (known := self._decoded.get(stored)) is not None:
                self._decoded.move_to_end(stored)
                return known
        incident = self._decode(stored)
        with self._turn:
            self._decoded[stored] = incident
            if len(self._decoded) > _REMEMBERED:
                self._decoded.popitem(last=False)
        return incident

    def _decode(self, stored: bytes) -> Incident:
        try:
            tree = orjson.loads(stored)
            schema = tree["schema"]
            if schema > SCHEMA:
                raise Unreadable(f"written by a newer version (schema {schema}, this one knows {SCHEMA})")
            subjects = [self._converter.structure(one, FailedPull) for one in tree.get("subjects", ())]
            incident = tree["incident"]
            for finding in (*incident.get("findings", ()), *incident.get("verified", ())):
                if isinstance(finding["subject"], int):
                    finding["subject"] = subjects[finding["subject"]]
            return self._converter.structure(incident, Incident)
        except Unreadable:
            raise
        except Exception as error:  # cattrs raises whatever the constructors raise
            raise Unreadable(f"{type(error).__name__}: {error}") from error

    def _found(self, finding: Finding, subjects: dict[FailedPull, int]) -> dict[str, Any]:
        place = subjects.setdefault(finding.subject, len(subjects))
        return {**self._finding_to_json(finding), "subject": place}

    def _pull(self, tree: Any, _: Any) -> FailedPull:
        return tree if isinstance(tree, FailedPull) else self._pull_from_json(tree, FailedPull)

    def _step_to_json(self, step: Step) -> dict[str, Any]:
        if self._steps.get(type(step).__name__) is not type(step):
            raise TypeError(
                f"{type(step).__qualname__} is no step of handlers.remedies; it could not be read back"
            )
        return {"step": type(step).__name__, **_fields(self._converter, step)}

    def _step_from_json(self, tree: dict[str, Any], _: Any) -> Step:
        kind = self._steps.get(tree["step"])
        if kind is None:
            raise Unreadable(f"this version has no step called {tree['step']}")
        return self._converter.structure({k: v for k, v in tree.items() if k != "step"}, kind)


def _fields(converter: OrjsonConverter, step: Step) -> dict[str, Any]:
    tree: dict[str, Any] = converter.unstructure(step, type(step))
    return tree


def steps_of(found: Iterable[object]) -> frozenset[type[Step]]:
    return frozenset(
        one for one in found if isinstance(one, type) and issubclass(one, Step) and not isabstract(one)
    )


def readable(codec: Codec, stored: Iterable[tuple[str, bytes]]) -> tuple[Incident, ...]:
    """The incidents among (id, body) that can be read. One that cannot is told to the log and left alone."""
    found: list[Incident] = []
    for incident_id, body in stored:
        try:
            found.append(codec.decode(body))
        except Unreadable as error:
            _log.error("incident %s cannot be read and is left as it is: %s", incident_id, error)
    return tuple(found)


@cache
def standard_codec() -> Codec:
    """The codec for every step under ``handlers.remedies``."""
    return Codec(sorted(steps_of(members("handlers.remedies")), key=lambda one: one.__name__))


def json_bytes(tree: Any, option: int = 0) -> bytes:
    """``tree`` as JSON. Half characters (lone surrogates) become U+FFFD rather than an error.

    JSON from elsewhere may hold them and UTF-8 cannot; a strange image name must not cost an incident.
    """
    try:
        return orjson.dumps(tree, option=option)
    except orjson.JSONEncodeError:
        return orjson.dumps(_whole_characters(tree), option=option)


def _whole_characters(tree: Any) -> Any:
    if isinstance(tree, str):
        return tree.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    if isinstance(tree, dict):
        return {_whole_characters(key): _whole_characters(value) for key, value in tree.items()}
    if isinstance(tree, list | tuple):
        return [_whole_characters(one) for one in tree]
    return tree
