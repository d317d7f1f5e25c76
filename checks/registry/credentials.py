"""What the pod's own secrets give kubelet to log in to the image's registry with.

Kubelet tries one login after the other, and then what its credential provider gives for the node; a pull
fails when all of them do (pkg/kubelet/kuberuntime/kuberuntime_image.go).
"""

from __future__ import annotations

from dataclasses import dataclass, field

from checks.graph import fact
from checks.secret import Secret


@dataclass(frozen=True, slots=True)
class SecretLogin:
    """One entry of a pull secret. ``key``: the registry as the secret names it. Times are RFC 3339, or "".

    ``written``: when the Secret was last written, so what is in it is at least as old. ``expires``: when the
    token in it ends, as far as the token itself says; ``expired``: that time is over. ``password`` is for
    asking the registry of that entry, and for nobody's eyes.
    """

    namespace: str
    secret: str
    key: str
    username: str
    written: str
    expires: str = ""
    expired: bool = False
    password: Secret[str] | None = field(default=None, repr=False, compare=False)

    @property
    def where(self) -> str:
        return f"{self.namespace}/{self.secret}"


@dataclass(frozen=True, slots=True)
class SecretLogins:
    """Those for the image's registry that kubelet can use, in the order in which it tries them."""

    all: tuple[SecretLogin, ...]


@dataclass(frozen=True, slots=True)
class AskingLogins:
    """What pullbot itself may ask the registry with: the pod's own logins, also where none is suspected."""

    all: tuple[SecretLogin, ...]


@fact()
def suspected_logins(logins: SecretLogins) -> AskingLogins:
    return AskingLogins(logins.all)
