"""What the registry says of the image to each who asks: nobody in particular, and the pod's own logins.

A refusal of a stranger says nothing of the node, which may have a login that nobody here knows of. One of the
pod's own login does: it is the same that kubelet uses.
"""

from __future__ import annotations

import asyncio
import base64
import json
import re
from dataclasses import dataclass
from enum import Enum
from urllib.parse import urlencode, urlsplit

from checks.graph import fact
from checks.image.reference import Image, Repository
from checks.model import SAYS_NOTHING, FailedPull, NotApplicable, Symptom, Unavailable
from checks.registry.challenge import Challenge, Wants, printable, said
from checks.registry.credentials import AskingLogins, SecretLogin
from checks.registry.facts import Answer, Registry
from checks.registry.realm import is_unheard, may_see_login
from checks.secret import Secret

# In containerd's order (core/remotes/docker/resolver.go), so that a registry that negotiates gives the same.
ACCEPT = ", ".join((
    "application/vnd.docker.distribution.manifest.v2+json",
    "application/vnd.docker.distribution.manifest.list.v2+json",
    "application/vnd.oci.image.manifest.v1+json",
    "application/vnd.oci.image.index.v1+json",
    "*/*",
))  # fmt: skip
# What a message about the inside of an image is.
OF_CONTENT = frozenset({Symptom.PLATFORM_MISMATCH, Symptom.CORRUPT_CONTENT, Symptom.UNSUPPORTED_MANIFEST})
_LOGINS_TRIED = 2


class Outcome(Enum):
    FOUND = "found"
    MISSING = "missing"
    NO_TOKEN = "login refused"  # noqa: S105  the name of an outcome
    REFUSED = "refused"
    LIMITED = "too many requests"
    BROKEN = "broken"


@dataclass(frozen=True, slots=True)
class Reading:
    """``login`` is ``None`` for nobody's. ``answer`` is the last one; ``said`` the registry's own words.

    ``authorization`` is what it was asked with, for what else is asked of it.
    """

    login: SecretLogin | None
    outcome: Outcome
    answer: Answer
    said: str = ""
    authorization: Secret[str] | None = None

    @property
    def who(self) -> str:
        return self.login.where if self.login is not None else "without a login"


@dataclass(frozen=True, slots=True)
class Depth:
    """Whether the manifest itself is wanted, and not only whether it is there.

    Docker Hub counts each as a pull against whoever asks, and other registries note when it was.
    """

    whole: bool


@fact()
def depth(pull: FailedPull) -> Depth:
    return Depth(pull.symptom in OF_CONTENT | SAYS_NOTHING)


@dataclass(frozen=True, slots=True)
class AnonymousToken:
    """``authorization`` is ``None`` where none is needed; ``refusal``: what came instead, where one is."""

    authorization: Secret[str] | None = None
    refusal: Reading | None = None


@fact()
async def anonymous_token(challenge: Challenge, repository: Repository, registry: Registry) -> AnonymousToken:
    if challenge.wants is not Wants.BEARER:
        return AnonymousToken()
    found = await _token(None, challenge, repository, registry)
    return AnonymousToken(refusal=found) if isinstance(found, Reading) else AnonymousToken(found)


@dataclass(frozen=True, slots=True)
class _Question:
    challenge: Challenge
    image: Image
    depth: Depth

    @property
    def url(self) -> str:
        image = self.image
        return f"{self.challenge.base}/v2/{image.repository.path}/manifests/{image.digest or image.tag}"


@dataclass(frozen=True, slots=True)
class AnonymousReading:
    reading: Reading


@fact()
async def anonymous_reading(
    challenge: Challenge, token: AnonymousToken, image: Image, depth: Depth, registry: Registry
) -> AnonymousReading:
    if token.refusal is not None:
        return AnonymousReading(token.refusal)
    question = _Question(challenge, image, depth)
    return AnonymousReading(await _reading(None, token.authorization, question, registry))


@dataclass(frozen=True, slots=True)
class LoginReadings:
    """In kubelet's order. ``withheld``: why no login was shown to the registry, or ""."""

    all: tuple[Reading, ...]
    withheld: str = ""


@fact(timeout=25)
async def login_readings(
    challenge: Challenge, logins: AskingLogins, image: Image, depth: Depth, registry: Registry
) -> LoginReadings:
    known = [one for one in logins.all if one.password is not None]
    if not known or challenge.wants is Wants.NOTHING:
        raise NotApplicable("the registry asks for no login, or there is none to show it")
    if withheld := _withheld(challenge):
        return LoginReadings((), withheld)
    question = _Question(challenge, image, depth)
    asked = (_as(one, question, registry) for one in known[:_LOGINS_TRIED])
    return LoginReadings(tuple(await asyncio.gather(*asked)))


