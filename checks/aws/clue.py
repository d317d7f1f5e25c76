"""What the runtime's message tells of the network: on which errand it failed, and whom it dialled.

A fault on another errand may be real, and yet it is not what the message tells of.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from checks.aws.addresses import is_private
from checks.aws.destinations import Destination, Errand, gave_up
from checks.graph import fact
from checks.image.facts import Asked
from checks.model import FailedPull, Symptom

# What a connection that loses its packets leads to: AWS's networks drop, and never refuse.
LOST = frozenset({Symptom.CONNECT_TIMEOUT, Symptom.UNAUTHORIZED, Symptom.ACCESS_DENIED_OR_MISSING})
# Without a token kubelet pulls anonymously, and it is the registry that refuses: it was reached.
_ANONYMOUS = frozenset({Symptom.UNAUTHORIZED, Symptom.ACCESS_DENIED_OR_MISSING})
# "lookup NAME on 10.0.0.2:53: ..."; loopback is the machine itself, whomever it asks in turn.
_DNS_SERVER = re.compile(r"\blookup \S+ on (?!127\.)\d+\.\d+\.\d+\.\d+:53\b")


@dataclass(frozen=True, slots=True)
class Clue:
    """``errand`` is ``None`` where no host is named; ``stranger``: one is, but none of this pull.

    ``gave_up``: Fargate waited in vain, whatever the symptom that is read from its words.
    ``asked_a_server``: the machine was told of a DNS server, and asked it.
    """

    symptom: Symptom
    errand: Errand | None
    stranger: bool
    address: str
    gave_up: bool = False
    asked_a_server: bool = False

    def dialled(self, errand: Errand) -> str:
        """The address that was dialled on this errand, or "" where the message does not tell."""
        return self.address if self.errand is errand else ""

    def network_explains(self, dead: Iterable[tuple[Errand, bool]]) -> bool | None:
        """Whether errands that cannot get through account for the message; ``None``: it may well be.

        :param dead: each with whether it would have dialled a private address
        """
        if self.symptom is Symptom.DNS_FAILURE:
            return False
        dead = tuple(dead)
        errands = {errand for errand, _ in dead}
        if self.symptom in _ANONYMOUS:
            return None if Errand.TOKEN in errands and Errand.MANIFEST not in errands else False
        if self.stranger or not any(self._may_be(errand, private) for errand, private in dead):
            return False
        return True if self.gave_up else None

    def _may_be(self, errand: Errand, private: bool) -> bool:
        if self.errand not in (None, errand):
            return False
        return not self.address or is_private(self.address) == private

    def nameless_explains(self) -> bool | None:
        """The same where no name at all is resolved: then nobody is dialled."""
        return False if self.symptom in LOST else None

    def denial_explains(self, denied: Iterable[Errand]) -> bool | None:
        """The same of errands that an endpoint's policy denies: each is answered with another message."""
        errands = set(denied)
        if self.symptom in _ANONYMOUS:
            return None if Errand.TOKEN in errands else False
        if self.symptom is Symptom.FORBIDDEN:
            return None if (self.errand or Errand.MANIFEST) in errands else False
        return None


@fact()
def clue(asked: Asked, pull: FailedPull, destination: Destination | None) -> Clue:
    elsewhere = destination is not None and destination.ecr is None
    errand = _elsewhere(asked, destination) if destination and elsewhere else _errand(asked.host)
    return Clue(
        symptom=asked.symptom,
        errand=errand,
        stranger=bool(asked.host) and errand is None,
        address=asked.address,
        gave_up=gave_up(pull),
        asked_a_server=bool(_DNS_SERVER.search(pull.message)),
    )


def _errand(host: str) -> Errand | None:
    if ".dkr.ecr" in host or ".dkr-ecr" in host:
        return Errand.MANIFEST
    if host.startswith(("api.ecr.", "api.ecr-fips.", "ecr.", "ecr-fips.")):
        return Errand.TOKEN
    if "starport" in host or ".s3." in host or host.startswith("s3."):
        return Errand.LAYERS
    if host.startswith("sts.") and host.count(".") > 2:
        return Errand.SERVICE_ACCOUNT  # of a region: endpoints answer for no other name
    return None


def _elsewhere(asked: Asked, destination: Destination) -> Errand | None:
    """Whatever public address is dialled, the way there is that to the internet, be it for layers.

    A name of somebody else without an address may be a mirror's, and that may be anywhere.
    """
    public = bool(asked.address) and not is_private(asked.address)
    return Errand.IMAGE if public or not asked.host or destination.has(asked.host) else None
