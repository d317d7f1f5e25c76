"""Who may approve. The chat vouches for who somebody is; the operator's list says what they may do."""

from __future__ import annotations

import logging
import re
from collections.abc import Awaitable, Callable

from bot.chat.platform import Sender
from handlers.decision import Person

log = logging.getLogger(__name__)

_SLACK_USER = re.compile(r"[UW][A-Z0-9]{2,}")
_SLACK_GROUP = re.compile(r"@[\w.-]+|S[A-Z0-9]{2,}")

Members = Callable[[str], Awaitable[frozenset[str]]]
Email = Callable[[Sender], Awaitable[str]]


class People:
    """Judges senders by the operator's list.

    :param approvers: Slack user ids, Slack groups (``@oncall`` or an id), e-mails, Entra object ids,
        ``page:alice``
    :param members: the Slack user ids in a group, by its handle or id; raises if it cannot be read
    :param email: a sender's address as the chat's own directory has it, "" for none; asked only if
        ``approvers`` holds addresses
    """

    def __init__(self, approvers: tuple[str, ...], members: Members, email: Email | None = None) -> None:
        self._approvers = frozenset(approvers)
        self._groups = sorted(one for one in approvers if _SLACK_GROUP.fullmatch(one))
        self._emails = frozenset(one.casefold() for one in approvers if "@" in one[1:])
        self._members = members
        self._email = email

    async def person(self, sender: Sender) -> Person:
        """Never raises: who cannot be looked up may not approve."""
        return Person(sender.id, sender.name, may_approve=not await self.why_not(sender))

    async def why_not(self, sender: Sender) -> str:
        """Why ``sender`` may not approve, in words for a chat; "" if they may."""
        if not self._approvers:
            return "nobody may approve: approvals.approvers is empty in the configuration"
        if self._is_named(sender):
            return ""
        failed: list[str] = []
        if await self._is_in_a_group(sender, failed) or await self._has_an_email(sender, failed):
            return ""
        if failed:
            return f"it cannot be told whether {sender.name} may approve: {'; '.join(failed)}"
        return f"{sender.name} is not an approver (approvals.approvers in the configuration)"

    def _is_named(self, sender: Sender) -> bool:
        """Ids are compared only with ids of the same chat, and never with names: people choose those."""
        match sender.chat:
            case "slack":
                return bool(_SLACK_USER.fullmatch(sender.user)) and sender.user in self._approvers
            case "teams":
                return sender.user.casefold() in {one.casefold() for one in self._approvers if "-" in one}
            case _:
                return sender.id in self._approvers

    async def _is_in_a_group(self, sender: Sender, failed: list[str]) -> bool:
        if sender.chat != "slack":
            return False
        for group in self._groups:
            try:
                if sender.user in await self._members(group):
                    return True
            except Exception as error:  # whatever the chat's client raises, the answer is no
                log.warning("the group %s could not be read: %s", group, error)
                failed.append(f"the group {group} could not be read")
        return False

    async def _has_an_email(self, sender: Sender, failed: list[str]) -> bool:
        if not self._emails or self._email is None:
            return False
        try:
            address = await self._email(sender)
        except Exception as error:  # as above
            log.warning("the e-mail of %s could not be read: %s", sender.id, error)
            failed.append("their e-mail could not be read")
            return False
        return address.casefold() in self._emails
