"""The machine that pulls, whatever runs it: what the families of checks share about it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Cluster:
    """The cluster as it was configured or found. Empty strings: not known.

    ``name`` is ours (configuration or kubeconfig context); ``cloud_name`` is the cloud's, if told apart, and
    ``cloud_id`` its whole address there (AKS: the id in ARM).
    """

    name: str
    kind: str = ""  # eks | aks | ecs | kubernetes
    region: str = ""
    cloud_name: str = ""
    cloud_id: str = ""


@dataclass(frozen=True, slots=True)
class Host:
    """``provider_id`` is Kubernetes' ``spec.providerID``, e.g. ``aws:///us-west-2a/i-0abc``."""

    name: str
    provider_id: str
    architecture: str
    operating_system: str
    labels: tuple[tuple[str, str], ...]

    def label(self, name: str) -> str:
        """The label's value, or "" if the host does not carry it."""
        return dict(self.labels).get(name, "")
