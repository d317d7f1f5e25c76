"""What a server answered, as JSON: not without end, and no redirect taken for an answer."""

from __future__ import annotations

from typing import Any

import aiohttp
import orjson

_LARGEST = 1024 * 1024  # Microsoft's list of keys has some ten thousand bytes


async def json_in(answer: aiohttp.ClientResponse, largest: int = _LARGEST) -> Any:
    """
    :raises ValueError: it is none, or longer than ``largest`` bytes; nothing of it is in the message
    :raises aiohttp.ClientError: it ended early
    """
    body = bytearray()
    async for piece in answer.content.iter_any():
        body += piece
        if len(body) > largest:
            raise ValueError(f"answered with more than {largest} bytes")
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError:
        raise ValueError("answered with something that is no JSON") from None
