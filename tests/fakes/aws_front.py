"""A door in front of moto: denies chosen IAM actions as AWS does, slows and holds calls, and counts them.

moto's own enforcement looks at actions only and answers XML to JSON services; this answers as the real
services do, per action and per account.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlsplit

from tests.fakes.automation import Refusal
from tests.fakes.relay import Relay, Response, listening

BOT = "arn:aws:sts::123456789012:assumed-role/pullbot-read/pullbot"
# EKS and Route 53 name them by path.
_REST = {
    "node-groups": "DescribeNodegroup",
    "fargate-profiles": "DescribeFargateProfile",
    "clusters": "DescribeCluster",
    "hostedzonesbyvpc": "ListHostedZonesByVPC",
}


@dataclass
class Hold:
    """One call that is kept waiting at the door: before it is carried out, or before its answer is given.

    ``reached`` says that it has come; ``let_go`` ends the waiting. A call that is held before it is carried
    out never is: its connection breaks, as does that of one whose answer was held.
    """

    carried_out: bool
    reached: threading.Event = field(default_factory=threading.Event)
    over: threading.Event = field(default_factory=threading.Event)

    def let_go(self) -> None:
        self.over.set()


@dataclass
class Front:
    """``denied``: IAM actions such as ``iam:GetRole``, or ``iam:*``.

    ``closed``: accounts into which only assumed roles may look. ``latency``: seconds that a call takes.
    ``asked``: the actions in the order in which they came in; ``passed``: those that AWS was asked.
    ``expired``: the credentials that everybody comes with are no longer good.
    ``answers``: what is answered instead of AWS, by action, where moto does not know what AWS does; or what
    makes an answer of a request, and raises ``Refusal``.
    """

    url: str = ""
    denied: set[str] = field(default_factory=set)
    closed: set[str] = field(default_factory=set)
    latency: float = 0.0
    asked: list[str] = field(default_factory=list)
    passed: list[str] = field(default_factory=list)
    expired: bool = False
    answers: dict[str, Any] = field(default_factory=dict)
    holds: dict[str, Hold] = field(default_factory=dict)
    most_at_once: int = 0
    _now: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @contextmanager
    def counted(self, action: str) -> Iterator[None]:
        with self._lock:
            self.asked.append(action)
            self._now += 1
            self.most_at_once = max(self.most_at_once, self._now)
        try:
            yield
        finally:
            with self._lock:
                self._now -= 1

    def hold_next(self, action: str, *, carried_out: bool) -> Hold:
        """``carried_out``: whether it is done before it is held."""
        held = self.holds[action] = Hold(carried_out)
        return held

    def denies(self, action: str, body: str, *, assumed: bool) -> bool:
        service = action.partition(":")[0]
        if {action, f"{service}:*"} & self.denied:
            return True
        return not assumed and any(f'"registryId": "{one}"' in body for one in self.closed)


def allowed(*policies: Mapping[str, Any]) -> set[str]:
    """The actions that policies allow, as they are called in ``Front.asked``."""
    statements = [one for policy in policies for one in policy["Statement"] if one["Effect"] == "Allow"]
    return {action for one in statements for action in one["Action"]}


@contextmanager
def serve(moto_url: str) -> Iterator[Front]:
    front = Front()

    class Handler(Relay):
        target = urlsplit(moto_url).netloc

        def answer_to(self, body: bytes) -> Response | None:
            action = _action(self.path, self.headers, body)
            with front.counted(action):
                time.sleep(front.latency)  # stands for the network
                held = front.holds.pop(action, None)
                if held is None:
                    return self._at_the_door(action, body)
                if held.carried_out:
                    self._at_the_door(action, body)
                held.reached.set()
                held.over.wait(60)
                return None

        def _at_the_door(self, action: str, body: bytes) -> Response:
            if front.expired:
                return _expiry(action)
            key = self.headers.get("Authorization", "").partition("Credential=")[2]
            if front.denies(action, body.decode(errors="replace"), assumed=key.startswith("ASIA")):
                return _denial(action)
            front.passed.append(action)
            if action in front.answers:
                return _instead(action, front.answers[action], body)
            return self.passed_on(body)

    with listening(Handler) as front.url:
        yield front


def _instead(action: str, answer: Any, body: bytes) -> Response:
    try:
        tree = answer(json.loads(body)) if callable(answer) else answer
    except Refusal as why:
        return _error(action, why.code, str(why))
    return 200, "application/x-amz-json-1.1", json.dumps(tree).encode()


def _action(path: str, headers: Any, body: bytes) -> str:
    service = headers.get("Authorization", "").partition("Credential=")[2].split("/")[3:4]
    name = service[0] if service else "?"
    if target := headers.get("X-Amz-Target"):
        return f"{name}:{target.rpartition('.')[2]}"
    if form := parse_qs(body.decode(errors="replace")).get("Action"):
        return f"{name}:{form[0]}"
    for part, operation in _REST.items():
        if part in urlsplit(path).path.split("/"):
            return f"{name}:{operation}"
    return f"{name}:{path}"


def _denial(action: str) -> Response:
    message = f"User: {BOT} is not authorized to perform: {action} on resource: *"
    codes = {"ec2": "UnauthorizedOperation", "iam": "AccessDenied", "sts": "AccessDenied"}
    return _error(action, codes.get(action.partition(":")[0], "AccessDeniedException"), message)


def _expiry(action: str) -> Response:
    codes = {"ec2": "RequestExpired", "iam": "ExpiredToken", "sts": "ExpiredToken"}
    code = codes.get(action.partition(":")[0], "ExpiredTokenException")
    return _error(action, code, "The security token included in the request is expired")


def _error(action: str, code: str, message: str) -> Response:
    service = action.partition(":")[0]
    if service == "ec2":
        error = f"<Code>{code}</Code><Message>{message}</Message>"
        return 403, "text/xml", f"<Response><Errors><Error>{error}</Error></Errors></Response>".encode()
    if service in ("iam", "sts", "route53"):
        error = f"<Type>Sender</Type><Code>{code}</Code><Message>{message}</Message>"
        return 403, "text/xml", f"<ErrorResponse><Error>{error}</Error></ErrorResponse>".encode()
    tree = {"__type": code, "message": message}
    return 400, "application/x-amz-json-1.1", json.dumps(tree).encode()