def _withheld(challenge: Challenge) -> str:
    if not is_unheard(urlsplit(challenge.base).scheme, challenge.host):
        return "the registry does not speak HTTPS, and pullbot shows no login in plain to another machine"
    if challenge.wants is Wants.BEARER and not may_see_login(challenge.realm, challenge.host):
        where = challenge.realm.partition("?")[0][:200]
        return f"its tokens are given by {where}, which is not known to belong to it"
    return ""


async def _as(login: SecretLogin, question: _Question, registry: Registry) -> Reading:
    if question.challenge.wants is Wants.BASIC:
        return await _reading(login, _basic(login), question, registry)
    found = await _token(login, question.challenge, question.image.repository, registry)
    if isinstance(found, Reading):
        return found
    return await _reading(login, found, question, registry)


def _basic(login: SecretLogin) -> Secret[str]:
    password = login.password.reveal() if login.password is not None else ""
    return Secret("Basic " + base64.b64encode(f"{login.username}:{password}".encode()).decode())


async def _token(
    login: SecretLogin | None, challenge: Challenge, repository: Repository, registry: Registry
) -> Secret[str] | Reading:
    """The token, or what came instead."""
    fields = {"service": challenge.service, "scope": f"repository:{repository.path}:pull"}
    query = urlencode({key: value for key, value in fields.items() if value})
    url = f"{challenge.realm}{'&' if '?' in challenge.realm else '?'}{query}"
    try:
        answer = await registry.fetch("GET", url, authorization=_basic(login) if login else None)
    except Unavailable as why:
        return _broken(login, str(why))
    if answer.status != 200:
        outcome = {401: Outcome.NO_TOKEN, 403: Outcome.NO_TOKEN, 429: Outcome.LIMITED}
        return Reading(login, outcome.get(answer.status, Outcome.BROKEN), answer, words(answer))
    tree = decoded(answer.body)
    token = tree.get("token") or tree.get("access_token")
    # What is no header's value is no token, whoever gave it.
    if not isinstance(token, str) or not re.fullmatch(r"[\x21-\x7e]{1,65536}", token):
        where = challenge.realm.partition("?")[0][:200]
        return _broken(login, f"{where} answered 200 without a token")
    return Secret(f"Bearer {token}")


async def _reading(
    login: SecretLogin | None, authorization: Secret[str] | None, question: _Question, registry: Registry
) -> Reading:
    method = "GET" if question.depth.whole else "HEAD"
    try:
        answer = await registry.fetch(method, question.url, accept=ACCEPT, authorization=authorization)
    except Unavailable as why:
        return _broken(login, str(why))
    return Reading(login, _outcome(answer), answer, words(answer), authorization)


def _broken(login: SecretLogin | None, why: str) -> Reading:
    return Reading(login, Outcome.BROKEN, Answer(0, (), b""), why)


def _outcome(answer: Answer) -> Outcome:
    if answer.is_web_page:
        return Outcome.BROKEN
    match answer.status:
        case 200:
            return Outcome.FOUND
        case 404:
            return Outcome.MISSING
        case 401 | 403:
            return Outcome.REFUSED
        case 429:
            return Outcome.LIMITED
        case _:
            return Outcome.BROKEN


def decoded(body: bytes) -> dict[str, object]:
    """A JSON object; an empty one for anything else."""
    try:
        tree = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return tree if isinstance(tree, dict) else {}


def error_codes(answer: Answer) -> frozenset[str]:
    """The codes of the specification that an answer carries, such as ``NAME_UNKNOWN``."""
    errors = decoded(answer.body).get("errors")
    rows = errors if isinstance(errors, list) else []
    return frozenset(str(one.get("code") or "").upper() for one in rows if isinstance(one, dict))


def words(answer: Answer) -> str:
    """The status and the registry's own words, short and without secrets."""
    errors = decoded(answer.body).get("errors")
    rows = [one for one in errors if isinstance(one, dict)] if isinstance(errors, list) else []
    told = ", ".join(f"{one.get('code') or ''} {one.get('message') or ''}".strip() for one in rows[:3])
    text = printable(told)[:300] if told else ("" if answer.status == 200 else said(answer))
    return f"{answer.status} {text}".strip()


@dataclass(frozen=True, slots=True)
class Readings:
    """Everybody's, those of the pod's logins first."""

    all: tuple[Reading, ...]

    @property
    def telling(self) -> Reading | None:
        """Of one who may read: whether it is there."""
        return self._first(Outcome.FOUND) or self._first(Outcome.MISSING)

    def _first(self, outcome: Outcome) -> Reading | None:
        return next((one for one in self.all if one.outcome is outcome), None)


@fact()
def readings(_: Challenge, anonymous: AnonymousReading | None, logins: LoginReadings | None) -> Readings:
    found = (*(logins.all if logins else ()), *((anonymous.reading,) if anonymous else ()))
    if not found:
        raise NotApplicable("the registry was not asked for the image")
    return Readings(found)
