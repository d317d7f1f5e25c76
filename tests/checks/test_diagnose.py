"""Whether a failure explains the message: the check's list of symptoms, unless its verdict knows better."""

from __future__ import annotations

import pytest

from checks.diagnose import judge
from checks.graph import Catalog, check
from checks.model import FailedPull, Leg, Symptom, Verdict, causes, failed
from checks.resolve import Resolver


def pull_with(symptom: Symptom) -> FailedPull:
    return FailedPull(
        cluster="demo",
        namespace="default",
        workload="Deployment/ui",
        container="ui",
        pods=("ui-1",),
        nodes=("node-1",),
        host_kind="node",
        image="r.example/app:1",
        symptom=symptom,
        message="",
    )


@pytest.mark.parametrize(
    ("symptom", "says", "explains"),
    [
        (Symptom.CONNECT_TIMEOUT, None, True),
        (Symptom.CONNECT_TIMEOUT, False, False),
        (Symptom.FORBIDDEN, None, False),
        (Symptom.FORBIDDEN, True, True),
        (Symptom.BACKOFF_ONLY, None, True),
        (Symptom.BACKOFF_ONLY, False, False),
    ],
)
async def test_a_verdict_may_know_better_than_the_list_of_symptoms(
    symptom: Symptom, says: bool | None, explains: bool
) -> None:
    @check("The gate is open", leg=Leg.CONNECTION, explains={Symptom.CONNECT_TIMEOUT})
    def gate_is_open(pull: FailedPull) -> Verdict:
        return failed("the gate is shut", explains=says)

    pull = pull_with(symptom)
    resolver = Resolver(Catalog.of([], [gate_is_open]), {FailedPull: pull}, {})
    finding = await judge(gate_is_open, pull, resolver)
    assert finding is not None
    assert finding.explains is explains
    assert causes((finding,)) == ((finding,) if explains else ())
