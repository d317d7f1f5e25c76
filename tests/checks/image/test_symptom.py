"""Messages in the shapes the runtimes print, and what they say."""

from __future__ import annotations

import pytest

from checks.image.symptom import Reading, classify, most_telling
from checks.model import Symptom

PULL = (
    'Failed to pull image "r.example/team/web:1": rpc error: code = Unknown desc = failed to pull and '
    "unpack image "
)
RESOLVE = f'{PULL}"r.example/team/web:1": failed to resolve reference "r.example/team/web:1": '
ROLE = "arn:aws:sts::111122223333:assumed-role/node/i-0a1b"
DENY = (
    f"denied: User: {ROLE} is not authorized to perform: ecr:BatchGetImage on resource: "
    "arn:aws:ecr:x:1:repository/w"
)


@pytest.mark.parametrize(
    ("message", "symptom"),
    [
        # The innermost detail wins over docker's and containerd's wrapper.
        (
            "pull access denied for web, repository does not exist or may require 'docker login'",
            "ACCESS_DENIED_OR_MISSING",
        ),
        (
            f"pull access denied for web, repository does not exist or may require 'docker login': {DENY}",
            "FORBIDDEN",
        ),
        (
            "pull access denied for web, repository does not exist or may require 'docker login': "
            "denied: Your authorization token has expired. Reauthenticate and try again.",
            "CREDENTIALS_EXPIRED",
        ),
        (
            f"{RESOLVE}pull access denied, repository does not exist or may require authorization: "
            "authorization failed: no basic auth credentials",
            "UNAUTHORIZED",
        ),
        (
            f"{RESOLVE}pull access denied, repository does not exist or may require authorization: "
            "server message: insufficient_scope: authorization failed",
            "ACCESS_DENIED_OR_MISSING",
        ),
        # A token that could not be fetched because nobody answered is the network's fault.
        (
            f"{RESOLVE}failed to authorize: failed to fetch anonymous token: Get "
            '"https://auth.example/token": '
            "dial tcp 10.0.0.5:443: i/o timeout",
            "CONNECT_TIMEOUT",
        ),
        (
            f"{RESOLVE}failed to authorize: failed to fetch oauth token: Post "
            '"https://auth.example/token": EOF',
            "CONNECT_FAILED",
        ),
        (
            f"{RESOLVE}failed to authorize: failed to fetch oauth token: unexpected status: 400 Bad Request",
            "OTHER",
        ),
        # Anything wrong inside a lookup is about the name, and anything behind proxyconnect about the proxy.
        (
            f'{RESOLVE}failed to do request: Head "https://r.example/v2/": dial tcp: lookup r.example '
            "on "
            "10.0.0.2:53: connection refused",
            "DNS_FAILURE",
        ),
        (
            f'{RESOLVE}failed to do request: Head "https://r.example/v2/": proxyconnect tcp: dial '
            "tcp: lookup "
            "proxy.example: no such host",
            "PROXY_ERROR",
        ),
        # "not found" behind a choice of platform is about the platform.
        (f'{PULL}"r.example/team/web:1": no match for platform in manifest: not found', "PLATFORM_MISMATCH"),
        (
            f'{PULL}"r.example/team/web:1": failed to unpack image on snapshotter overlayfs: no '
            "match for platform in manifest: not found",
            "PLATFORM_MISMATCH",
        ),
        (f"{RESOLVE}r.example/team/web:1: not found", "TAG_NOT_FOUND"),
        # What the node's file system does is not what is in the layer.
        ("failed to register layer: write /usr/lib/libz.so: no space left on device", "DISK_FULL"),
        (
            "failed to extract layer sha256:0a: failed to mount /var/lib/x: read-only file system",
            "RUNTIME_UNAVAILABLE",
        ),
        (
            "failed to extract layer sha256:0a: mount callback failed on /var/lib/x: unexpected EOF",
            "CORRUPT_CONTENT",
        ),
        ("failed to register layer: lchown /usr/bin/su: operation not permitted", "CORRUPT_CONTENT"),
        ("pulling image: open /var/lib/containers/storage.lock: permission denied", "RUNTIME_UNAVAILABLE"),
        (
            "failed to unpack image on snapshotter overlayfs: content digest sha256:0a: not found",
            "RUNTIME_UNAVAILABLE",
        ),
        (
            'error during connect: Get "http://%2Fvar%2Frun%2Fdocker.sock/v1.43/images/x/json": EOF',
            "RUNTIME_UNAVAILABLE",
        ),
        # A newer kubelet's back-off holds the cause.
        ('Back-off pulling image "r.example/web:1"', "BACKOFF_ONLY"),
        (
            'Back-off pulling image "r.example/web:1": ErrImagePull: r.example/web:1: not found',
            "TAG_NOT_FOUND",
        ),
        ('Back-off pulling image "r.example/web:1": ErrImagePull: it broke in a new way', "OTHER"),
        ("Error: ImagePullBackOff", "BACKOFF_ONLY"),
        ("Error: ErrImagePull", "BACKOFF_ONLY"),
        # The Docker API's own status says nothing of the registry's.
        (
            "CannotPullContainerError: API error (404): repository web not found: does not exist or "
            "no pull access",
            "ACCESS_DENIED_OR_MISSING",
        ),
        (
            "CannotPullContainerError: API error (500): Get https://r.example/v2/: net/http: request "
            "canceled while waiting for connection (Client.Timeout exceeded while awaiting headers)",
            "CONNECT_TIMEOUT",
        ),
        ("CannotPullContainerError: API error (404)", "OTHER"),
        # Answers of registries as JSON and as pages.
        (
            '{"errors":[{"code":"DENIED","message":"requested access to the resource is denied"}]}',
            "ACCESS_DENIED_OR_MISSING",
        ),
        ('{ "errors" : [ { "code" : "UNAUTHORIZED", "message" : "access" } ] }', "UNAUTHORIZED"),
        (
            "error parsing HTTP 403 response body: invalid character '<' looking for beginning of "
            "value: "
            '"<html><body><h1>403 Forbidden</h1>\\n</body></html>\\n"',
            "FORBIDDEN",
        ),
        ("unexpected status: <html><head><title>Forbidden</title></head></html>", "FORBIDDEN"),
        ("<b>manifest unknown</b>: <i>web</i>", "TAG_NOT_FOUND"),
        ("> *manifest unknown*: `web`", "TAG_NOT_FOUND"),
        # A word of one line of work may be heard in another: what is said of tokens is not about layers.
        (
            f"{RESOLVE}failed to authorize: failed to fetch oauth token: unable to decode token response: "
            "json: cannot unmarshal string into Go struct field",
            "OTHER",
        ),
        (f"{RESOLVE}rejecting 9437184 byte manifest for r.example/team/web:1: not found", "OTHER"),
        (f"{RESOLVE}failed to authorize: missing username or secret", "UNAUTHORIZED"),
        ("CannotPullECRContainerError: engine ecr credentials: not found", "UNAUTHORIZED"),
        ("short-name resolution enforced but cannot prompt without a TTY", "INVALID_IMAGE_NAME"),
        (
            "failed to extract layer (application/vnd.oci.image.layer.v1.tar+gzip sha256:0a) to overlayfs as "
            '"extract-1-ab sha256:0b": failed to convert whiteout file "x": operation not permitted',
            "CORRUPT_CONTENT",
        ),
        (
            "failed to extract layer sha256:0a: fork/exec /usr/bin/unpigz: resource temporarily unavailable: "
            "unknown",
            "RUNTIME_UNAVAILABLE",
        ),
        ("something nobody ever said", "OTHER"),
        (" \n\t ", "STALLED"),
    ],
)
def test_the_most_particular_words_decide(message: str, symptom: str) -> None:
    assert classify(message).symptom is Symptom[symptom]


