"""What a container is pulled with from a private registry, and what is surely wrong with it."""

from __future__ import annotations

from dataclasses import dataclass

from checks.aws.ecs_definitions import Defined
from checks.aws.ecs_secret_keys import KeyUse
from checks.aws.ecs_secrets import READ, RegistrySecret, SecretReader
from checks.aws.rulings import Says
from checks.graph import fact


@dataclass(frozen=True, slots=True)
class RegistryCredentials:
    """What a container is pulled with from a private registry.

    ``reader``: ``None`` where nobody reads it; ``key``: where it needs no key of the customer's own.
    """

    defined: Defined
    secret: RegistrySecret
    reader: SecretReader | None
    key: KeyUse | None = None

    @property
    def reader_name(self) -> str:
        return self.reader.role_arn.rpartition("/")[2] if self.reader else "nobody"

    def fault(self) -> str:
        """What is surely wrong, or ""."""
        if not self.secret.exists:
            return "the secret for the registry does not exist"
        if self.secret.deleted:
            return f"the secret for the registry was deleted ({self.secret.deleted})"
        if self.reader and not self.reader.exists:
            return f"the role {self.reader_name}, which is to read the secret, does not exist"
        if self.reader and self.reader.ruling.says in (Says.DENIES, Says.NOTHING):
            return f"{self.reader_name} may not read the secret ({READ})"
        return self.key.fault(self.reader_name) if self.key else ""

    @property
    def unread(self) -> tuple[str, ...]:
        """What of it is not known, and why."""
        asked = (one.ruling for one in (self.reader, self.key) if one is not None)
        return tuple(why for one in asked if one.says is Says.UNKNOWN for why in one.unread)

    def evidence(self) -> tuple[tuple[str, str], ...]:
        found = [
            ("Secret", self.secret.arn or self.secret.name.arn),
            ("Task definition", self.defined.definition.short),
        ]
        if self.reader:
            found.append(("Read by", self.reader.role_arn))
        if self.secret.key:
            found.append(("Key", self.secret.key))
        return tuple(found)


@fact()
def registry_credentials(
    defined: Defined, secret: RegistrySecret, reader: SecretReader | None, key: KeyUse | None
) -> RegistryCredentials:
    return RegistryCredentials(defined, secret, reader, key)
