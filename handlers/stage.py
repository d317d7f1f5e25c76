"""The stages of an incident, in the words that people see."""

from __future__ import annotations

from enum import Enum


class Stage(Enum):
    LOOKING = "looking"  # failed pulls are known, checks are running
    FOUND = "cause found"  # remedies are offered; a person decides
    REQUESTED = "waiting for approval"  # somebody asked for one exact plan
    APPROVED = "approved"  # enough people said yes to it
    EXECUTING = "fixing"  # some steps may be done
    EXECUTED = "verifying"  # every step is done; the pull is being watched
    HEARING = "asking"  # a question was put to somebody who may know more; the answer is waited for
    UNDOING = "undoing"  # some steps may be undone
    RESOLVED = "fixed"
    UNDONE = "undone"
    NEEDS_PERSON = "needs a person"  # nothing to offer, or it did not work out
    FOLDED = "same cause"  # told in another incident's thread


# The incident is over unless somebody asks for another look or an undo.
CLOSED = frozenset({Stage.RESOLVED, Stage.UNDONE, Stage.FOLDED})