@pytest.mark.parametrize(
    "message",
    [
        'E0425 03:13:37.830947     403 remote_image.go:171] "PullImage failed" err="hm"',
        "0a1b2c: downloading 403 MB of 429 MB",
        "the log was truncated",
        'MountVolume.SetUp failed for volume "denied" : secret "unauthorized" not found',
        'Successfully pulled image "r.example/web:1" in 403ms',
        'OCI runtime create failed: exec: "web": executable file not found in $PATH',
        "Liveness probe failed: HTTP probe failed with statuscode: 503",
    ],
)
def test_numbers_and_words_that_mean_something_else_accuse_nobody(message: str) -> None:
    assert classify(message).symptom is Symptom.OTHER


def test_of_two_attempts_the_first_that_says_anything_decides() -> None:
    with_credentials = "rpc error: code = Unknown desc = unexpected status from HEAD request: 403 Forbidden"
    anonymous = "rpc error: code = Unknown desc = failed to fetch anonymous token: 401 Unauthorized"
    assert classify(f"[{with_credentials}, {anonymous}]").symptom is Symptom.FORBIDDEN
    assert classify(f"[{anonymous}, {with_credentials}]").symptom is Symptom.UNAUTHORIZED
    assert classify(f"[rpc error: code = Unknown desc = hm, {anonymous}]").symptom is Symptom.UNAUTHORIZED


