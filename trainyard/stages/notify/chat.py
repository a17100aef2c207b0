"""A message as Amazon Q Developer in chat applications shows it in Slack and Teams: its custom notification; pure.

It shows nothing that has another form, and says so to nobody.
"""

from __future__ import annotations

import re
from typing import Any

from trainyard.stages.notify.notification import Notification

# A section of a Slack message holds 3,000 characters, escapes and the link included.
LONGEST_TEXT = 2_400
BULLET = re.compile(r"^\* ", re.MULTILINE)


def custom_notification(told: Notification) -> dict[str, Any]:
    """The document to publish; messages about one run or execution share a thread."""
    where = [told.link] if told.link and told.link not in told.text else []
    return {
        "version": "1.0",
        "source": "custom",
        "id": told.id,
        "content": {
            "textType": "client-markdown",
            "title": f"[{told.environment}] {_plain(told.title)}",
            "description": "\n\n".join([_bounded(told.text), *where]),
            "nextSteps": [f"`{each}`" if each.startswith(("trainyard ", "aws ")) else each for each in told.next_steps],
            "keywords": ["trainyard", told.environment, told.outcome],
        },
        "metadata": {
            "threadId": f"{told.environment}/{told.subject}",
            "summary": told.title,
            "eventType": told.outcome,
            "relatedResources": told.resources,
            "additionalContext": {name.replace(" ", "_"): value for name, value in told.facts.items()},
        },
    }


def _bounded(text: str) -> str:
    """The whole lines that fit, with bullets instead of asterisks, which would begin bold type."""
    kept, lines = 0, text.splitlines()
    for each in lines:
        if kept + len(each) + 1 > LONGEST_TEXT:
            break
        kept += len(each) + 1
    shown = text if kept >= len(text) else f"{text[: kept or LONGEST_TEXT].rstrip()}\n..."
    return _plain(BULLET.sub("• ", shown))


def _plain(text: str) -> str:
    """What a file's cell or a log line says must neither call a whole channel nor look like a link of ours."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
