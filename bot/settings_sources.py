"""Where settings come from: YAML, ``PULLBOT_…`` variables, and secrets that only the environment may hold."""

from __future__ import annotations

import re
import types
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Any, Union, get_args, get_origin
from urllib.parse import urlsplit

import yaml
from pydantic import BaseModel

from bot.settings_shape import Shape
from checks.secret import Secret

Key = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Fault:
    """``key``: ``slack.mode``, or ``PULLBOT_SLACK_MODE`` if that set it. ``text``: what to change."""

    key: str
    text: str

    def __str__(self) -> str:
        return f"{self.key}: {self.text}"


@dataclass(frozen=True, slots=True)
class Secrets:
    """Each is the variable of the same name in capitals, or the content of the file in ``…_FILE``."""

    slack_bot_token: Secret[str] | None = None
    slack_app_token: Secret[str] | None = None
    slack_signing_secret: Secret[str] | None = None
    microsoft_app_password: Secret[str] | None = None
    pullbot_alerts_token: Secret[str] | None = None


@dataclass(slots=True)
class Read:
    """What was found. ``variables`` says which keys came from which environment variable."""

    tree: dict[str, Any] = field(default_factory=dict)
    secrets: Secrets = field(default_factory=Secrets)
    variables: dict[Key, str] = field(default_factory=dict)
    faults: list[Fault] = field(default_factory=list)

    def names_at(self, where: Key) -> frozenset[str]:
        """The keys that the block at ``where`` may have."""
        kind: type[BaseModel] | None = Shape
        for name in where:
            if kind and name in kind.model_fields:  # else a list's position, or a mapping's key
                kind = _model_in(kind.model_fields[str(name)].annotation)
        return frozenset(kind.model_fields) if kind else frozenset()


def read(path: str, environ: Mapping[str, str]) -> Read:
    """``path``: the file, "" for none."""
    found = Read()
    if path:
        _read_file(path, found)
    _read_variables(environ, found)
    _read_secrets(environ, found)
    return found


def suggestion(wrong: str, right: Iterable[str]) -> str:
    """``did you mean X?``, "" if nothing is near."""
    near = get_close_matches(wrong, sorted(right), n=2, cutoff=0.6)
    return f"did you mean {' or '.join(near)}?" if near else ""


def key_of(where: Key, variables: Mapping[Key, str]) -> str:
    """``("clusters", 0, "name")`` -> ``clusters[0].name``, or the variable that gave it and the rest."""
    for length in range(len(where), 0, -1):
        if where[:length] in variables:
            rest = _dotted(where[length:])
            return f"{variables[where[:length]]} ({rest})" if rest else variables[where[:length]]
    return _dotted(where)


def _dotted(where: Key) -> str:
    return "".join(f"[{one}]" if isinstance(one, int) else f".{one}" for one in where).removeprefix(".")


# ---- the file


def _read_file(path: str, found: Read) -> None:
    try:
        tree = yaml.safe_load(Path(path).read_text("utf-8"))
    except FileNotFoundError:
        found.faults.append(Fault(path, "there is no such file; check --config and PULLBOT_CONFIG"))
        return
    except (OSError, UnicodeDecodeError) as error:
        found.faults.append(Fault(path, f"cannot be read: {error}"))
        return
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = f" in line {mark.line + 1}" if mark else ""
        problem = getattr(error, "problem", None) or "it cannot be parsed"
        found.faults.append(Fault(path, f"is not YAML{line}: {problem}"))
        return
    if tree is None:
        return
    if not isinstance(tree, dict):
        found.faults.append(Fault(path, "should hold keys such as `clusters:` at its top"))
        return
    found.tree, found.faults = _without_secrets(tree, (), found.faults)
    for internal in ("warnings", "source"):  # ours to fill in
        if internal in found.tree:
            del found.tree[internal]
            found.faults.append(Fault(internal, "is no setting; remove it"))


# Names that hold secrets wherever people have seen them before, and what tokens look like.
_SECRET_NAME = re.compile(r"(?i)(^|_)(tokens?|passwords?|secrets?|credentials?|api_key|access_key)$")
_SECRET_VALUE = re.compile(r"^(xox[a-z]-|xapp-|xoxe\.|eyJ[\w-]+\.eyJ|-----BEGIN )")


def _without_secrets(
    tree: dict[str, Any], where: Key, faults: list[Fault]
) -> tuple[dict[str, Any], list[Fault]]:
    """Without what is left empty, too: ``slack:`` with only comments under it says nothing."""
    kept: dict[str, Any] = {}
    for name, value in tree.items():
        key = (*where, name)
        if value is None:
            continue
        if _SECRET_NAME.search(str(name)) or (isinstance(value, str) and _SECRET_VALUE.match(value)):
            faults.append(Fault(_dotted(key), f"secrets do not belong in this file; {_home_of(str(name))}"))
        elif key == ("store",) and isinstance(value, str) and _has_password(value):
            faults.append(
                Fault("store", "a password does not belong in this file; set PULLBOT_STORE instead")
            )
        elif isinstance(value, dict):
            kept[name], _ = _without_secrets(value, key, faults)
        elif isinstance(value, list):
            kept[name] = [
                _without_secrets(one, (*key, at), faults)[0] if isinstance(one, dict) else one
                for at, one in enumerate(value)
            ]
        else:
            kept[name] = value
    return kept, faults


