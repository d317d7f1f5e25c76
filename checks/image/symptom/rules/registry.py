"""What the registry answered, the most particular words first: `denied` and `not found` say many things."""

from __future__ import annotations

from checks.image.symptom.rules.rule import rule
from checks.model import Symptom


def _status(code: int) -> str:
    """Not "403 MB": progress and sizes are numbers too."""
    return rf"\b{code}\b(?! ?(s|ms|seconds|b|bytes|[kmg]i?b|of)\b)"


# Answers that make no sense, said with words that mean something elsewhere.
ODD = (
    rule(
        Symptom.OTHER,
        "an answer that containerd's resolver or authorizer has no use for (core/remotes/docker): neither "
        "is the image bad nor absent",
        'failed to resolve reference "r.example/web:1": "sha1:0a1b" in header not a valid digest: '
        "unsupported digest algorithm",
        r"in header not a valid digest",
        r"rejecting .{1,20}byte manifest",
        r"unable to decode token response",
    ),
    rule(
        Symptom.OTHER,
        "the login file that is not JSON (containers/image, pkg/docker/config), and no manifest",
        'error unmarshaling JSON at "/run/containers/0/auth.json": unexpected end of JSON input',
        r"unmarshaling json at",
    ),
    rule(
        Symptom.UNAUTHORIZED,
        "it is the token that is badly signed, not the image",
        "unauthorized: invalid token: signature verification failed",
        r"invalid token.{0,60}signature",
        r"token signature",
        r"jwt.{0,60}signature",
    ),
    rule(
        Symptom.OTHER,
        "the node's hosts.toml gives no host the right to resolve or to pull: nobody was asked",
        'failed to resolve reference "r.example/web:1": no resolve hosts: not found',
        r"no (resolve|pull) hosts",
    ),
)

# Before anything of the way there: no connection error says these.
CLEAR = (
    rule(
        Symptom.CREDENTIALS_EXPIRED,
        "only where the text says so: ECR's token after 12 hours, Entra's client secret, STS, Docker Hub",
        "denied: Your authorization token has expired. Reauthenticate and try again.",
        r"aadsts7000222",
        r"expiredtoken",
        r"token.{0,60}(has|have|is) expired",
        r"token expired",
        r"secret (keys )?(provided )?(for .{0,80} )?(has|have|is|are) expired",
        r"secret keys .{0,120}(are|have) expired",
        r"password (has|is|have) expired",
        r"credentials? (has|have|is|are) expired",
        r"expired[ _](token|credentials?|client secret|password)",
        r"login (has|is) expired",
        r"session (has|is) expired",
    ),
)

LIMITS = (
    rule(
        Symptom.RATE_LIMITED,
        "HTTP 429, and the distribution API's code for it; Docker Hub and ECR Public add their own words",
        "toomanyrequests: You have reached your pull rate limit. You may increase the limit by "
        "authenticating",
        r"toomanyrequests",
        r"too ?many ?requests",
        _status(429),
        r"pull rate limit",
        r"rate limit (was |has been )?(exceeded|reached)",
        r"rate limited",
        r"rate-limited",
        r"ratelimit",
    ),
    rule(
        Symptom.RATE_LIMITED,
        "the same from cloud APIs: AWS throttles GetAuthorizationToken and layer downloads, Google "
        "has quotas",
        "ThrottlingException: Rate exceeded",
        r"rate exceeded",
        r"throttlingexception",
        r"requestlimitexceeded",
        r"request was throttled",
        r"requests? (has|have) been throttled",
        r"quota exceeded for",
        r"limit (was )?exceeded (for|of) .{0,60}(request|pull)",
    ),
)

