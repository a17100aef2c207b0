"""Whom an environment tells beside people's mailboxes, as its settings name them: channels of chat, and a program.

Slack and Teams let AWS in once for each workspace and tenant, by a person, in the console of Amazon Q Developer in chat
applications: docs/notifications.md says how, and where these ids are found.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", re.IGNORECASE)
# As Teams gives it in the link to a channel: 19%3a...%40thread.tacv2
TEAMS_CHANNEL = re.compile(r"[\w=+/.,-]*%3a[\w=+/.,-]*%40[\w=+/.,-]*", re.IGNORECASE | re.ASCII)

# Without a user's name and password, which would be in template and logs: messages are signed instead.
WEBHOOK = re.compile(r"https://[^\s/@]+(/\S*)?")
# A program on this machine, which only a deployment on a laptop reaches.
LOOPBACK = re.compile(r"http://(localhost|127\.0\.0\.1)(:\d+)?(/\S*)?")


@dataclass(frozen=True, kw_only=True)
class SlackChannel:
    """A channel of Slack: `T0123456789` and `C0123456789`."""

    workspace_id: str
    channel_id: str

    def problems(self) -> Iterator[str]:
        """A sentence for each id that cannot be one."""
        for name, value, first in (("workspace_id", self.workspace_id, "T"), ("channel_id", self.channel_id, "CG")):
            if not re.fullmatch(rf"[{first}][0-9A-Z]+", value):
                yield (
                    f"expected slack.{name} to begin with {' or '.join(first)} and go on with capitals and digits, "
                    f"found {value!r}."
                )


@dataclass(frozen=True, kw_only=True)
class TeamsChannel:
    """A channel of Microsoft Teams: two UUIDs, and the channel's id as it stands in its link (`19%3a...%40...`)."""

    tenant_id: str
    team_id: str
    channel_id: str

    def problems(self) -> Iterator[str]:
        """A sentence for each id that cannot be one."""
        for name, value in (("tenant_id", self.tenant_id), ("team_id", self.team_id)):
            if not UUID.fullmatch(value):
                yield f"expected teams.{name} to be a UUID, found {value!r}."
        if not TEAMS_CHANNEL.fullmatch(self.channel_id):
            yield (
                f"expected teams.channel_id as it stands in the link to the channel, 19%3a...%40thread.tacv2, found "
                f"{self.channel_id!r}."
            )


@dataclass(frozen=True, kw_only=True)
class Webhook:
    """The address that signed messages are posted to."""

    url: str

    @property
    def on_this_machine(self) -> bool:
        """Whether only a deployment on a laptop reaches it."""
        return LOOPBACK.fullmatch(self.url) is not None

    def problems(self) -> Iterator[str]:
        """A sentence for an address that messages cannot be posted to; it quotes no more than its beginning."""
        if not (WEBHOOK.fullmatch(self.url) or self.on_this_machine):
            yield (
                "expected webhook_url to be https://HOST/PATH without a password, or http://localhost on a laptop, "
                f"found one that begins with {self.url[:8]!r}."
            )
