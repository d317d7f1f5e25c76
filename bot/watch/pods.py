"""From a pod and what kubelet said of it to the pulls that fail in it. Nothing is read here.

Newer kubelets put the cause into the container's status, older ones only into events, which are gone after
an hour. What kubelet says first may hide the cause, so the most telling message of the pod's history counts.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from checks.image.symptom import classify, most_telling
from checks.kubernetes.pods import Container, ImageState, Pod, moment, presentable
from checks.model import Symptom

# Events of kubelet about one container's pull.
PULLING = "Pulling"
_CAUSES = frozenset({"Failed", "InspectFailed", "ErrImageNeverPull", "SignatureValidationFailed"})
_OF_PULLS = _CAUSES | {PULLING, "Pulled", "BackOff"}
_FIELD_PATH = re.compile(r"\{(.+)\}")
_QUOTED_IMAGE = re.compile(r'\bimage "([^"]+)"')
_ONLY_A_REASON = re.compile(r"Error: \w+")
# Whatever is known beats these.
_UNTOLD = frozenset({Symptom.BACKOFF_ONLY, Symptom.KUBELET_THROTTLED, Symptom.OTHER})
_NO_CAUSE = frozenset({Symptom.BACKOFF_ONLY, Symptom.KUBELET_THROTTLED})


@dataclass(frozen=True, slots=True)
class Said:
    """One event, small. ``container`` is "" where the event names none; ``at`` when it was last said."""

    container: str
    reason: str
    message: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Failure:
    """One container that cannot pull its image."""

    pod: Pod
    container: str
    image: str
    reason: str
    symptom: Symptom
    message: str


def said(event: Mapping[str, Any]) -> Said | None:
    """An event of a pod as the API gave it; None if it is not about a pull."""
    reason = str(event.get("reason") or "")
    if reason not in _OF_PULLS:
        return None
    about = event.get("involvedObject") or {}
    path = _FIELD_PATH.search(str(about.get("fieldPath") or ""))
    series = event.get("series") or {}
    at = (
        event.get("lastTimestamp")
        or series.get("lastObservedTime")
        or event.get("eventTime")
        or (event.get("metadata") or {}).get("creationTimestamp")
    )
    message = presentable(str(event.get("message") or ""))
    return Said(path[1] if path else "", reason, message, moment(str(at or "")))


def worth_keeping(history: Iterable[Said]) -> tuple[Said, ...]:
    """Of each container the most telling event and the last one: all that ``failures`` can make use of."""
    by_container: dict[str, list[Said]] = {}
    for one in sorted(history, key=lambda one: one.at):
        by_container.setdefault(one.container, []).append(one)
    kept: list[Said] = []
    for mine in by_container.values():
        causes = [one for one in mine if _states_a_cause(one)]
        message = telling(one.message for one in causes)
        last_told = [one for one in causes if one.message == message][-1:]
        kept += [*last_told, *(one for one in mine[-1:] if one not in last_told)]
    return tuple(kept)


def failures(
    pod: Pod, history: Iterable[Said], *, as_of: datetime, stall_after: timedelta
) -> tuple[Failure, ...]:
    """The pulls that fail in ``pod``.

    :param history: in any order, complete until ``as_of``; empty if it is gone
    """
    ordered = sorted(history, key=lambda one: one.at)
    found = [_failure(pod, one, ordered) for one in pod.failing]
    if may_be_stalled(pod):
        found += [
            Failure(pod, one.name, one.image, one.reason, Symptom.STALLED, "")
            for one in pod.containers
            if one.state is ImageState.AWAITED and _hangs(one, ordered, as_of, stall_after)
        ]
    return tuple(found)


def may_be_stalled(pod: Pod) -> bool:
    """Whether a container waits for an image that nobody says anything about."""
    if pod.leaving or pod.over or not pod.node:
        return False
    return any(one.state is ImageState.AWAITED for one in pod.containers)


def is_told(failure: Failure) -> bool:
    """Whether the message states a cause; if not, the pod's events may."""
    return failure.symptom not in _UNTOLD


def telling(messages: Iterable[str]) -> str:
    """The message to believe, oldest first. Kubelet's own throttling is none if there is any other."""
    said_at_all = [one for one in messages if one]
    causes = [one for one in said_at_all if classify(one).symptom not in _NO_CAUSE]
    return most_telling(causes or said_at_all)


def _failure(pod: Pod, container: Container, history: list[Said]) -> Failure:
    told = [one.message for one in history if _states_a_cause(one) and _is_about(one, container)]
    message = telling([*told, container.message])
    symptom = classify(message, container.reason).symptom
    return Failure(pod, container.name, container.image, container.reason, symptom, message)


def _states_a_cause(one: Said) -> bool:
    return one.reason in _CAUSES and not _ONLY_A_REASON.fullmatch(one.message)


def _hangs(container: Container, history: list[Said], as_of: datetime, stall_after: timedelta) -> bool:
    mine = [one for one in history if _is_about(one, container)]
    return bool(mine) and mine[-1].reason == PULLING and mine[-1].at + stall_after <= as_of


def _is_about(one: Said, container: Container) -> bool:
    """An image can be replaced in a pod that exists; what was said of the old one says nothing now."""
    quoted = _QUOTED_IMAGE.search(one.message)
    if quoted:
        same = quoted[1] == container.image or quoted[1].startswith(f"{container.image}:")
        return same and one.container in ("", container.name)
    return one.container == container.name
