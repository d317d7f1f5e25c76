"""``pullbot`` and ``python -m bot``: one command line, and nothing imported that a command does not need.

A command is a module with ``add_arguments(parser)`` and ``run(arguments)``, which answers the exit status;
one that looks at the configuration is given it too. The module is imported when its command is named.
"""

from __future__ import annotations

import argparse
import importlib
import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any, NoReturn

from bot import VERSION

_USAGE = 2  # as argparse has it; also for what is wrong with the configuration
_INTERRUPTED = 130  # 128 + SIGINT, as shells count
_BROKEN_PIPE = 141  # 128 + SIGPIPE


@dataclass(frozen=True, slots=True)
class Command:
    """``wants_settings``: ``run`` is given the configuration as its second argument."""

    name: str
    module: str
    does: str
    run: str = "run"
    wants_settings: bool = False


COMMANDS = (
    Command("why", "bot.terminal.why", "find out why images are not pulled, now", wants_settings=True),
    Command("classify", "bot.terminal.classify", "tell symptoms from messages, one per line"),
    Command(
        "run",
        "bot.app",
        "the service: watch, diagnose, post, take clicks, remedy, verify",
        wants_settings=True,
    ),
    Command("demo", "bot.demo.main", "the whole job on this machine, simulated, with a chat page"),
    Command("checks", "bot.terminal.catalogue", "list what can be found out", run="list_checks"),
    Command("remedies", "bot.terminal.catalogue", "list what can be proposed", run="list_remedies"),
    Command("manifest", "bot.terminal.manifest", "print an app's manifest for a chat", wants_settings=True),
    Command("permissions", "bot.terminal.permissions", "print what to grant", wants_settings=True),
    Command(
        "audit", "bot.terminal.audit", "tell who asked for, approved and changed what", wants_settings=True
    ),
)


class _Parser(argparse.ArgumentParser):
    """Says what was wrong in one line, and learns a command's arguments when that command is named."""

    command: Command | None = None

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:
        if self.command is not None:
            self.set_defaults(command=self.command)
            importlib.import_module(self.command.module).add_arguments(self)
        return super().parse_known_args(args, namespace)

    def error(self, message: str) -> NoReturn:
        self.exit(_USAGE, f"{self.prog}: {message} (see {self.prog} --help)\n")


def main(argv: Sequence[str] | None = None) -> int:
    """The exit status. ``argv``: the words after the program's name; the process's own when left out."""
    try:
        status = _run(_parser().parse_args(argv))
        sys.stdout.flush()
        return status
    except KeyboardInterrupt:
        # Threads that wait for an answer of a cloud would hold up a normal exit.
        os._exit(_INTERRUPTED)
    except BrokenPipeError:
        # Whoever read our output has seen enough; Python must not try to flush the rest at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return _BROKEN_PIPE


def _parser() -> _Parser:
    parser = _Parser(
        prog="pullbot",
        description="Finds the true cause of an image pull failure and proposes the exact fix.",
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=f"pullbot {VERSION}")
    _add_config(parser, default=None)
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for command in COMMANDS:
        if find_spec(command.module) is None:
            continue
        one = commands.add_parser(
            command.name, help=command.does, description=_sentence(command.does), allow_abbrev=False
        )
        one.command = command
        # Said before the command it must not be overwritten by a default after it.
        _add_config(one, default=argparse.SUPPRESS)
    return parser


def _add_config(parser: argparse.ArgumentParser, default: str | None) -> None:
    parser.add_argument(
        "--config",
        metavar="FILE",
        default=default,
        help="the configuration (else PULLBOT_CONFIG, else ./pullbot.yaml if it is there)",
    )


def _sentence(text: str) -> str:
    return f"{text[0].upper()}{text[1:]}."


def _run(arguments: argparse.Namespace) -> int:
    command: Command = arguments.command
    run = getattr(importlib.import_module(command.module), command.run)
    if not command.wants_settings:
        return int(run(arguments))
    settings = importlib.import_module("bot.settings")
    try:
        found = settings.load(arguments.config, os.environ)
    except settings.SettingsError as error:
        print(f"pullbot: {error}", file=sys.stderr)  # noqa: T201  this is the terminal
        return _USAGE
    return int(run(arguments, found))


if __name__ == "__main__":
    sys.exit(main())
