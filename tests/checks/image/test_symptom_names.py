"""Whatever an image, a tag, a host or a secret is called, it says nothing."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checks.image.symptom import classify
from checks.image.symptom.names import without_names
from checks.model import Symptom

MISLEADING = [
    "denied", "not-found", "x509", "timeout", "unauthorized", "forbidden", "eof", "tls", "proxyconnect",
    "lookup", "404", "403", "429", "expired", "signature", "invalid", "unknown", "failed", "error",
    "manifest", "image", "access", "no-such-host", "name-unknown", "schema1", "disk", "gzip",
    "toomanyrequests", "does-not-exist", "connection-refused", "unexpected-eof", "no-space-left",
    "platform", "token", "digest", "never",
]  # fmt: skip
NAMES = st.sampled_from(MISLEADING) | st.from_regex(r"[a-z]{2,12}[._-]?[0-9]{1,4}", fullmatch=True)

# What runtimes print, with {i} for a repository, {t} for a tag and {h} for a host.
TEMPLATES = {
    Symptom.TAG_NOT_FOUND: (
        'failed to pull and unpack image "docker.io/library/{i}:{t}": failed to resolve reference '
        '"docker.io/library/{i}:{t}": docker.io/library/{i}:{t}: not found',
        "Error response from daemon: manifest for {i}:{t} not found: manifest unknown: manifest unknown",
        "Error response from daemon: manifest for {i} not found",
        "initializing source docker://{i}:{t}: reading manifest {t} in docker.io/library/{i}: manifest "
        "unknown",
        "Error response from daemon: No such image: {i}:{t}",
        "pulling from host {h} failed with status code [manifests {t}]: 404 Not Found",
    ),
    Symptom.UNAUTHORIZED: (
        "pulling from host {h} failed with status code [manifests {t}]: 401 Unauthorized",
        "reading manifest {t} in {h}/{i}: unauthorized: authentication required",
        "unexpected status from HEAD request to https://{h}/v2/{i}/manifests/{t}: 401 Unauthorized",
        "unauthorized to access repository: {i}/{t}, action: pull: unauthorized to access repository: "
        "{i}/{t}",
    ),
    Symptom.FORBIDDEN: (
        "denied: User: arn:aws:sts::1:assumed-role/{i}/{t} is not authorized to perform: ecr:BatchGetImage "
        "on "
        "resource: arn:aws:ecr:x:1:repository/{i}",
        "failed to fetch oauth token: unexpected status from GET request to https://{h}/token?scope="
        "repository%3A{i}%3Apull: 403 Forbidden",
    ),
    Symptom.ACCESS_DENIED_OR_MISSING: (
        "pull access denied for {i}, repository does not exist or may require 'docker login'",
        "repository {i} not found: does not exist or no pull access",
        "reading manifest {t} in {h}/{i}: denied",
    ),
    Symptom.REPOSITORY_NOT_FOUND: (
        "name unknown: The repository with name '{i}' does not exist in the registry with id '111122223333'",
        'repository "{i}" not found',
        '{{"errors":[{{"code":"NAME_UNKNOWN","message":"name unknown","detail":{{"name":"{i}"}}}}]}}',
    ),
    Symptom.REGISTRY_ERROR: (
        "pulling from host {h} failed with status code [manifests {t}]: 503 Service Unavailable",
        "failed open: unexpected status code https://{h}/v2/{i}/blobs/sha256:0a: 502 Bad Gateway",
    ),
    Symptom.DNS_FAILURE: (
        'Get "https://{h}/v2/": dial tcp: lookup {h} on 10.0.0.2:53: no such host',
        'pinging container registry {h}: Get "https://{h}/v2/": dial tcp: lookup {h}: i/o timeout',
    ),
    Symptom.CONNECT_FAILED: (
        'pinging container registry {h}: Get "https://{h}/v2/": dial tcp 10.0.0.1:443: connect: connection '
        'refused',
        'Head "https://{h}/v2/{i}/manifests/{t}": EOF',
    ),
    Symptom.CONNECT_TIMEOUT: (
        'Get "https://{h}/v2/": net/http: request canceled (Client.Timeout exceeded while awaiting headers)',
        'Head "https://{h}/v2/{i}/manifests/{t}": dial tcp 10.0.0.1:443: i/o timeout',
    ),
    Symptom.TLS_UNTRUSTED: (
        'Get "https://{h}/v2/": tls: failed to verify certificate: x509: certificate is valid for '
        'a.example, not {h}',
    ),
    Symptom.TLS_PROTOCOL: ('Get "https://{h}/v2/": http: server gave HTTP response to HTTPS client',),
    Symptom.PROXY_ERROR: ('Get "https://{h}/v2/": proxyconnect tcp: dial tcp: lookup {h}: no such host',),
    Symptom.RATE_LIMITED: ("reading manifest {t} in docker.io/library/{i}: toomanyrequests: slow down",),
    Symptom.KUBELET_THROTTLED: ('Failed to pull image "{i}": pull QPS exceeded',),
    Symptom.NEVER_PULL: ('Container image "{i}:{t}" is not present with pull policy of Never',),
    Symptom.PULL_SECRET_MISSING: (
        "Unable to retrieve some image pull secrets ({i}, {t}); attempting to pull the image may not "
        "succeed.",
        'secrets "{i}" not found',
    ),
    Symptom.INVALID_IMAGE_NAME: (
        'Failed to apply default image tag "{i}:": couldn\'t parse image reference "{i}:": invalid '
        'reference format',
        'short-name "{i}" did not resolve to an alias and no unqualified-search registries are defined',
    ),
    Symptom.PLATFORM_MISMATCH: (
        'failed to pull and unpack image "{h}/{i}:{t}": no match for platform in manifest: not found',
    ),
    Symptom.DISK_FULL: ("failed to extract layer sha256:0a: write /var/{i}/{t}: no space left on device",),
    Symptom.CORRUPT_CONTENT: (
        'failed to pull and unpack image "{i}": failed commit on ref "layer-sha256:0a": unexpected commit '
        'digest '
        "sha256:0b, expected sha256:0a: failed precondition",
    ),
    Symptom.UNSUPPORTED_MANIFEST: (
        'failed to get converter for "{h}/{i}:{t}": Pulling Schema 1 images have been deprecated and '
        'disabled',
    ),
    Symptom.SIGNATURE_REJECTED: ("Source image rejected: Running image docker://{i}:{t} is rejected by "
    "policy.",),
    Symptom.CREDENTIALS_EXPIRED: ("pull access denied for {i}, denied: Your authorization token has "
    "expired.",),
    Symptom.RUNTIME_UNAVAILABLE: ('failed to pull and unpack image "{i}": failed to copy: context canceled',),
    Symptom.BACKOFF_ONLY: ('Back-off pulling image "{i}"', 'Back-off pulling image "{h}/{i}:{t}"'),
    Symptom.OTHER: (
        'Failed to pull image "{i}": image pull failed for unknown error',
        "image pull failed for {i}, this may be something new",
    ),
}  # fmt: skip
CASES = [(symptom, template) for symptom, templates in TEMPLATES.items() for template in templates]


@pytest.mark.parametrize("name", MISLEADING)
def test_a_misleading_name_decides_nothing(name: str) -> None:
    for symptom, template in CASES:
        message = template.format(i=name, t=name, h=name)
        assert (classify(message).symptom, message) == (symptom, message)


@given(st.sampled_from(CASES), NAMES, NAMES, NAMES)
def test_no_name_decides_anything(case: tuple[Symptom, str], repository: str, tag: str, host: str) -> None:
    symptom, template = case
    for where in (host, f"{host}.example", f"{host}.example:5000"):
        message = template.format(i=repository, t=tag, h=where)
        assert (classify(message).symptom, message) == (symptom, message)


@pytest.mark.parametrize(
    ("text", "blanked"),
    [
        ('image "denied": not found', 'image "…": not found'),
        ("read udp 10.0.0.7:40312->10.0.0.2:53: i/o timeout", "read udp …: i/o timeout"),
        ("manifest for linux/arm64/v8 in text/html", "manifest for … in text/html"),
        ("(Client.Timeout exceeded", "(client.timeout exceeded"),
        ("it failed.Check the registry", "it failed.check the registry"),
        ('{"code":"DENIED","name":"denied"}', '{"…":"denied","…":"…"}'),
        ("denied:User", "denied: user"),
        ("Get https://denied.example/v2/x/manifests/403: EOF", "get url manifests: eof"),
        ("[name](http://denied.example/x:1): hm", "url ): hm"),
        ("access to the repository denied", "access to the repository denied"),
        ("repository denied not found", "repository … not found"),
        ("403", "403"),
    ],
)
def test_a_name_is_known_by_its_form_or_by_the_words_before_it(text: str, blanked: str) -> None:
    assert without_names(text) == blanked
