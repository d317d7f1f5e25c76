"""Operating systems and architectures, and which image runs on which node, as containerd matches them
(github.com/containerd/platforms, compare.go and platforms_windows.go).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

# Names that uname and Go spell otherwise (database.go).
_ARCHITECTURE = {"x86_64": "amd64", "x86-64": "amd64", "i386": "386", "aarch64": "arm64", "armhf": "arm"}
# Since this build, images of an older one run on later hosts (ltsc2022; platforms_windows.go).
_STABLE_BUILD = 20348


@dataclass(frozen=True, slots=True)
class Platform:
    """``version`` is Windows' build (10.0.20348); ``variant`` that of ARM (v7)."""

    system: str
    architecture: str
    variant: str = ""
    version: str = ""

    @classmethod
    def parse(cls, tree: Mapping[str, Any]) -> Platform:
        """From an entry of an index, or the config of an image."""
        named = {key: str(tree.get(key) or "")[:60].lower() for key in ("os", "architecture", "variant")}
        architecture = _ARCHITECTURE.get(named["architecture"], named["architecture"])
        return cls(named["os"], architecture, named["variant"], str(tree.get("os.version") or "")[:60])

    def __str__(self) -> str:
        parts = (self.system, self.architecture, self.variant, self.version)
        return "/".join(part for part in parts if part)

    def runs(self, image: Platform) -> bool:
        """Whether a node of this platform takes an image of that one."""
        if image.system != self.system:
            return False
        if image.architecture == self.architecture:
            return self._takes_variant(image.variant) and self._takes_version(image.version)
        return (self.architecture, image.architecture) in {("amd64", "386"), ("arm64", "arm")}

    def _takes_variant(self, wanted: str) -> bool:
        """A node does not say which ARM it is; what it surely has is what 64 bits imply."""
        if self.architecture != "arm64":
            return True
        return wanted in ("", "v8", "8")

    def _takes_version(self, wanted: str) -> bool:
        if self.system != "windows" or not wanted or not self.version:
            return True
        mine, theirs = _build(self.version), _build(wanted)
        return mine == theirs or _STABLE_BUILD <= theirs <= mine


def _build(version: str) -> int:
    """20348 of 10.0.20348.2322; -1 where there is none."""
    parts = version.split(".")
    return int(parts[2]) if len(parts) > 2 and parts[2].isdecimal() else -1
