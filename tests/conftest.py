"""What tests of several folders share: an AWS on loopback."""

from __future__ import annotations

import os
import urllib.request
from collections.abc import Iterator

import pytest
from hypothesis import settings

from bot.demo.cloud import simulated_aws

# Hypothesis goes by the clock on the wall, and a busy machine must not fail a test.
settings.register_profile("without a deadline", deadline=None)
settings.load_profile("without a deadline")


@pytest.fixture(scope="session")
def moto_url() -> Iterator[str]:
    """moto's server on a free port of loopback, started once; what it holds is nobody's."""
    with simulated_aws() as url:
        yield url


@pytest.fixture
def aws_url(moto_url: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """An empty AWS, and the variables with which boto3 finds it and nothing else."""
    request = urllib.request.Request(f"{moto_url}/moto-api/reset", method="POST")  # noqa: S310  loopback
    urllib.request.urlopen(request, timeout=60).close()  # noqa: S310  loopback
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    settings = {
        "AWS_ENDPOINT_URL": moto_url,
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
    }
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    return moto_url
