"""What the texts mean: an ordered table, first match wins.

The order follows the evidence. What stops a pull on the node or on the wire is said once and is
final; "denied", "not found" and the like are also said by wrappers, so they come last, the most
particular first. Patterns see lower-case text without names, so ``…`` stands for one.
Every pattern is an alternation of plain phrases with bounded gaps: linear in the text.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from checks.model import Symptom


@dataclass(frozen=True, slots=True)
class Rule:
    symptom: Symptom
    pattern: re.Pattern[str]


def _rule(symptom: Symptom, *phrases: str) -> Rule:
    return Rule(symptom, re.compile("|".join(phrases)))


# kubelet says these before it asks any registry (pkg/kubelet/images, kuberuntime).
_KUBELET = (
    _rule(Symptom.KUBELET_THROTTLED, r"pull qps exceeded"),
    _rule(Symptom.NEVER_PULL, r"with pull policy of never", r"errimageneverpull"),
    _rule(
        Symptom.PULL_SECRET_MISSING,
        r'\bsecrets? "?…"? not found',
        r"unable to retrieve some image pull secrets",
        r"failedtoretrieveimagepullsecret",
        r"(couldn't|could not|cannot|can't) find (the )?(specified )?(image ?pull ?)?secret",
        r"pull secret .{0,80}(not found|does not exist)",
    ),
    # kubelet and distribution/reference; the last four: containers/image, short names in CRI-O.
    _rule(
        Symptom.INVALID_IMAGE_NAME,
        r"invalid reference format",
        r"invalidimagename",
        r"couldn't parse image",
        r"failed to apply default image tag",
        r"(could not|failed to|error|unable to) pars(e|ing) (image |the )?(reference|image name)",
        r"is not a valid repository/tag",
        r"invalid (image name|repository name|tag format|checksum digest|digest format)",
        r"repository name .{0,300}must be (lowercase|canonical)",
        r"cannot specify 64-byte hexadecimal",
        r"short[- ]name mode is enforcing",
        r"did not resolve to an alias",
        r"returns ambiguous list",
        r"no registries configured while trying to pull an unqualified",
        r"unqualified-search registries",
    ),
)

# The node itself.
_NODE = (
    _rule(
        Symptom.DISK_FULL,
        r"no space left on device",
        r"not enough space on the disk",
        r"disk quota exceeded",
        r"(disk|ephemeral.storage).{0,40}(pressure|full\b|exhausted)",
        r"insufficient disk space",
        r"would exceed .{0,40}free.space",
    ),
    # A policy file that does not load has checked no signature.
    _rule(Symptom.OTHER, r"invalid policy in", r"cannot be pulled due to configured policy"),
    _rule(
        Symptom.SIGNATURE_REJECTED,
        r"signaturevalidationfailed",
        r"signature (validation|verification) failed",
        r"source image rejected",
        r"rejected by policy",
        r"signature was required",
        r"no (matching |valid )?signatures?( were)?( found)?\b",
        r"(invalid|bad|unverified|untrusted) signature",
        r"(verify|verifying|validate|validating) (image )?signatures?",
        r"image verif(ication|ier) .{0,80}(fail|reject|block)",
        r"remote trust data does not exist",
    ),
)

_WIRE = (
    # Secrets and tokens that say themselves that they are too old. Certificates come under x509.
    _rule(
        Symptom.CREDENTIALS_EXPIRED,
        r"aadsts7000222",
        r"expiredtoken",
        r"token.{0,60}(has|have|is) expired",
        r"(secret|password|credentials?|keys?)( provided)?( for .{0,80})? (has|have|is|are) expired",
        r"expired (token|credentials?|client secret|password)",
        r"token expired",
    ),
    # net/http: whatever follows proxyconnect happened between the node and its proxy.
    _rule(
        Symptom.PROXY_ERROR,
        r"proxyconnect",
        r"error connecting to proxy",
        r"connect to proxy",
        r"proxy ?authentication ?(is )?required",
        r"\b407\b",
        r"socks connect",
        r"proxy (server )?(returned|responded|refused|error)",
        r"bad response from proxy",
    ),
    _rule(
        Symptom.TLS_UNTRUSTED,
        r"x509",
        r"failed to verify certificate",
        r"certificate signed by unknown authority",
        r"certificate verify failed",
        r"self.signed certificate",
        r"unable to get local issuer",
        r"certificate (has expired|is not trusted|is not valid)",
    ),
    _rule(
        Symptom.TLS_PROTOCOL,
        r"server gave http response to https client",
        r"http request (was sent )?to (an )?https server",
        r"remote error: tls",
        r"\btls: ",
        r"tls handshake (failed|failure|error)",
        r"ssl routines|wrong version number|unsupported protocol version",
        r"malformed http (response|status code) ",
        r"(ssl|tls)[_ ](error|protocol)",
    ),
    # Anything inside Go's "lookup NAME on SERVER: …" is about the name.
    _rule(
        Symptom.DNS_FAILURE,
        r"\blookup …",
        r"no such host",
        r"server misbehaving",
        r"temporary failure in name resolution",
        r"(name|node) or service not known",
        r"(could not|couldn't|cannot|can't|unable to|failed to) resolve (the )?(host|dns|name|hostname|domain)\b",
        r"name does not resolve|nxdomain|no address associated with hostname",
        r"name could not be resolved|dns (lookup|resolution) (failed|error)",
        r"getaddrinfo",
    ),
    _rule(
        Symptom.RATE_LIMITED,
        r"toomanyrequests|too ?many ?requests",
        r"\b429\b",
        r"pull rate limit|rate limit (was )?(exceeded|reached)|rate.?limited|rate exceeded",
        r"throttlingexception|requestlimitexceeded|request was throttled",
        r"(quota|limit) (was )?exceeded (for|of) .{0,60}(request|pull)",
    ),
)

# The image's form and bytes.
_CONTENT = (
    _rule(
        Symptom.PLATFORM_MISMATCH,
        r"no match for platform",
        r"no matching manifest",
        r"does not contain descriptor matching platform",
        r"no image found in (manifest list|image index)",
        r"exec format error",
        r"cannot be used on this platform",
        r"no child with platform",
        r"(image|its) (operating system|os|architecture|platform) .{0,120}(does not|doesn't|cannot) (match|be used)",
        r"does not match the (specified|expected|host|detected).{0,20} platform",
        r"not compatible with the (host|container)",
        r"unsupported (os|platform|architecture)\b",
        r"no supported platform",
        r"platform .{0,60}not (found|supported|available)",
    ),
    _rule(
        Symptom.UNSUPPORTED_MANIFEST,
        r"unexpected media ?type",
        r"(unsupported|unknown|invalid|unrecognized|unrecognised) (manifest )?(media|mime|content).?types?",
        r"media ?type .{0,160}(unsupported|not supported|is not|unknown|unrecogni)",
        r"no processor for media-type",
        r"schema ?(version ?)?1\b|schemaversion ?1|v2 schema 1|docker v1 ",
        r"\[deprecation notice\]",
        r"prettyjws",
        r"failed to get converter",
        r"(unsupported|unknown|unrecogni[sz]ed) (manifest|schema)",
        r"manifest (schema|version|type|format).{0,60}(unsupported|not supported|unknown|unrecogni)",
        r"encountered unknown type",
        r"unimplemented, content media type",
    ),
)

# Between the node and its own runtime, before anything is read as the network's fault.
_RUNTIME = (
    _rule(
        Symptom.RUNTIME_UNAVAILABLE,
        r"dial unix",
        r"(connect|connection) to the (docker|container runtime|containerd|cri-o)",
        r"\.sock\b",
        r"container runtime (is|network|status).{0,40}(down|not|unavailable)",
        r"all subconns are in transientfailure",
        r"(containerd|crio|cri-o|docker|runtime|daemon) (is |has )?(not running|stopped|not ready|died|shut)",
        r"unknown service runtime",
        r"read-only file ?system",
        r"input/output error",
        r"structure needs cleaning|stale file handle|transport endpoint is not connected",
        r"device or resource busy|too many open files|cannot allocate memory|out of memory",
        r"snapshotter|failed to (create|prepare|stat|commit|mount).{0,40}snapshot",
        r"parent snapshot .{0,120}(does not exist|not found)",
        r"error creating (mount namespace|overlay mount|temporary lease)",
        r"(create|setup|set up|mount).{0,30}overlay|overlayfs.{0,60}(fail|not supported)",
        r"failed to (get|open|read|access).{0,40}(image store|layer store|metadata|content store)",
        r"failed to (create|open|write|rename|remove|chmod|mkdir).{0,40}(ingest|tmp|temporary)",
        r"layer (does not exist|not known)|image not known",
        r"error (creating|opening|locking).{0,40}(storage|layer|lock)",
    ),
)

_BYTES = (
    _rule(
        Symptom.CORRUPT_CONTENT,
        r"unexpected eof",
        r"invalid tar header|archive/tar:",
        r"(gzip|zlib|flate|zstd|bzip2)\b.{0,40}(invalid|corrupt|checksum|magic|error|mismatch)",
        r"(invalid|corrupt|bad|wrong).{0,30}(checksum|header|magic|layer|diff ?id|tar|blob|archive)",
        r"failed (size|digest) validation",
        r"unexpected (commit )?(digest|size)|unexpected number of bytes",
        r"(digest|checksum|size|hash|diffids?|diff ids?).{0,120}(mismatch|does ?n.t match|do ?n.t match|did not match)",
        r"does not match.{0,60}(digest|checksum|size|diff)",
        r"does not match (the )?(expected|computed|configured)",
        r"(mismatch|mismatched).{0,40}(digest|checksum|size|diff)",
        r"filesystem (layer )?verification failed",
        r"short read|truncated",
        r"content .{0,60}corrupt|corrupt.{0,20}(content|image|data|input)",
        r"(digest|layer|blob|manifest) verification failed|manifest verification failed",
        r"failed to verify .{0,40}(digest|layer|blob)",
    ),
)

# No answer, or a hung-up one. After TLS and names, before anything a registry said.
_CONNECTION = (
    _rule(
        Symptom.CONNECT_TIMEOUT,
        r"i/o time-?out",
        r"client\.timeout",
        r"request cancell?ed",
        r"tls handshake timeout",
        r"deadline exceeded|deadlineexceeded",
        r"timed out(?! .{0,20}lock)",
        r"timeout (exceeded |expired )?(while |when )?(awaiting|waiting|reading|connecting)|etimedout",
        r"(connection|connect|read|dial|request|network|response|http) time-?out",
        r"did not properly respond after a period of time",
        r"no progress (was made )?in|because of no progress",
        r"there is a connection issue between the task and",
        r"check your network configuration",
        r"net/http: timeout",
    ),
    _rule(
        Symptom.CONNECT_FAILED,
        r"connection refused|actively refused|refused the network connection|econnrefused",
        r"connection (was )?(forcibly closed|reset|aborted|closed)|forcibly closed by the remote host|econnreset",
        r"no route to host|(network|host) is (unreachable|down)|ehostunreach|enetunreach",
        r"broken pipe",
        r"\beof\b",
        r"use of closed network connection|server closed (idle )?connection|transport connection broken",
        r"http2: |stream error|goaway",
        r"(cannot|can't) assign requested address|address family not supported",
        r"connect: |connectex: ",
        r"socket (is )?not connected|forbidden by its access permissions",
        r"failed to connect to",
        r"registryunavailable|because the registry is unavailable|(?:un)?able to ping registry",
    ),
)

# What the registry answered.
_ANSWERS = (
    # 5xx, in the words of net/http, containerd and containers/image.
    _rule(
        Symptom.REGISTRY_ERROR,
        r"\b5\d\d (internal|bad gateway|service|gateway|server|unknown|web server|origin|timeout|insufficient)",
        r"(status|code|http|response):? ?(code)?:? ?5\d\d\b",
        r"internal server error|internalservererror|bad gateway|service (temporarily )?unavailable|gateway time-?out",
        r"unavailable: |serverexception|internal error",
    ),
    _rule(
        Symptom.FORBIDDEN,
        r"not authorized to perform",
        r"access ?denied ?exception",
        r"client with ip .{0,80}is not allowed|aka\.ms/acr/firewall|is not allowed access",
        r"export control|block all ip addresses",
        r"explicit deny|no (identity|resource)-based policy allows",
        r"denied: access forbidden",
    ),
    # What the seller of the registry says to those who did not log in.
    _rule(
        Symptom.UNAUTHORIZED,
        r"no basic auth credentials",
        r"unauthenticated requests?",
        r"security token included in the request is invalid|unrecognizedclient|invalidclienttokenid",
        r"unauthorized to access repository",
        r"access to the requested resource is not authorized",
        r"(incorrect|invalid|wrong|bad) (username|user name|user|credentials|password|login|auth)",
        r"invalid_client|aadsts\d+",
        r"insufficient scopes",
    ),
    _rule(
        Symptom.REPOSITORY_NOT_FOUND,
        r"name[_ ]unknown",
        r"repositorynotfound",
        r"repository with name .{0,300}does not exist",
        r"project .{0,200}(not found|been deleted|does not exist)",
        r"repository (name )?not known to registry",
    ),
    # Registries that will not tell whether a repository exists.
    _rule(
        Symptom.ACCESS_DENIED_OR_MISSING,
        r"does not exist or no pull access",
        r"or it may not exist",
        r"insufficient_scope",
        r"requested access to the resource is denied",
    ),
    _rule(
        Symptom.REPOSITORY_NOT_FOUND,
        r"repository \"?…\"? (was )?not found",
        r"repository not found",
        r"(repository|namespace|project) \"?…?\"? ?does not exist(?! or)",
        r"no such repository",
    ),
    _rule(
        Symptom.TAG_NOT_FOUND,
        r"manifest[_ ]unknown|manifestunknown",
        r"manifest …? ?(not found|unknown)|manifest tagged by .{0,100}not found",
        r"no such (manifest|image|tag)|tag .{0,200}(not found|does not exist|was deleted)",
    ),
    _rule(
        Symptom.FORBIDDEN,
        r"\b403\b",
        r"\bforbidden\b",
        r"permission .{0,200}denied|permission_?denied|accessdenied",
    ),
    _rule(
        Symptom.UNAUTHORIZED,
        r"\b401\b",
        r"unauthorized|unauthorised|unauthenticated",
        r"authentication (is )?required|authenticationrequired|login required|not authenticated",
        r"authorization failed|authentication failed|auth.{0,20} failed",
        r"no credentials|credentials? (not|could not be|were not) (found|provided)",
    ),
    _rule(
        Symptom.ACCESS_DENIED_OR_MISSING,
        r"pull access denied",
        r"repository does not exist or may require",
        r"denied(:|$| |\")",
        r"\"denied\"",
    ),
    _rule(
        Symptom.TAG_NOT_FOUND, r"\b404\b", r"not ?found", r"does not exist", r"check whether the image exists"
    ),
)

# Said only when nothing better is.
_LAST = (
    _rule(Symptom.CORRUPT_CONTENT, r"failed to (extract|register|apply|unpack) layer|error processing tar"),
    _rule(Symptom.RUNTIME_UNAVAILABLE, r"context cancell?ed|code = cancell?ed|transport is closing"),
    _rule(Symptom.FORBIDDEN, r"check that the role has the permissions"),
    _rule(
        Symptom.BACKOFF_ONLY,
        r"back-?off pulling image",
        r"trying and failing to pull image",
        r"image can't be pulled",
        r"imagepullbackoff",
    ),
)

RULES: tuple[Rule, ...] = (
    *_KUBELET, *_NODE, *_WIRE, *_CONTENT, *_RUNTIME, *_BYTES, *_CONNECTION, *_ANSWERS, *_LAST,
)  # fmt: skip
