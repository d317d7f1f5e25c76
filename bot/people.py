"""Who may approve. A chat vouches for who somebody is there; the operator's list says what they may do."""

from __future__ import annotations

import logging
import re
from collections.abc import Collection, Iterable, Mapping
from typing import Protocol

from bot.chat.platform import Sender
from handlers.decision import Person

log = logging.getLogger(__name__)

_SLACK_USER = re.compile(r"[UW][A-Z0-9]{2,}")
_SLACK_GROUP = re.compile(r"@[\w.-]+|S[A-Z0-9]{2,}")
_ENTRA_USER = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.I)
_ENTRA_GROUP = re.compile(rf"group:{_ENTRA_USER.pattern}", re.I)
_EMAIL = re.compile(r"[^@\s]+@[^@\s]+")


class Directory(Protocol):
    """What one chat knows of its people. Both raise if it does not say; that is never a yes or a no."""

    async def members(self, group: str) -> frozenset[str]:
        """The chat's own ids of those in a group, written as in ``approvals.approvers``."""

    async def email(self, sender: Sender) -> str:
        """Their address as the chat's own directory has it, "" for none."""


class Approvers:
    """The operator's list, sorted out. Ids are compared only within their chat, and names with nothing.

    :param listed: Slack user ids, Slack groups (``@oncall`` or an id), e-mails, Entra object ids, Entra
        groups (``group:`` and an object id), ``page:alice``
    :param people: for each person the accounts that are theirs (``slack:U0ALICE``)
    """

    def __init__(self, listed: Iterable[str] = (), people: Iterable[Collection[str]] = ()) -> None:
        listed = tuple(listed)
        self.ids = frozenset(found for one in listed if (found := _account(one)))
        self.emails = frozenset(one.casefold() for one in listed if _EMAIL.fullmatch(one))
        self._groups = {
            "slack": tuple(sorted(one for one in listed if _SLACK_GROUP.fullmatch(one))),
            "teams": tuple(sorted(one.lower() for one in listed if _ENTRA_GROUP.fullmatch(one))),
        }
        self._accounts = {_folded(one): tuple(map(_folded, all_of)) for all_of in people for one in all_of}
        self.nobody = not listed

    def groups(self, chat: str) -> tuple[str, ...]:
        """The groups that people of ``chat`` may be in."""
        return self._groups.get(chat, ())

    def others(self, account: str) -> tuple[str, ...]:
        """The other accounts of whoever has this one."""
        account = _folded(account)
        return tuple(one for one in self._accounts.get(account, ()) if one != account)

    def names(self, account: str) -> bool:
        """Whether the list holds this very account."""
        return _folded(account) in self.ids


class People:
    """Judges senders by the operator's list.

    Accounts that the operator says are one person's are one: what either may, both may, and together they
    count once (``handlers.incident``). Accounts with one address count once, too: an address that is listed
    lets its owner approve in each chat, and that is not two approvers.

    :param directories: who is asked about people and groups of a chat
    """

    def __init__(self, approvers: Approvers, directories: Mapping[str, Directory] | None = None) -> None:
        self._approvers = approvers
        self._directories = directories or {}

    async def person(self, sender: Sender) -> Person:
        """Never raises: who cannot be looked up may not approve."""
        account = _sender(_folded(sender.id), sender.name)
        failed: list[str] = []
        # Within one chat the account says enough, and who is listed by it need not wait for a directory.
        counts = len(self._directories) > 1 or not self._approvers.names(account.id)
        address = await self._address(account, failed) if counts else ""
        unsure = bool(failed)
        may = await self._may_approve(account, address, failed)
        others = (*self._approvers.others(sender.id), *([f"email:{address}"] if address else []))
        why_not = "" if may else self._why_not(sender.name, failed)
        return Person(account.id, sender.name, may, others, unsure, why_not)

    def _why_not(self, name: str, failed: list[str]) -> str:
        if self._approvers.nobody:
            return "nobody may approve: approvals.approvers is empty in the configuration"
        if failed:
            return f"it cannot be told whether {name} may approve: {'; '.join(failed)}"
        return f"{name} is not an approver (approvals.approvers in the configuration)"

    async def _may_approve(self, account: Sender, address: str, failed: list[str]) -> bool:
        """What cannot be looked up is added to ``failed``, and allows nothing."""
        others = [_sender(one, account.name) for one in self._approvers.others(account.id)]
        if self._lists(address) or any(self._approvers.names(one.id) for one in (account, *others)):
            return True
        if await self._is_in_a_group(account, failed):
            return True
        for one in others:
            if await self._is_in_a_group(one, failed) or self._lists(await self._address(one, failed)):
                return True
        return False

    def _lists(self, address: str) -> bool:
        return bool(address) and address in self._approvers.emails

    async def _is_in_a_group(self, sender: Sender, failed: list[str]) -> bool:
        groups = self._approvers.groups(sender.chat)
        directory = self._directories.get(sender.chat)
        if directory is None:
            failed += (f"the group {one} could not be read" for one in groups)
            return False
        for group in groups:
            try:
                if sender.user in await directory.members(group):
                    return True
            except Exception as error:  # whatever the chat's client raises, the answer is no
                log.warning("the group %s could not be read: %s", group, error)
                failed.append(f"the group {group} could not be read")
        return False

    async def _address(self, sender: Sender, failed: list[str]) -> str:
        """Asked for only if the list holds addresses."""
        directory = self._directories.get(sender.chat)
        if not self._approvers.emails or directory is None:
            return ""
        try:
            return (await directory.email(sender)).casefold()
        except Exception as error:  # as above
            log.warning("the e-mail of %s could not be read: %s", sender.id, error)
            failed.append("their e-mail could not be read")
            return ""


def _account(listed: str) -> str:
    """The account that an entry of the list is, "" if it is a group or an address."""
    if _SLACK_USER.fullmatch(listed):
        return f"slack:{listed}"
    if _ENTRA_USER.fullmatch(listed):
        return f"teams:{listed.lower()}"
    return listed if listed.startswith("page:") else ""


def _folded(account: str) -> str:
    """Entra's ids are the same in any case; Slack's are not."""
    return account.lower() if account.startswith("teams:") else account


def _sender(account: str, name: str) -> Sender:
    chat, _, user = account.partition(":")
    return Sender(chat, user, name)
