"""Three ways to change an object by a patch.

JSON Patch is RFC 6902 with the operations add, remove, replace and test, and merge patch is RFC 7396. A
strategic merge patch merges lists of named things by name and replaces every other list: that is enough for
templates and annotations, and less than what the real server does (no ``$patch``, other merge keys).
"""

from __future__ import annotations

from typing import Any

from bot.demo.resources import Refused, bad_request

JSON_PATCH = "application/json-patch+json"
MERGE = "application/merge-patch+json"
STRATEGIC = "application/strategic-merge-patch+json"


def patched(tree: Any, patch: Any, kind: str) -> Any:
    """A changed copy; ``kind`` is a content type.

    :raises Refused: 400 it is not such a patch, 415 unknown kind, 422 it cannot be applied or a test failed
    """
    if kind == JSON_PATCH:
        return _operations(tree, patch)
    if kind not in (MERGE, STRATEGIC):
        known = f'"{JSON_PATCH}", "{MERGE}", "{STRATEGIC}"'
        raise Refused(
            415,
            "UnsupportedMediaType",
            f"the body of the request was in an unknown format - accepted media types include: {known}",
        )
    if not isinstance(patch, dict):
        raise bad_request("a merge patch must be an object")
    return _merged(tree, patch, by_name=kind == STRATEGIC)


def _merged(tree: Any, patch: Any, *, by_name: bool) -> Any:
    if isinstance(patch, dict):
        kept = dict(tree) if isinstance(tree, dict) else {}
        for key, value in patch.items():
            if value is None:
                kept.pop(key, None)
            else:
                kept[key] = _merged(kept.get(key), value, by_name=by_name)
        return kept
    if by_name and _named(tree) and _named(patch):
        changes = {one["name"]: one for one in patch}
        there = [_merged(one, changes.pop(one["name"], {}), by_name=True) for one in tree]
        return there + list(changes.values())
    return patch


def _named(tree: Any) -> bool:
    return isinstance(tree, list) and all(isinstance(one, dict) and "name" in one for one in tree)


def _operations(tree: Any, patch: Any) -> Any:
    if not isinstance(patch, list) or not all(isinstance(one, dict) for one in patch):
        raise bad_request("a JSON patch must be a list of operations")
    for one in patch:
        operation, path = one.get("op"), one.get("path")
        if not isinstance(path, str) or (path and not path.startswith("/")):
            raise bad_request(f"the operation {operation!r} has no valid path")
        if operation not in ("add", "remove", "replace", "test"):
            raise bad_request(f"the operation {operation!r} is not known here")
        if operation != "remove" and "value" not in one:
            raise bad_request(f"the operation {operation!r} has no value")
        keys = [key.replace("~1", "/").replace("~0", "~") for key in path.split("/")[1:]]
        tree = _applied(tree, keys, operation, one.get("value"))
    return tree


def _applied(tree: Any, keys: list[str], operation: str, value: Any) -> Any:
    if not keys:
        if operation == "test" and tree != value:
            raise _not_applicable()
        return tree if operation == "test" else value
    key = _key(tree, keys[0], adds=operation == "add" and len(keys) == 1)
    copy = tree.copy()
    if len(keys) > 1:
        copy[key] = _applied(tree[key], keys[1:], operation, value)
    elif operation == "test":
        if tree[key] != value:
            raise _not_applicable()
    elif operation == "remove":
        del copy[key]
    elif operation == "add" and isinstance(copy, list):
        copy.insert(key, value)
    else:
        copy[key] = value
    return copy


def _key(tree: Any, name: str, *, adds: bool) -> Any:
    """The key in a dict, or the index in a list; both must be there unless something is added at them."""
    if isinstance(tree, dict) and (adds or name in tree):
        return name
    if isinstance(tree, list):
        if adds and name == "-":
            return len(tree)
        if name.isdecimal() and int(name) < len(tree) + adds:
            return int(name)
    raise _not_applicable()


def _not_applicable() -> Refused:
    """The real server tells no more than this about a JSON patch that cannot be applied."""
    return Refused(422, "Invalid", "the server rejected our request due to an error in our request")
