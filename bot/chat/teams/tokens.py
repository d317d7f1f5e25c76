"""Is this request Microsoft's? Anybody may post to a bot, and what Teams signs is all there is to tell.

The rules are Microsoft's, for tokens of the Bot Connector. Those of its emulator, of other bots and of people
have other issuers, and end here.
https://learn.microsoft.com/azure/bot-service/rest-api/bot-framework-rest-connector-authentication
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

import jwt

from bot.chat.clock import Clock
from bot.chat.teams.keys import Keys, KeysUnavailable, SigningKey

__all__ = ["Gate", "KeysUnavailable", "NotMicrosoft"]

_ALGORITHM = "RS256"  # ours, never the token's
_LEEWAY = 300.0  # seconds; Microsoft: "Industry-standard clock-skew is 5 minutes."
_LARGEST = 8192  # characters; Teams' tokens have about a thousand
_BEARER = re.compile(r"(?i:bearer) (?P<token>[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+)")


class NotMicrosoft(Exception):
    """``status`` is 401 without a valid token, 403 with one for something else.

    The message is for the log, and has nothing of the token in it.
    """

    def __init__(self, why: str, status: int = 401) -> None:
        super().__init__(why)
        self.status = status


class Gate:
    """
    :param openid_metadata: where the Bot Connector's keys are named
    :param app_id: whom tokens have to be for
    :param tenant: the one that a token has to be of, if it names one at all; "" for any
    :param now: the time of day, by which tokens expire
    :raises ValueError: there is no app id, and without one every bot's tokens would do
    """

    def __init__(
        self,
        openid_metadata: str,
        app_id: str,
        tenant: str = "",
        *,
        clock: Clock = time.monotonic,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        if not app_id:
            raise ValueError("MICROSOFT_APP_ID is empty, and Teams' requests cannot be told from others'")
        self._app_id = app_id
        self._tenant = tenant.lower()
        self._now = now
        self._keys = Keys(openid_metadata, clock)

    def open(self) -> None:
        self._keys.open()

    async def close(self) -> None:
        await self._keys.close()

    async def issuer(self) -> str:
        """Who signs requests, and takes ours: ``https://api.botframework.com``, or a government's.

        :raises KeysUnavailable: it cannot be read now
        """
        return await self._keys.issuer()

    async def check(self, authorization: str, *, channel_id: str, service_url: str) -> None:
        """
        :param authorization: the header, as it came
        :param channel_id: the activity's
        :param service_url: the activity's, where answers would go
        :raises NotMicrosoft: Microsoft did not sign this
        :raises KeysUnavailable: nobody can say now; the request should be sent again
        """
        token = _token(authorization)
        kid = _kid(token)
        published = await self._keys.published(kid)
        key = published.keys.get(kid)
        if key is None:
            raise NotMicrosoft("the token is signed with a key that Microsoft does not publish")
        claims = self._claims(token, key, published.issuer)
        self._judge_time(claims)
        self._judge_tenant(claims)
        _judge_place(claims, key, channel_id, service_url)

    def _claims(self, token: str, key: SigningKey, issuer: str) -> Mapping[str, Any]:
        try:
            return jwt.decode(
                token,
                key.public,
                algorithms=[_ALGORITHM],
                audience=self._app_id,
                issuer=issuer,
                options={
                    "require": ["exp", "iss", "aud"],
                    "strict_aud": True,  # one for several bots is no token of the Bot Connector
                    "verify_exp": False,  # by our clock, below
                    "verify_nbf": False,
                    "verify_iat": False,
                    "verify_sub": False,
                    "verify_jti": False,
                },
            )
        except jwt.InvalidSignatureError:
            raise NotMicrosoft("the token's signature is not that of the key it names") from None
        except jwt.InvalidIssuerError:
            raise NotMicrosoft("the token was not issued by the Bot Connector") from None
        except jwt.InvalidAudienceError:
            raise NotMicrosoft("the token is for another bot than MICROSOFT_APP_ID") from None
        except jwt.MissingRequiredClaimError:
            raise NotMicrosoft("the token lacks its issuer, its audience or its end") from None
        except Exception:  # whatever a stranger's bytes do to a parser, they are no token
            raise NotMicrosoft("the token cannot be read") from None

    def _judge_tenant(self, claims: Mapping[str, Any]) -> None:
        """The Bot Connector's tokens name none so far; the activity does, and that is looked at elsewhere."""
        named = claims.get("tid")
        if self._tenant and named is not None and str(named).lower() != self._tenant:
            raise NotMicrosoft("the token is of another tenant than MICROSOFT_APP_TENANT_ID", 403)

    def _judge_time(self, claims: Mapping[str, Any]) -> None:
        now = self._now().timestamp()
        ends, begins = _seconds(claims["exp"]), _seconds(claims.get("nbf", 0))
        if not ends > now - _LEEWAY:
            raise NotMicrosoft("the token has expired; is this machine's clock right?")
        if not begins <= now + _LEEWAY:
            raise NotMicrosoft("the token is not valid yet; is this machine's clock right?")


def _token(authorization: str) -> str:
    if not authorization:
        raise NotMicrosoft("the request bears no token")
    found = _BEARER.fullmatch(authorization) if len(authorization) <= _LARGEST else None
    if found is None:
        raise NotMicrosoft("the Authorization header is not that of a bearer of a JSON Web Token")
    return found["token"]


def _kid(token: str) -> str:
    """The id of the key that the token says it is signed with."""
    try:
        header = jwt.get_unverified_header(token)
    except Exception:  # as above
        raise NotMicrosoft("the token's header cannot be read") from None
    if header.get("alg") != _ALGORITHM:
        raise NotMicrosoft(f"the token is not signed by {_ALGORITHM}")
    kid = header.get("kid")
    if not isinstance(kid, str) or not kid:
        raise NotMicrosoft("the token does not say which key it is signed with")
    return kid


def _seconds(claim: object) -> float:
    if isinstance(claim, bool) or not isinstance(claim, int | float):
        raise NotMicrosoft("the token's beginning or end is no time")
    return claim


def _judge_place(claims: Mapping[str, Any], key: SigningKey, channel_id: str, service_url: str) -> None:
    """A right token in a wrong place: somebody else's activity under it, to send our answers astray."""
    # "serviceUrl" on Microsoft's page, "serviceurl" in its SDKs. Where a token says both, both have to fit.
    claimed = [claims[name] for name in ("serviceurl", "serviceUrl") if name in claims]
    if not claimed or not all(isinstance(one, str) and one.removesuffix("/") for one in claimed):
        raise NotMicrosoft("the token does not say where answers go")
    if any(one.removesuffix("/") != service_url.removesuffix("/") for one in claimed):
        raise NotMicrosoft("the token is for another service url than the activity's", 403)
    if key.channels is not None and channel_id not in key.channels:
        raise NotMicrosoft(
            "the token is signed with a key that is not endorsed for the activity's channel", 403
        )
