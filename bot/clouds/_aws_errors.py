"""What boto3 raises, in the project's own words: one table, so that no denial passes for an answer."""

from __future__ import annotations

import re

from botocore import exceptions as sdk

from checks.model import NotFound, Unavailable
from handlers.remedy import Conflict

_DENIED = frozenset({"AccessDenied", "AccessDeniedException", "UnauthorizedOperation", "AuthorizationError"})
_BAD_CREDENTIALS = frozenset({
    "ExpiredToken", "ExpiredTokenException", "RequestExpired", "UnrecognizedClientException",
    "InvalidClientTokenId", "AuthFailure", "SignatureDoesNotMatch", "InvalidSignatureException",
    "IncompleteSignature", "MissingAuthenticationToken", "OptInRequired", "InvalidIdentityToken",
})  # fmt: skip
_THROTTLED = frozenset({
    "Throttling", "ThrottlingException", "ThrottledException", "RequestThrottled", "RequestLimitExceeded",
    "RequestThrottledException", "TooManyRequestsException", "SlowDown", "LimitExceededException",
})  # fmt: skip
_MOVED = frozenset({"ConcurrentModification", "ConcurrentModificationException", "ConflictException"})
_NOT_FOUND_ENDINGS = (".NotFound", "NotFoundException", "NoSuchEntity", "NoSuchEntityException")

_NO_CREDENTIALS = (
    sdk.NoCredentialsError,
    sdk.PartialCredentialsError,
    sdk.CredentialRetrievalError,
    sdk.ProfileNotFound,
    sdk.SSOError,
    sdk.TokenRetrievalError,
    sdk.NoAuthTokenError,
    sdk.RefreshWithMFAUnsupportedError,
)
_UNREACHABLE = (sdk.HTTPClientError, sdk.ConnectionError)

_LONGEST = 300
_WHO = re.compile(r"(?:User|user): (arn:\S+)")


def translated(error: Exception, action: str, account: str) -> Exception:
    """The project's exception for what a call of ``action`` (``ecr:GetRepositoryPolicy``) raised.

    ``account`` is the account whose resource was asked for, empty for the cluster's own.
    """
    where = f" in account {account}" if account else ""
    if isinstance(error, sdk.ClientError):
        return _answered(error, action, where)
    if isinstance(error, _NO_CREDENTIALS):
        return Unavailable(f"no usable AWS credentials for {action}: {error}; sign in, or set read_role")
    if isinstance(error, _UNREACHABLE):
        return Unavailable(f"AWS did not answer {action}{where}: {error}")
    return Unavailable(f"{action}{where} could not be asked: {error}")


def _answered(error: sdk.ClientError, action: str, where: str) -> Exception:
    details = error.response.get("Error", {})
    code, message = details.get("Code", ""), details.get("Message", "")
    if error.operation_name == "AssumeRole":  # on the way to the call itself
        action = "sts:AssumeRole"
    if code.endswith(_NOT_FOUND_ENDINGS):
        return NotFound(code, message)
    if code in _DENIED:
        found = _WHO.search(message)
        to = f" to {found[1]}" if found else ""
        return Unavailable(f"AWS denies {action}{where}{to}; grant it (see `pullbot permissions aws`)")
    if code in _BAD_CREDENTIALS:
        return Unavailable(f"AWS does not accept the credentials for {action} ({code}); renew them")
    if code in _THROTTLED:
        return Unavailable(f"AWS throttles {action}{where} ({code}); ask again in a minute")
    if code in _MOVED:
        return Conflict(f"AWS noticed another change meanwhile ({code}): {message}")
    return Unavailable(f"AWS answered {action}{where} with {code}: {_in_a_line(message)}")


def _in_a_line(text: str) -> str:
    """What stands between us and AWS answers with whole pages."""
    words = " ".join(text.split())
    return words if len(words) <= _LONGEST else f"{words[:_LONGEST]}…"
