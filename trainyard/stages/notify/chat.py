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
CUT_ESCAPE = re.compile(r"&\w*\Z")


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
            "nextSteps": [
                f"`{_plain(each)}`" if each.startswith(("trainyard ", "aws ")) else each for each in told.next_steps
            ],
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
    """The whole lines that fit, escaped, with bullets instead of asterisks, which would begin bold type."""
    escaped = _plain(BULLET.sub("• ", text))
    if len(escaped) <= LONGEST_TEXT:
        return escaped
    start = escaped[: LONGEST_TEXT + 1]
    # A line that is too long by itself is cut, but not inside an escape.
    kept = start.rpartition("\n")[0] or CUT_ESCAPE.sub("", start)
    return f"{kept.rstrip()}\n..."


def _plain(text: str) -> str:
    """What a file's cell or a log line says must neither call a whole channel nor look like a link of ours."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
