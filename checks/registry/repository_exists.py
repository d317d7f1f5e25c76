"""A repository that is not there: misspelt, never created, or in another account or region.

Registries hide what a caller may not see, so "not found" can come as 401 or 403 as well.
"""

from __future__ import annotations

from checks.graph import check
from checks.image.reference import Repository
from checks.model import Leg, Symptom, Verdict, failed, passed
from checks.registry.facts import RepositoryPresence


@check(
    "The repository exists",
    leg=Leg.EXISTENCE,
    explains={
        Symptom.REPOSITORY_NOT_FOUND,
        # containerd asks for a manifest by HEAD: its 404 has no body that could name the repository.
        Symptom.TAG_NOT_FOUND,
        Symptom.ACCESS_DENIED_OR_MISSING,
        Symptom.UNAUTHORIZED,
        Symptom.FORBIDDEN,
    },
    page="https://github.com/opencontainers/distribution-spec/blob/main/spec.md#pulling-manifests",
)
def repository_exists(repository: Repository, found: RepositoryPresence) -> Verdict:
    evidence = ("Repository", found.where)
    if found.exists:
        return passed(f"the repository {repository.path} exists", evidence)
    near = (("Names like it", ", ".join(found.near)),) if found.near else ()
    hint = f"; there is {found.near[0]}" if found.near else ""
    return failed(
        f"there is no repository {repository.path} in {repository.host}{hint}",
        evidence,
        *near,
        about=found.where,
    )
