"""What kubelet says before it asks any registry: the pod's own words are at fault."""

from __future__ import annotations

from checks.image.symptom.rules.rule import rule
from checks.model import Symptom

KUBELET = (
    rule(
        Symptom.OTHER,
        "a volume or a variable of the pod wants that Secret, not its image",
        'MountVolume.SetUp failed for volume "tls" : secret "web-tls" not found',
        r"mountvolume\.",
        r"unable to attach or mount volumes",
        r"createcontainerconfigerror",
    ),
    rule(
        Symptom.OTHER,
        "the image was pulled: it does not start, or is not well (runc through containerd, kubelet's probes)",
        'Error: failed to create containerd task: OCI runtime create failed: exec: "web": executable file '
        "not found in $PATH",
        r"oci runtime create failed",
        r"failed to create (containerd|shim) task",
        r"liveness probe failed",
        r"readiness probe failed",
        r"startup probe failed",
        r"back-off restarting failed container",
        r"crashloopbackoff",
    ),
    rule(
        Symptom.OTHER,
        "ECS starts the log driver before it pulls, and CloudWatch has no such group or stream",
        "ResourceInitializationError: failed to create Cloudwatch log stream: ResourceNotFoundException: The "
        "specified log group does not exist",
        r"log (group|stream) does not exist",
    ),
    rule(
        Symptom.PULL_SECRET_MISSING,
        "kubelet looks imagePullSecrets up in the pod's namespace (kubelet_pods.go)",
        "Unable to retrieve some image pull secrets (regcred); attempting to pull the image may not succeed.",
        r"unable to retrieve some image pull secret",
        r"unable to retrieve image pull secret",
        r"failedtoretrieveimagepullsecret",
        r"couldn't get secret ",
        r"pull secret .{0,80}(not found|does not exist|not exist)",
    ),
    rule(
        Symptom.PULL_SECRET_MISSING,
        "the API server's own words for a Secret that is not there, as older kubelets pass them on",
        'Error syncing pod, skipping: secrets "regcred" not found',
        r'secrets? "?…"? (was )?not found',
        r'secrets? "?…"? (does not|doesn\'t) exist',
        r"find (the )?(specified )?(image ?pull ?)?secret",
    ),
    rule(
        Symptom.KUBELET_THROTTLED,
        "kubelet's registryPullQPS (pkg/kubelet/images/puller.go); nothing was asked yet",
        'Failed to pull image "r.example/web:1": pull QPS exceeded',
        r"pull qps exceeded",
    ),
    rule(
        Symptom.NEVER_PULL,
        "imagePullPolicy: Never, and the image is not on the node (image_manager.go)",
        'Container image "r.example/web:1" is not present with pull policy of Never',
        r"with pull policy of never",
        r"errimageneverpull",
        r"imagepullpolicy is never",
    ),
)

NAMES = (
    rule(
        Symptom.INVALID_IMAGE_NAME,
        "kubelet and docker parse with github.com/distribution/reference, whose errors these are",
        'Failed to apply default image tag "R.example/Web": couldn\'t parse image reference "R.example/Web": '
        "invalid reference format: repository name must be lowercase",
        r"invalid reference format",
        r"invalidimagename",
        r"couldn't parse image",
        r"failed to apply default image tag",
        r"repository name .{0,300}must (be|have|not)\b",
        r"cannot specify 64-byte hexadecimal",
        r"invalid (checksum digest|digest format|tag format|image name|image reference|repository name)",
        r"unsupported digest algorithm",
        r"is not a valid repository/tag",
        r"image name (is empty|cannot be empty|is required)",
        r"no image name",
    ),
    rule(
        Symptom.INVALID_IMAGE_NAME,
        "the same, in the words of CRI implementations and of build tools",
        'Failed to inspect image "web:": rpc error: code = InvalidArgument desc = failed to parse image name',
        r"parse (image |the )?(reference|image name|image ref)\b",
        r"parsing (image |the )?(reference|image name|image ref)\b",
        r"not a valid (image|reference|docker image)",
    ),
    rule(
        Symptom.INVALID_IMAGE_NAME,
        "containerd's own grammar (pkg/reference): no host before the path, or neither tag nor digest",
        'failed to resolve reference "web": object required',
        r"object required",
        r"hostname required",
        r"invalid reference",
    ),
    rule(
        Symptom.INVALID_IMAGE_NAME,
        "containers/image in CRI-O and Podman: a short name has to be written in full (shortnames.go)",
        'short-name "web:1" did not resolve to an alias and no unqualified-search registries are defined',
        r"short name mode is enforcing",
        r"short-name mode is enforcing",
        r"short-name resolution",
        r"did not resolve to an alias",
        r"returns ambiguous list",
        r"no registries configured while trying to pull an unqualified",
        r"unqualified-search registries",
    ),
)
