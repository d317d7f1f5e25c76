"""Hosts that are almost a registry's, or that no registry of that cloud can have.

A private registry may have any name, so an unfamiliar host is never accused: only one within two
letters of a known registry, or one whose form its cloud does not give out.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from checks.image.hosts import ECR_PUBLIC, acr_host, ecr_host

# Whole hosts. Those of one letter less or more than another are here so that neither accuses the other.
_HOSTS = ECR_PUBLIC | {
    "docker.io", "index.docker.io", "registry-1.docker.io", "registry.hub.docker.com",
    "ghcr.io", "gcr.io", "us.gcr.io", "eu.gcr.io", "asia.gcr.io", "k8s.gcr.io", "mirror.gcr.io",
    "quay.io", "mcr.microsoft.com", "registry.k8s.io", "registry.gitlab.com", "nvcr.io", "icr.io",
    "us.icr.io", "uk.icr.io", "de.icr.io", "lscr.io", "ocir.io", "dhi.io", "scr.io", "cgr.dev", "xpkg.io",
    "docker.elastic.co", "registry.redhat.io", "registry.access.redhat.com", "registry.connect.redhat.com",
    "registry.suse.com", "registry.digitalocean.com", "container-registry.oracle.com", "rg.fr-par.scw.cloud",
}  # fmt: skip
# Ends of hosts whose first labels the customer chooses.
_SUFFIXES = frozenset(
    {"azurecr.io", "azurecr.cn", "azurecr.us", "azurecr.de", "pkg.dev", "jfrog.io", "ocir.io"}
)
# Near a suffix, but somebody's own domain.
_NOT_MEANT = frozenset({"azure.io", "azure.us", "azure.cn", "azure.de"})
# What people write instead, too far off to be found by counting letters.
_TAKEN_FOR = {
    "hub.docker.com": "docker.io",
    "docker.com": "docker.io",
    "www.docker.com": "docker.io",
    "registry.docker.io": "docker.io",
    "azurecr.com": "azurecr.io",
    "azurecr.net": "azurecr.io",
}

_ECR_LABELS = frozenset({"dkr", "ecr", "ecr-fips", "dkr-ecr", "dkr-ecr-fips"})
_ECR_SUFFIXES = ("amazonaws.com", "amazonaws.com.cn", "amazonaws.eu", "on.aws")
_REGION = re.compile(r"[a-z]{2,4}(-[a-z]+){1,3}-\d{1,2}")
_ZONE = re.compile(r"([a-z]{2,4}(?:-[a-z]+){1,3}-\d{1,2})[a-z]")


@dataclass(frozen=True, slots=True)
class Misspelling:
    """``why`` completes "the host …"; ``meant`` is the host to write instead, or "" where none is sure."""

    why: str
    meant: str = ""


def is_familiar(host: str) -> bool:
    """Whether the host is a well-known registry, or of a form that its cloud gives out."""
    known = host in _HOSTS or ecr_host(host) is not None or acr_host(host) is not None
    return known and misspelling(host) is None


def misspelling(host: str) -> Misspelling | None:
    """What is wrong with ``host`` (``name[:port]``), or ``None`` where nothing can be said against it."""
    if host in _HOSTS or acr_host(host) or ":" in host or host == "localhost":
        return None
    labels = host.lower().split(".")
    if len(labels) < 2 or labels[-1].isdigit():
        return None
    return _wrong_ecr(labels) or _wrong_acr(labels) or _nearly(host, labels)


def _wrong_ecr(labels: list[str]) -> Misspelling | None:
    if not _ECR_LABELS & set(labels) or "vpce" in labels:
        return None
    suffix = _ecr_suffix(labels)
    if suffix is None:
        return None
    written, meant = suffix
    account, *middle = labels[: len(labels) - written.count(".") - 1]
    reasons = list(_ecr_faults(account, middle, ".".join(labels[-written.count(".") - 1 :]), meant))
    region = next((label for label in middle if _REGION.fullmatch(label)), "")
    if not reasons:
        return None
    sure = re.fullmatch(r"\d{12}", account) and region
    return Misspelling(reasons[0], f"{account}.dkr.ecr.{region}.{_suffix_of(region, meant)}" if sure else "")


def _ecr_faults(account: str, middle: list[str], suffix: str, meant: str) -> Iterator[str]:
    """Most telling first."""
    region = [label for label in middle if label not in _ECR_LABELS]
    if account == "api":
        yield "is ECR's API, which serves no images"
    elif account.isdigit() and len(account) != 12:
        yield f"starts with {len(account)} digits, but an AWS account id has 12"
    elif not re.fullmatch(r"\d{12}", account):
        yield "does not start with a 12-digit AWS account id"
    if middle[:2] == ["ecr", "dkr"]:
        yield 'has "ecr.dkr" where ECR writes "dkr.ecr"'
    if suffix != meant:
        yield f'ends in "{suffix}", but ECR hosts end in "{meant}"'
    if not region:
        yield "names no region"
    elif zone := _ZONE.fullmatch(region[0]):
        yield f'names the zone "{region[0]}"; ECR wants the region "{zone[1]}"'
    elif not _REGION.fullmatch(region[0]):
        yield f'has "{region[0]}" where a region such as us-west-2 belongs'
    elif _suffix_of(region[0], meant) != meant:
        yield f'ends in "{meant}", but the region {region[0]} is under "{_suffix_of(region[0], meant)}"'


def _suffix_of(region: str, suffix: str) -> str:
    if suffix not in {"amazonaws.com", "amazonaws.com.cn"}:
        return suffix
    return "amazonaws.com.cn" if region.startswith("cn-") else "amazonaws.com"


def _ecr_suffix(labels: list[str]) -> tuple[str, str] | None:
    """The suffix as it was written and as it was meant."""
    for count in (3, 2):
        written = ".".join(labels[-count:])
        for known in _ECR_SUFFIXES:
            if known.count(".") == count - 1 and distance(written, known, 2) <= 2:
                return written, known
    return None


def _wrong_acr(labels: list[str]) -> Misspelling | None:
    suffix = ".".join(labels[-2:])
    if not re.fullmatch(r"azurecr\.(io|cn|us|de)", suffix):
        return None
    name, *middle = labels[:-2] or [""]
    meant = f"{name}.{suffix}" if acr_host(f"{name}.{suffix}") else ""
    if not name:
        return Misspelling("names no registry before azurecr")
    if middle[-1:] == ["data"]:
        return Misspelling("is a data endpoint, which serves layers but no images", meant)
    if middle == ["privatelink"]:
        return Misspelling("is the private link zone's name, which images never use", meant)
    if middle:
        return Misspelling(f'has "{".".join(middle)}" between the registry\'s name and {suffix}', meant)
    return Misspelling("is no ACR name: those are 5 to 50 letters and digits")


def _nearly(host: str, labels: list[str]) -> Misspelling | None:
    host, end, own = ".".join(labels), ".".join(labels[-2:]), ".".join(labels[:-2])
    if host in _TAKEN_FOR:
        return Misspelling("is a web site, not the registry", _TAKEN_FOR[host])
    for known in sorted(_HOSTS):
        if _is_near(host, known):
            return Misspelling(f'looks like "{known}" misspelt', known)
    if not own or end in _SUFFIXES or end in _NOT_MEANT or end in _HOSTS:
        return None
    if end in _TAKEN_FOR:
        return Misspelling(f'ends in "{end}"', f"{own}.{_TAKEN_FOR[end]}")
    for known in sorted(_SUFFIXES, key=lambda known: (distance(end, known, 2), known != "azurecr.io", known)):
        if _is_near(end, known):
            return Misspelling(f'ends in "{end}", which looks like "{known}" misspelt', f"{own}.{known}")
    return None


def _is_near(written: str, known: str) -> bool:
    """Two letters off for long names, one for shorter; of a short one only swapped letters.

    What counts is the owner's label: ``registry.base.com`` is two letters from ``registry.suse.com``.
    """
    label = known.split(".")[-2]
    tolerance = 2 if len(label) >= 7 else 1 if len(label) >= 6 else 0
    letters = distance(written, known, 2)
    return letters <= tolerance or (letters == 1 and sorted(written) == sorted(known))


def distance(one: str, other: str, limit: int) -> int:
    """Letters to insert, remove, replace or swap with their neighbour; ``limit + 1`` where it is more."""
    if abs(len(one) - len(other)) > limit:
        return limit + 1
    before: list[int] = []
    row = list(range(len(other) + 1))
    for i, left in enumerate(one, 1):
        before, last, row = row, before, [i]
        for j, right in enumerate(other, 1):
            cost = min(before[j] + 1, row[j - 1] + 1, before[j - 1] + (left != right))
            if i > 1 and j > 1 and left == other[j - 2] and one[i - 2] == right:
                cost = min(cost, last[j - 2] + 1)
            row.append(cost)
    return min(row[-1], limit + 1)