@pytest.mark.parametrize(
    ("mirror", "upstream", "symptom"),
    [
        ("manifest unknown", "dial tcp 10.0.0.5:443: connect: connection refused", Symptom.TAG_NOT_FOUND),
        ("dial tcp 10.0.0.9:443: i/o timeout", "unauthorized: authentication required", Symptom.UNAUTHORIZED),
        ("manifest unknown", "unauthorized: authentication required", Symptom.UNAUTHORIZED),
        ("EOF", "dial tcp: lookup r.example: no such host", Symptom.DNS_FAILURE),
        ("manifest unknown", "hm", Symptom.TAG_NOT_FOUND),
    ],
)
def test_a_mirror_that_answered_counts_where_upstream_is_out_of_reach(
    mirror: str, upstream: str, symptom: Symptom
) -> None:
    message = (
        "initializing source docker://r.example/web:1: (Mirrors also failed: [m.example/web:1: reading "
        "manifest 1 "
        f"in m.example/web: {mirror}]): r.example/web:1: pinging container registry r.example: {upstream}"
    )
    assert classify(message).symptom is symptom


@pytest.mark.parametrize(
    ("reason", "message", "symptom"),
    [
        ("ErrImageNeverPull", "Error: hm", Symptom.NEVER_PULL),
        ("SignatureValidationFailed", "image pull failed: 403 Forbidden", Symptom.SIGNATURE_REJECTED),
        ("BackOff", "", Symptom.BACKOFF_ONLY),
        ("ContainerCreating", "", Symptom.STALLED),
        ("ErrImagePull", "", Symptom.OTHER),
        ("RegistryUnavailable", "hm", Symptom.CONNECT_FAILED),
        ("RegistryUnavailable", "unexpected status: 503 Service Unavailable", Symptom.REGISTRY_ERROR),
        ("BackOff", 'Back-off pulling image "x": ErrImagePull: hm', Symptom.OTHER),
    ],
)
def test_a_reason_helps_where_the_message_is_silent(reason: str, message: str, symptom: Symptom) -> None:
    assert classify(message, reason).symptom is symptom


def test_a_stated_cause_is_more_telling_than_a_throttle_and_that_than_a_back_off() -> None:
    back_off, throttled, odd = 'Back-off pulling image "x"', "pull QPS exceeded", "hm"
    cause, later = "manifest unknown", "unexpected status: 403 Forbidden"
    assert most_telling([cause, throttled, back_off]) == cause
    assert most_telling([throttled, odd, back_off]) == throttled
    assert most_telling([odd, back_off, ""]) == odd
    assert most_telling([cause, later, throttled]) == later
    assert most_telling(["", back_off]) == back_off
    assert most_telling([]) == ""


