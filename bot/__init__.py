"""The service and the terminal: chats, clouds, stores, the clock. The only code that knows an SDK."""

from __future__ import annotations

VERSION = "0.1.0"
