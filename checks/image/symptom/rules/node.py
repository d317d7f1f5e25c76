"""The node itself: its disk, its signature policy, its runtime and file systems."""

from __future__ import annotations

from checks.image.symptom.rules.rule import rule
from checks.model import Symptom

DISK = (
    rule(
        Symptom.DISK_FULL,
        "ENOSPC and EDQUOT, whoever was writing; Windows says it in other words",
        "failed to extract layer sha256:0a1b: write /usr/lib/libz.so: no space left on device: unknown",
        r"no space left on device",
        r"not enough space on the disk",
        r"not enough (disk|free) space",
        r"disk quota exceeded",
        r"insufficient disk space",
        r"enospc",
    ),
    rule(
        Symptom.DISK_FULL,
        "kubelet's pressure and its image garbage collector; containerd and docker checking beforehand",
        "The node was low on resource: ephemeral-storage. Disk pressure prevents the image from being pulled",
        r"disk.{0,3}(pressure|full\b|is full)",
        r"low on resource: (ephemeral-storage|imagefs|nodefs)",
        r"would exceed .{0,40}free.space",
        r"freediskspacefailed",
        r"thin pool has .{0,60}less than minimum",
    ),
)

SIGNATURES = (
    rule(
        Symptom.OTHER,
        "a policy file that does not load has checked no signature; Harbor's policy counts vulnerabilities",
        'invalid policy in "/etc/containers/policy.json": Unknown key "typo"',
        r"invalid policy in",
        r"cannot be pulled due to configured policy",
    ),
    rule(
        Symptom.OTHER,
        "an encrypted layer without its key (ocicrypt): neither broken nor badly signed",
        "failed to extract layer sha256:0a1b: missing private key needed for decryption",
        r"missing private key needed for decryption",
        r"no suitable key (unwrapper )?found",
        r"decrypting layer ",
    ),
    rule(
        Symptom.SIGNATURE_REJECTED,
        "containers/image evaluates /etc/containers/policy.json; kubelet passes CRI-O's error on by name",
        "Source image rejected: A signature was required, but no signature exists",
        r"signaturevalidationfailed",
        r"signature (validation|verification) failed",
        r"source image rejected",
        r"rejected by policy",
        r"signature was required",
        r"none of the signatures were accepted",
        r"no signature exists",
    ),
    rule(
        Symptom.SIGNATURE_REJECTED,
        "cosign, notation and the admission webhooks built on them; docker's content trust",
        "image verification failed for r.example/web:1: no matching signatures",
        r"no matching signatures?\b",
        r"no valid signatures?\b",
        r"no signatures? (were |was )?found",
        r"invalid (image )?signature",
        r"bad signature",
        r"untrusted signature",
        r"verify(ing)? (the )?(image )?signatures?\b",
        r"validat(e|ing) (the )?(image )?signatures?\b",
        r"image verif(ication|ier) (?!failed for digest).{0,80}(fail|reject|block)",
        r"remote trust data does not exist",
        r"no valid trust data",
    ),
)