@pytest.mark.parametrize(
    ("message", "reading"),
    [
        (
            f'{RESOLVE}failed to do request: Head "https://r.example/v2/team/web/manifests/1": dial tcp '
            '10.0.0.5:443: '
            "connect: connection refused",
            Reading(Symptom.CONNECT_FAILED, "r.example", "r.example/team/web:1", dialled="10.0.0.5:443"),
        ),
        (
            "reading manifest 9 in quay.example/team/web: unauthorized: access to the requested resource "
            "is not authorized",
            Reading(Symptom.UNAUTHORIZED, "quay.example", "quay.example/team/web:9"),
        ),
        (
            "Error response from daemon: manifest for web:9 not found: manifest unknown",
            Reading(Symptom.TAG_NOT_FOUND, "docker.io", "web:9"),
        ),
        (
            "toomanyrequests: You have reached your pull rate limit. "
            "https://www.docker.com/increase-rate-limit",
            Reading(Symptom.RATE_LIMITED),
        ),
        (
            f"unable to pull secrets or registry auth: AccessDeniedException: "
            f"{DENY.removeprefix('denied: ')}",
            Reading(Symptom.FORBIDDEN, principal=ROLE, action="ecr:BatchGetImage"),
        ),
        (
            "The client '0a1b' with object id '0a1b' does not have authorization to perform action "
            "'Microsoft.ContainerRegistry/registries/pull/read' over scope '/s'",
            Reading(
                Symptom.FORBIDDEN,
                principal="0a1b",
                action="Microsoft.ContainerRegistry/registries/pull/read",
            ),
        ),
        (
            'Failed to pull image "localhost:5000/web": Get "http://localhost:5000/v2/": dial tcp '
            '[::1]:5000: '
            "connect: connection refused",
            Reading(Symptom.CONNECT_FAILED, "localhost:5000", "localhost:5000/web", dialled="[::1]:5000"),
        ),
        (
            'Failed to pull image "R.example/Web": hm',
            Reading(Symptom.OTHER),
        ),
        # What does not parse is told where that is the matter.
        (
            'Failed to apply default image tag "R.example/Web": couldn\'t parse image name '
            '"R.example/Web": hm',
            Reading(Symptom.INVALID_IMAGE_NAME, image="R.example/Web"),
        ),
        # Docker names nothing but the URL.
        (
            'Error response from daemon: Head "https://registry-1.docker.io/v2/team/web/manifests/9": EOF',
            Reading(Symptom.CONNECT_FAILED, "registry-1.docker.io", "docker.io/team/web:9"),
        ),
        (
            'Get "https://r.example/v2/web/manifests/sha256:0a1b": unauthorized: authentication required',
            Reading(Symptom.UNAUTHORIZED, "r.example", "r.example/web@sha256:0a1b"),
        ),
        # BuildKit begins with the image.
        (
            "r.example/web:9: failed to authorize: failed to fetch anonymous token: unexpected status: 401 "
            "Unauthorized",
            Reading(Symptom.UNAUTHORIZED, "r.example", "r.example/web:9"),
        ),
        # What was asked for is not what a mirror calls it.
        (
            "initializing source docker://r.example/web:9: (Mirrors also failed: [m.example/x/web:9: reading "
            "manifest 9 in m.example/x/web: manifest unknown]): r.example/web:9: registry is blocked",
            Reading(Symptom.TAG_NOT_FOUND, "r.example", "r.example/web:9"),
        ),
        (
            "The task cannot pull 'web' from the Amazon ECR repository 'r.example/web'. There is a "
            "connection issue between the task and Amazon ECR. Check your task network configuration.",
            Reading(Symptom.CONNECT_TIMEOUT, "r.example", "r.example/web"),
        ),
        # Where a connection was made, it is named with both ends.
        (
            "failed to copy: read tcp 10.0.0.7:41216->10.0.0.5:443: read: connection reset by peer",
            Reading(Symptom.CONNECT_FAILED, dialled="10.0.0.5:443"),
        ),
        # A name server was asked, and no registry.
        (
            "dial tcp: lookup r.example on 10.0.0.2:53: dial tcp 10.0.0.2:53: i/o timeout",
            Reading(Symptom.DNS_FAILURE, "r.example"),
        ),
        # Google tells what, and not to whom.
        (
            'denied: Permission "artifactregistry.repositories.downloadArtifacts" denied on resource "x"',
            Reading(Symptom.FORBIDDEN, action="artifactregistry.repositories.downloadArtifacts"),
        ),
    ],
)  # fmt: skip
def test_names_are_read_from_where_they_stand(message: str, reading: Reading) -> None:
    assert classify(message) == reading
