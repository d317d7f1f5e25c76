"""Does the policy of the endpoint for S3 let ECR's layers through?

They come from a bucket of AWS, by requests that AWS signed: a policy that names one's own buckets, account or
organization shuts them out. Manifests arrive, and then every layer answers 403.
"""

from __future__ import annotations

from checks.aws.destinations import Errand
from checks.aws.endpoint_policies import GET_OBJECT, LAYER, for_layers, lets_everything
from checks.aws.paths import Paths
from checks.aws.routing import Way
from checks.aws.rulings import Says
from checks.graph import check
from checks.model import Leg, NotApplicable, Symptom, Verdict, failed, passed, unknown


@check(
    "The S3 endpoint's policy allows ECR's layers",
    leg=Leg.LAYERS,
    explains={Symptom.FORBIDDEN},
    page="https://docs.aws.amazon.com/AmazonECR/latest/userguide/vpc-endpoints.html#ecr-minimum-s3-perms",
)
def s3_endpoint_policy_allows_layers(paths: Paths) -> Verdict:
    path = next((one for one in paths.items if one.errand is Errand.LAYERS), None)
    if path is None or path.way not in (Way.ENDPOINT, Way.GATEWAY) or path.endpoint is None:
        raise NotApplicable("layers do not go through an endpoint")
    id = path.endpoint.id
    evidence = (*paths.evidence(), ("Bucket", paths.registry.bucket))
    if lets_everything(path.endpoint):
        return passed(f"the policy of {id} lets everybody do anything", *evidence)
    if not paths.registry.bucket_is_certain:
        return unknown(
            f"the policy of {id} is restrictive, and which bucket has the layers is not sure", *evidence
        )
    found = for_layers(path.endpoint, paths.registry, paths.interface.vpc)
    if found.says in (Says.DENIES, Says.NOTHING):
        how = f"the statement {found.sid!r} of" if found.sid else "a statement of"
        how = how if found.says is Says.DENIES else "no statement of"
        return failed(
            f"{how} the policy of {id} {'denies' if found.says is Says.DENIES else 'allows'} {GET_OBJECT} on "
            f"{paths.registry.bucket}",
            *evidence,
            ("Layer", LAYER),
            about=id,
            explains=paths.clue.denial_explains([Errand.LAYERS]),
        )
    if found.says is Says.UNKNOWN:
        return unknown(f"whether {id} lets layers through is not known: {'; '.join(found.unread)}", *evidence)
    return passed(f"the policy of {id} lets ECR's layers through", *evidence)
