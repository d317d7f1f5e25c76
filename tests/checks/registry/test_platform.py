"""Which image a node takes."""

from __future__ import annotations

import pytest

from checks.registry.platform import Platform


def platform(text: str) -> Platform:
    system, architecture, *rest = text.split("/")
    tree = {"os": system, "architecture": architecture, "variant": rest[0] if rest else ""}
    return Platform.parse({**tree, "os.version": rest[1] if len(rest) > 1 else ""})


@pytest.mark.parametrize(
    ("node", "image"),
    [
        ("linux/amd64", "linux/amd64"),
        ("linux/amd64", "linux/x86_64"),
        ("linux/amd64", "linux/amd64/v2"),
        ("linux/amd64", "linux/386"),
        ("linux/arm64", "linux/arm64/v8"),
        ("linux/arm64", "linux/aarch64"),
        ("linux/arm64", "linux/arm/v7"),
        ("windows/amd64//10.0.20348", "windows/amd64//10.0.20348.2322"),
        ("windows/amd64//10.0.26100", "windows/amd64//10.0.20348.2322"),
        ("windows/amd64", "windows/amd64//10.0.17763.1"),
        ("windows/amd64//10.0.17763", "windows/amd64"),
    ],
)
def test_these_go_together(node: str, image: str) -> None:
    assert platform(node).runs(platform(image))


@pytest.mark.parametrize(
    ("node", "image"),
    [
        ("linux/amd64", "linux/arm64"),
        ("linux/arm64", "linux/amd64"),
        ("linux/amd64", "windows/amd64"),
        ("windows/amd64//10.0.17763", "windows/amd64//10.0.20348.2322"),
        ("windows/amd64//10.0.20348", "windows/amd64//10.0.17763.1"),
        ("linux/386", "linux/amd64"),
        ("linux/s390x", "linux/ppc64le"),
    ],
)
def test_these_do_not(node: str, image: str) -> None:
    assert not platform(node).runs(platform(image))


def test_a_platform_is_written_as_docker_writes_it() -> None:
    assert str(platform("linux/arm/v7")) == "linux/arm/v7"