RUNTIME = (
    rule(
        Symptom.RUNTIME_UNAVAILABLE,
        "gRPC to the runtime's own socket: it is down, starting, or another version",
        'rpc error: code = Unavailable desc = connection error: desc = "transport: Error while dialing: dial '
        'unix /run/containerd/containerd.sock: connect: connection refused"',
        r"dial unix",
        r"connect(ion)? to the (docker|container runtime|containerd|cri-o)",
        r"all subconns are in transientfailure",
        r"container runtime (is|network|status).{0,40}(down|not|unavailable)",
        r"is the docker daemon running",
        r"containerd (is |has )?(not running|stopped|not ready|died|shut)",
        r"cri-o (is |has )?(not running|stopped|not ready|died|shut)",
        r"docker (is |has )?(not running|stopped|not ready|died|shut)",
        r"runtime (is |has )?(not running|stopped|not ready|died|shut)",
        r"daemon (is |has )?(not running|stopped|not ready|died|shut)",
        r"server is not initialized yet",
        r"error reading from server: ",
        r"unknown service …",
        r"unknown service runtime",
        r"unknown method ",
    ),
    rule(
        Symptom.RUNTIME_UNAVAILABLE,
        "errno of the node's file systems and limits: EROFS, EIO, EUCLEAN, ESTALE, EBUSY, EMFILE, ENOMEM",
        "failed to register layer: mkdir /var/lib/docker/overlay2/0a1b: read-only file system",
        r"read-only file ?system",
        r"input/output error",
        r"structure needs cleaning",
        r"stale (nfs )?file handle",
        r"transport endpoint is not connected",
        r"device or resource busy",
        r"too many open files",
        r"cannot allocate memory",
        r"out of memory",
        r"fork/exec .{0,80}(unavailable|denied|no such file)",
    ),
    rule(
        Symptom.RUNTIME_UNAVAILABLE,
        "containerd's snapshotters, content store and leases (core/snapshots, core/unpack)",
        "failed to prepare extraction snapshot \"extract-1-ab sha256:0a\": failed to create snapshot: "
        'missing parent "k8s.io/1/sha256:0b" bucket: not found',
        r"snapshotter .{0,60}(not loaded|not found|not exist|does not|unavailable|fail)",
        r"failed to (create|prepare|stat|commit|mount|remove)( \S{1,40}){0,2} snapshot",
        r"prepare extraction snapshot",
        r"parent snapshot .{0,120}(does not exist|not found)",
        r"missing parent .{0,120}bucket",
        r"initialize unpacker",
        r"no unpack platforms defined",
        r"failed to (get|open|read|access).{0,40}(image store|layer store|metadata|content store)",
        r"failed to (create|open|write|rename|remove|chmod|mkdir).{0,40}(ingest|tmp|temporary)",
        r"error creating temporary lease",
        r"create temporary lease",
        r"ref … locked",
        r"failed to mount\b",
        r"failed to unmount\b",
    ),
    rule(
        Symptom.RUNTIME_UNAVAILABLE,
        "containers/storage and docker's layer store: mounts and locks",
        "failed to register layer: Error creating mount namespace before pivot: operation not permitted",
        r"error creating (mount namespace|overlay mount)",
        r"creating overlay mount",
        r"overlayfs.{0,60}(fail|not supported)",
        r"overlay.{0,30}(is not supported|not supported)",
        r"driver .{0,30}failed to (create|remove|mount)",
        r"layer (does not exist|not known)",
        r"image not known",
        r"error (creating|opening|locking).{0,40}(storage|layer|lock)",
        r"timed out .{0,30}lock",
        r"invalid mount (config|source)",
    ),
    rule(
        Symptom.CORRUPT_CONTENT,
        "what a layer asks for cannot be done on this node: owners, device files, attributes (archive/tar)",
        "failed to register layer: ApplyLayer exit status 1 stdout: stderr: lchown /x: operation not "
        "permitted",
        r"failed to (extract|register|apply) layer.{0,400}(not permitted|permission denied|file exists)",
        r"processing tar file.{0,200}(not permitted|permission denied|file exists)",
        r"applylayer .{0,200}(not permitted|permission denied|file exists|no such file|invalid argument)",
        r"mount callback failed on …: .{0,200}(no such file|not a directory|directory not empty)",
        r"insufficient uids or gids available in user namespace",
        r"there might not be enough ids available in the namespace",
    ),
    rule(
        Symptom.RUNTIME_UNAVAILABLE,
        "Go's *os.PathError: a system call on one of the runtime's own files; not the registry's denial",
        "pulling image: mkdir /var/lib/containers/storage: permission denied",
        *(
            rf"\b{call} …:? ?(…:? ?)?(permission denied|no such file or directory|operation not permitted"
            r"|file exists|directory not empty|not a directory|invalid argument|invalid cross-device link)"
            for call in (
                "open", "mkdir", "write", "read", "stat", "lstat", "rename", "remove", "unlinkat", "chmod",
                "chown", "lchown", "link", "symlink", "mount", "truncate", "sync", "readlink", "mkdirat",
            )
        ),
    ),
)  # fmt: skip
