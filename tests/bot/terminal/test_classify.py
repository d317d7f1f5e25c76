"""A filter like any other: lines in, lines out, in order, as soon as they are there."""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from bot.terminal import classify

NO_HOST = 'failed to do request: Head "https://r.example/v2/": dial tcp: lookup r.example: no such host'


def run(where: Path | str, *words: str) -> int:
    parser = argparse.ArgumentParser()
    classify.add_arguments(parser)
    return classify.run(parser.parse_args([str(where), *words]))


def process(*words: str, **kwargs: Any) -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, "-m", "bot", "classify", *words], **kwargs)


def answers(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


@pytest.fixture
def lines(tmp_path: Path) -> Path:
    return tmp_path / "messages"


def test_every_line_is_answered_in_order(lines: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lines.write_text(f'{NO_HOST}\n\n   \nBack-off pulling image "r.example/web:1"\r\nsomething else')
    assert run(lines) == 0
    assert answers(capsys) == [
        {"symptom": "dns_failure", "host": "r.example"},
        {"symptom": "backoff_only", "host": "r.example", "image": "r.example/web:1"},
        {"symptom": "other"},
    ]


def test_an_id_is_passed_on_and_a_reason_heeded(lines: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = [
        {"id": "a", "message": NO_HOST},
        {"id": 7, "message": "Error: it did not work", "reason": "ErrImageNeverPull"},
        {"message": "pull QPS exceeded", "reason": None},
        {"id": None, "message": "pull QPS exceeded", "reason": ["odd"]},
    ]
    lines.write_text("\n".join(map(json.dumps, rows)))
    assert run(lines) == 0
    assert answers(capsys) == [
        {"id": "a", "symptom": "dns_failure", "host": "r.example"},
        {"id": 7, "symptom": "never_pull"},
        {"symptom": "kubelet_throttled"},
        {"id": None, "symptom": "kubelet_throttled"},
    ]


def test_what_a_registry_answered_is_a_message_as_it_stands(
    lines: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    answer = '{"errors": [{"code": "UNAUTHORIZED", "message": "authentication required"}]}'
    rows = [answer, f"{answer} trailing", f"{answer[:-3]}", f'{answer[:-1]}, "message": "manifest unknown"}}']
    lines.write_text("\n".join(rows))
    assert run(lines) == 0
    assert [one["symptom"] for one in answers(capsys)] == [*["unauthorized"] * 3, "tag_not_found"]


def test_who_asked_for_what_is_told(lines: Path, capsys: pytest.CaptureFixture[str]) -> None:
    role = "arn:aws:sts::111122223333:assumed-role/task/0a1b"
    lines.write_text(
        "ResourceInitializationError: unable to pull secrets or registry auth: AccessDeniedException: User: "
        f"{role} is not authorized to perform: ecr:GetAuthorizationToken on resource: *"
    )
    assert run(lines) == 0
    assert answers(capsys) == [
        {"symptom": "forbidden", "principal": role, "action": "ecr:GetAuthorizationToken"}
    ]


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ('{"id": 1}', "has no `message`"),
        ("{}", "has no `message`"),
        ('{"message": 5}', "not a text"),
        ('{"message": "cut o', "does not parse"),
        ('{"message": "x", "id": NaN}', "NaN is not JSON"),
        ('{"a":' + '{"a":' * 100_000, "does not parse"),
    ],
)
def test_a_bad_line_is_named_and_the_others_are_answered(
    lines: Path, capsys: pytest.CaptureFixture[str], line: str, says: str
) -> None:
    lines.write_text(f"pull QPS exceeded\n{line}\n{NO_HOST}\n")
    assert run(lines) == 2
    out, err = capsys.readouterr()
    assert [json.loads(one)["symptom"] for one in out.splitlines()] == ["kubelet_throttled", "dns_failure"]
    assert err.startswith("pullbot: line 2: ")
    assert says in err
    assert err.count("\n") == 1


def test_a_file_that_is_not_there_is_one_clear_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(tmp_path / "nowhere") == 2
    assert run(tmp_path) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.splitlines() == [
        f"pullbot: cannot read {tmp_path}/nowhere: No such file or directory",
        f"pullbot: cannot read {tmp_path}: Is a directory",
    ]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_encodings_are_told_by_their_mark(
    lines: Path, capsys: pytest.CaptureFixture[str], encoding: str
) -> None:
    lines.write_bytes(f"{NO_HOST}\n{json.dumps({'message': NO_HOST})}\n".encode(encoding))
    assert run(lines) == 0
    assert [one["symptom"] for one in answers(capsys)] == ["dns_failure", "dns_failure"]


def test_bytes_that_do_not_decode_are_replaced(lines: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lines.write_bytes(b'\xe9\xff \x00 no such host\n{"id": "\\ud800", "message": "\xe9 no such host"}\n')
    assert run(lines) == 0
    assert [one["symptom"] for one in answers(capsys)] == ["dns_failure", "dns_failure"]


def test_the_score_counts_alternatives_apart(lines: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = [
        {"message": NO_HOST, "symptom": "dns_failure"},
        {"message": NO_HOST, "symptom": "connect_failed", "alt_symptoms": ["other", "dns_failure"]},
        {"message": NO_HOST, "symptom": "connect_failed", "alt_symptoms": None},
    ]
    lines.write_text("\n".join(map(json.dumps, rows)))
    assert run(lines, "--score") == 0
    assert [line.split() for line in capsys.readouterr().out.splitlines()] == [
        ["SYMPTOM", "LINES", "RIGHT", "WITH", "ALTERNATIVES"],
        ["connect_failed", "2", "0", "1", "50.0%"],
        ["dns_failure", "1", "1", "1", "100.0%"],
        ["total", "3", "1", "2", "66.7%"],
    ]


@pytest.mark.parametrize(
    ("line", "says"),
    [
        (NO_HOST, "no `symptom`"),
        ('{"message": "x", "symptom": "tired"}', "no symptom 'tired'"),
        ('{"message": "x", "symptom": "other", "alt_symptoms": "other"}', "not a list"),
        ('{"message": "x", "symptom": "other", "alt_symptoms": [[]]}', "no symptom []"),
    ],
)
def test_a_line_without_the_right_answer_is_not_scored(
    lines: Path, capsys: pytest.CaptureFixture[str], line: str, says: str
) -> None:
    lines.write_text(line)
    assert run(lines, "--score") == 2
    out, err = capsys.readouterr()
    assert out.splitlines()[-1].split() == ["total", "0", "0", "0", "-"]
    assert err.startswith("pullbot: line 1: ")
    assert says in err


def test_an_answer_comes_before_the_next_line_is_asked_for() -> None:
    with process(stdin=subprocess.PIPE, stdout=subprocess.PIPE) as running:
        assert running.stdin
        assert running.stdout
        for message, symptom in (("pull QPS exceeded", "kubelet_throttled"), (NO_HOST, "dns_failure")):
            running.stdin.write(f"{message}\n".encode())
            running.stdin.flush()
            assert json.loads(running.stdout.readline())["symptom"] == symptom
        running.stdin.close()
        assert running.wait(timeout=20) == 0


def test_nothing_in_nothing_out() -> None:
    with process(stdin=subprocess.DEVNULL, stdout=subprocess.PIPE) as running:
        assert running.stdout
        assert running.stdout.read() == b""
        assert running.wait(timeout=20) == 0


def test_a_closed_standard_input_is_one_clear_line() -> None:
    words = [sys.executable, "-m", "bot", "classify"]
    closed = subprocess.run(
        ["/bin/sh", "-c", '"$@" <&-', "sh", *words], capture_output=True, timeout=20, check=False
    )
    assert closed.returncode == 2
    assert closed.stderr == b"pullbot: cannot read standard input: it is closed\n"


def test_a_reader_that_has_seen_enough_ends_it_quietly(lines: Path) -> None:
    lines.write_text(f"{NO_HOST}\n" * 20_000)
    with process(str(lines), stdout=subprocess.PIPE, stderr=subprocess.PIPE) as running:
        assert running.stdout
        assert running.stderr
        running.stdout.readline()
        running.stdout.close()
        assert running.stderr.read() == b""
        assert running.wait(timeout=20) == 141
