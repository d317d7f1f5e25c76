"""What ``handlers.saving`` does before a save: count it."""

from __future__ import annotations

from dataclasses import replace

from handlers.incident import Incident


def counted(incident: Incident) -> Incident:
    """``incident`` as the save after the one that it was last stored with."""
    return replace(incident, version=incident.version + 1)