def _home_of(name: str) -> str:
    ours = sorted(one.upper() for one in Secrets.__dataclass_fields__)
    near = [one for one in ours if name.upper() in one]
    where = " or ".join(near) if near else "the environment (" + ", ".join(ours) + ")"
    return f"set {where}, or the same name with _FILE" if near else f"use {where}"


def _has_password(url: str) -> bool:
    try:
        return bool(urlsplit(url).password)
    except ValueError:
        return False


# ---- variables

# Kubernetes puts SVCNAME_SERVICE_HOST, SVCNAME_PORT_80_TCP_ADDR and the like into every pod; a Service
# called pullbot makes them look like ours.
# https://kubernetes.io/docs/concepts/services-networking/service/#environment-variables
_OF_A_SERVICE = re.compile(r"PULLBOT(_\w+)?_(SERVICE_(HOST|PORT)(_\w+)?|PORT(_\d+_(TCP|UDP|SCTP)(_\w+)?)?)")


def variables() -> dict[str, tuple[str, ...]]:
    """Every variable and the key that it sets: ``PULLBOT_SLACK_MODE`` -> ``("slack", "mode")``."""
    return {"PULLBOT_" + "_".join(where).upper(): where for where in _keys(Shape, ())}


def _keys(model: type[BaseModel], where: tuple[str, ...]) -> Iterable[tuple[str, ...]]:
    for name, info in model.model_fields.items():
        yield (*where, name)
        if isinstance(info.annotation, type) and issubclass(info.annotation, BaseModel):
            yield from _keys(info.annotation, (*where, name))


def _read_variables(environ: Mapping[str, str], found: Read) -> None:
    known = variables()
    not_keys = {"PULLBOT_CONFIG", "PULLBOT_ALERTS_TOKEN", "PULLBOT_ALERTS_TOKEN_FILE", "PULLBOT_LOG_LEVEL"}
    for name in sorted(one for one in environ if one.startswith("PULLBOT_")):
        if name in known or name in not_keys or _OF_A_SERVICE.fullmatch(name):
            continue
        hint = suggestion(name, {*known, *not_keys}) or "unset it"
        found.faults.append(Fault(name, f"is no setting; {hint}"))
    # A block comes before its own keys, so that these win.
    for name, where in sorted(known.items(), key=lambda item: len(item[1])):
        if environ.get(name, "").strip():
            _put(found, name, where, environ[name].strip())
    for name, where in {
        "MICROSOFT_APP_ID": ("teams", "app_id"),
        "MICROSOFT_APP_TENANT_ID": ("teams", "tenant_id"),
    }.items():
        if environ.get(name, "").strip():
            _put(found, name, where, environ[name].strip())


def _put(found: Read, name: str, where: tuple[str, ...], text: str) -> None:
    try:
        value = _parsed(text, where)
    except yaml.YAMLError:
        found.faults.append(Fault(name, "should be YAML or JSON, and is neither"))
        return
    block: Any = found.tree
    for one in where[:-1]:
        if not isinstance(block.setdefault(one, {}), dict):
            block[one] = {}  # what stood there was wrong or empty; the variable says more
        block = block[one]
    block[where[-1]] = value
    found.variables[where] = name


def _parsed(text: str, where: tuple[str, ...]) -> Any:
    kind: Any = Shape
    for name in where[:-1]:
        kind = kind.model_fields[name].annotation
    kind = kind.model_fields[where[-1]].annotation
    if get_origin(kind) is tuple and not text.startswith(("[", "- ")):
        if _model_in(kind) is None:
            return [one.strip() for one in text.split(",") if one.strip()]
        return yaml.safe_load(text)
    if get_origin(kind) in (tuple, Mapping) or _model_in(kind) is not None:
        return yaml.safe_load(text)
    return text


def _model_in(kind: Any) -> type[BaseModel] | None:
    """The block that an annotation such as ``tuple[Cluster, ...]`` or ``Aws | None`` is about."""
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        return kind
    if get_origin(kind) in (tuple, Mapping, Union, types.UnionType, Annotated):
        return next((found for one in get_args(kind) if (found := _model_in(one))), None)
    return None


# ---- secrets


def _read_secrets(environ: Mapping[str, str], found: Read) -> None:
    secrets = {}
    for name in Secrets.__dataclass_fields__:
        text = _secret(name.upper(), environ, found.faults)
        secrets[name] = Secret(text) if text else None
    found.secrets = Secrets(**secrets)


def _secret(name: str, environ: Mapping[str, str], faults: list[Fault]) -> str:
    text, path = environ.get(name, "").strip(), environ.get(f"{name}_FILE", "").strip()
    if text and path:
        faults.append(Fault(name, f"is set, and so is {name}_FILE; unset one of them"))
    if text or not path:
        return text
    try:
        text = Path(path).read_text("utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is not text"
        faults.append(Fault(f"{name}_FILE", f"cannot read {path}: {reason}"))
        return ""
    if not text:
        faults.append(Fault(f"{name}_FILE", f"{path} is empty"))
    return text
