"""What moto does not know of AWS and a diagnosis asks for, answered before moto is asked.

Two calls of ECR: a registry without rules for a pull-through cache, whose policy rules every request.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from typing import Any

Application = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]

_ECR = "AmazonEC2ContainerRegistry_V20150921"
ANSWERS: Mapping[str, Mapping[str, Any]] = {
    f"{_ECR}.DescribePullThroughCacheRules": {"pullThroughCacheRules": []},
    f"{_ECR}.GetAccountSetting": {"name": "REGISTRY_POLICY_SCOPE", "value": "V2"},
}


def filled(moto: Application) -> Application:
    """``moto``, a WSGI application, with its gaps filled."""

    def application(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        answer = ANSWERS.get(environ.get("HTTP_X_AMZ_TARGET", ""))
        if answer is None:
            return moto(environ, start_response)
        environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        body = json.dumps(answer).encode()
        headers = [("Content-Type", "application/x-amz-json-1.1"), ("Content-Length", str(len(body)))]
        start_response("200 OK", headers)
        return [body]

    return application
