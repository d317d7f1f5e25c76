"""An AWS on loopback, and the variables with which boto3 finds it and nothing else."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from threading import Thread
from urllib.request import Request, urlopen

from bot.demo.gaps import filled


@contextmanager
def simulated_aws() -> Iterator[str]:
    """The address of an empty AWS that runs in a thread.

    :raises ImportError: moto is not installed
    """
    # Read when moto's IAM is imported: it then knows the managed policies of AWS.
    with variables(MOTO_IAM_LOAD_MANAGED_POLICIES="true"):
        from moto.moto_server.werkzeug_app import (  # noqa: PLC0415  an extra, heavy, and reads the variable
            DomainDispatcherApplication,
            MotoRequestHandler,
            create_backend_app,
        )
        from werkzeug.serving import make_server  # noqa: PLC0415  comes with moto

        # It chooses a level of its own unless it has one, and tells every request.
        logging.getLogger("werkzeug").setLevel(logging.ERROR)
        application = filled(DomainDispatcherApplication(create_backend_app))
        server = make_server("127.0.0.1", 0, application, threaded=True, request_handler=MotoRequestHandler)
        thread = Thread(target=server.serve_forever, name="aws", daemon=True)
        thread.start()
        try:
            endpoint = f"http://127.0.0.1:{server.server_port}"
            _emptied(endpoint)
            yield endpoint
        finally:
            server.shutdown()
            thread.join()
            server.server_close()


def _emptied(endpoint: str) -> None:
    """What moto keeps outlives its servers within a process."""
    request = Request(f"{endpoint}/moto-api/reset", method="POST")  # noqa: S310  loopback
    urlopen(request, timeout=60).close()  # noqa: S310  loopback


def only_this(endpoint: str) -> dict[str, str | None]:
    """Environment variables (``None``: not set) with which boto3 talks to ``endpoint`` alone.

    Whoever tries the demo may have a real AWS configured; it must not be reached from here.
    """
    others: dict[str, str | None] = {name: None for name in os.environ if name.startswith("AWS_")}
    return others | {
        "AWS_ENDPOINT_URL": endpoint,
        "AWS_ACCESS_KEY_ID": "demo",
        "AWS_SECRET_ACCESS_KEY": "demo",
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
    }


def only_that(story: Mapping[str, str]) -> dict[str, str | None]:
    """The same for azure-identity: ``story`` is where its tokens are."""
    others: dict[str, str | None] = {
        name: None for name in os.environ if name.startswith(("AZURE_", "IDENTITY_", "MSI_"))
    }
    return {**others, **story}


@contextmanager
def variables(**wanted: str | None) -> Iterator[None]:
    """Environment variables for a while; ``None`` takes one away."""
    before = dict(os.environ)
    for name, value in wanted.items():
        os.environ.pop(name, None)
        if value is not None:
            os.environ[name] = value
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)