PARTICULAR = (
    rule(
        Symptom.REGISTRY_ERROR,
        "5xx, in the words of net/http, containerd and containers/image",
        "failed to resolve image: unexpected status from HEAD request to https://r.example/v2/web/manifests/1"
        ": 503 Service Unavailable",
        r"internal server error",
        r"internalservererror",
        r"bad gateway",
        r"service (temporarily |is )?(currently )?unavailable",
        r"gateway time-?out",
        r"serverexception",
        r"unavailable: ",
        r"internal error",
        r"status(code| code)?[:=]? ?5\d\d\b",
        r"code:? ?5\d\d\b",
        r"http(/\d\.\d)?:? ?5\d\d\b",
        r"response:? ?5\d\d\b",
        r"returned (error )?5\d\d\b",
        r"url ?(manifests|blobs|token)? ?: 5\d\d\b",
        r"…\]: 5\d\d\b",
    ),
    rule(
        Symptom.FORBIDDEN,
        "IAM names who may not do what; ACR names the address that its firewall turns away",
        "denied: User: arn:aws:sts::111122223333:assumed-role/node/i-0a is not authorized to perform: "
        "ecr:BatchGetImage on resource: arn:aws:ecr:eu-west-1:111122223333:repository/web",
        r"not authorized to perform",
        r"accessdenied ?exception",
        r"access denied exception",
        r"client with ip .{0,80}is not allowed",
        r"is not allowed access",
        r"explicit deny",
        r"based policy allows",
        r"does not have authorization to perform",
    ),
    rule(
        Symptom.FORBIDDEN,
        "ECS may not become the execution role, which its trust policy or PassRole forbids",
        "ECS was unable to assume the role 'arn:aws:iam::111122223333:role/web' that was provided for this "
        "task.",
        r"unable to assume the (role|execution role|task role)",
    ),
    rule(
        Symptom.FORBIDDEN,
        "Google's SERVICE_DISABLED, which is a PERMISSION_DENIED",
        "denied: Artifact Registry API has not been used in project 123 before or it is disabled.",
        r"api has not been used in project",
    ),
    rule(
        Symptom.FORBIDDEN,
        "a known visitor is turned away: GitLab, GitHub, and Docker Hub where it may not serve a country",
        "denied: access forbidden",
        r"denied: access forbidden",
        r"installation not allowed to",
        r"saml sso",
        r"account (has been|is) (suspended|disabled|locked|blocked)",
        r"export control",
        r"block all ip addresses",
    ),
    rule(
        Symptom.UNAUTHORIZED,
        "what sellers of registries say to those who did not log in, or not rightly",
        "pull access denied, repository does not exist or may require authorization: authorization failed: "
        "no basic auth credentials",
        r"no basic auth credentials",
        r"missing username or secret",
        r"nocredentialproviders",
        r"failed to refresh cached credentials",
        r"no ec2 (imds|instance) role found",
        r"engine ecr credentials: not found",
        r"engine docker private registry credentials: not found",
        r"unauthenticated requests?",
        r"token included in the request is invalid",
        r"unrecognizedclient",
        r"invalidclienttokenid",
        r"unauthorized to access repository",
        r"requested resource is not authorized",
        r"invalid_client",
        r"aadsts\d",
        r"insufficient scopes",
        r"incorrect (username|user name|user|credentials|password|login|auth)",
        r"invalid (username|user name|user|credentials|password|login|auth|token|bearer)",
        r"wrong (username|user name|user|credentials|password|login|auth)",
        r"bad (username|user name|user|credentials|password|login|auth|credential)",
        r"bad_credential",
    ),
    rule(
        Symptom.REPOSITORY_NOT_FOUND,
        "NAME_UNKNOWN of the distribution API; ECR, Google and Harbor in words, even behind `denied:`",
        "name unknown: The repository with name 'web' does not exist in the registry with id '111122223333'",
        r"name unknown",
        r"name_unknown",
        r"nameunknown",
        r"repositorynotfound",
        r"repository with name .{0,300}does not exist",
        r"repository (name )?not known to registry",
        r"project .{0,200}(not found|been deleted|does not exist)",
    ),
    rule(
        Symptom.ACCESS_DENIED_OR_MISSING,
        "registries that will not tell whether there is such a repository: Docker Hub, GitHub, Google",
        "denied: requested access to the resource is denied",
        r"does not exist or no pull access",
        r"or it may not exist",
        r"insufficient_scope",
        r"requested access to the resource is denied",
        r"requested access to … is denied",
    ),
    rule(
        Symptom.REPOSITORY_NOT_FOUND,
        "the same in plain words, from registries that do tell",
        'repository "web" not found',
        r'repository "?…"? (was )?not found',
        r"repository not found",
        r'repository "?…?"? ?does not exist(?! or)',
        r'namespace "?…?"? ?does not exist(?! or)',
        r"no such repository",
    ),
    rule(
        Symptom.TAG_NOT_FOUND,
        "MANIFEST_UNKNOWN of the distribution API, and docker's `manifest for X not found`",
        "manifest for r.example/web:9 not found: manifest unknown: manifest unknown",
        r"manifest unknown",
        r"manifest_unknown",
        r"manifestunknown",
        r"manifest …? ?(not found|unknown)",
        r"manifest for … not found",
        r"manifest not found",
        r"manifest tagged by .{0,100}not found",
        r"no such (manifest|image|tag)\b",
        r"\btag .{0,200}(not found|does not exist|was deleted)",
        r"requested image not found",
        r"imagenotfound",
    ),
)

STATUS = (
    rule(
        Symptom.FORBIDDEN,
        "HTTP 403 in any words; Google's `Permission ... denied` without `(or it may not exist)`",
        "failed to authorize: failed to fetch anonymous token: unexpected status: 403 Forbidden",
        _status(403),
        r"\bforbidden\b",
        r"permission .{0,200}denied",
        r"permission_denied",
        r"permissiondenied",
        r"accessdenied",
    ),
    rule(
        Symptom.UNAUTHORIZED,
        "HTTP 401 in any words",
        "failed to authorize: failed to fetch oauth token: unexpected status: 401 Unauthorized",
        _status(401),
        r"unauthori[sz]ed",
        r"unauthenticated",
        r"authentication (is )?required",
        r"authenticationrequired",
        r"login required",
        r"not authenticated",
        r"authorization failed",
        r"authentication failed",
        r"auth failed",
        r"no credentials",
        r"credentials? (not|could not be|were not) (found|provided)",
    ),
    rule(
        Symptom.ACCESS_DENIED_OR_MISSING,
        "docker's wrapper with nothing behind it, and a bare `denied`, as GitHub says it",
        "pull access denied for web, repository does not exist or may require 'docker login'",
        r"pull access denied",
        r"repository does not exist or may require",
        r"denied(:|$|[ \".,\]])",
    ),
    rule(
        Symptom.TAG_NOT_FOUND,
        "HTTP 404, and containerd's `X: not found`: it cannot tell a tag from a whole repository",
        'failed to resolve reference "r.example/web:9": r.example/web:9: not found',
        _status(404),
        r"not ?found",
        r"does not exist",
        r"doesn't exist",
        r"check whether the image exists",
    ),
)
