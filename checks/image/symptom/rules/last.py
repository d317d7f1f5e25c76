"""Said only when nothing better is."""

from __future__ import annotations

from checks.image.symptom.rules.rule import rule
from checks.model import Symptom

LAST = (
    rule(
        Symptom.RUNTIME_UNAVAILABLE,
        "the node gave up by itself: kubelet or the runtime was restarted, or its own deadline passed",
        'rpc error: code = Canceled desc = failed to pull and unpack image "r.example/web:1": '
        "context canceled",
        r"context cancell?ed",
        r"code = cancell?ed",
        r"transport is closing",
        r"signal: killed",
        r"unpack image on snapshotter",
    ),
    rule(
        Symptom.FORBIDDEN,
        "the ECS agent's advice where it cut off who may not do what",
        "unable to pull registry auth from Amazon ECR. Check that the role has the permissions it needs",
        r"check that the role has the permissions",
    ),
    rule(
        Symptom.OTHER,
        "newer kubelets put the cause behind the back-off, and this one no rule above knows",
        'Back-off pulling image "r.example/web:1": ErrImagePull: it went wrong in a new way',
        r"back-off pulling image .{1,12}errimagepull: \w",
    ),
    rule(
        Symptom.BACKOFF_ONLY,
        "kubelet waits before it tries again, or repeats the reason without the cause",
        'Back-off pulling image "r.example/web:1"',
        r"back-off pulling image",
        r"backoff pulling image",
        r"trying and failing to pull image",
        r"can't be pulled",
        r"imagepullbackoff",
        r"error: errimagepull\W{0,3}$",
    ),
)
