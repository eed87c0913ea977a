"""Which URLs of Apprise are let in. Pure: Apprise itself is an optional extra.

Among what Apprise can do are programs, files and the desktop of this machine. A scheme is let in where it speaks to a
service over HTTPS and no more; mail, and chats that are told natively, have destinations of their own. What a URL may
ask for beside is held to the same: `delivery/egress/threads.py` judges every connection, and nothing reads a file.
"""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import unquote

SCHEMES: Final = frozenset(
    {
        # The URL names the host.
        *("apprises", "barks", "forms", "gotifys", "hassios", "jsons", "matrixs", "mmosts", "nclouds", "nctalks"),
        *("ntfys", "rockets", "signals", "synologys", "xmls"),
        # The service has a host of its own.
        *("clicksend", "d7sms", "discord", "flock", "gchat", "ifttt", "join", "line", "mailgun", "msg91"),
        *("pagertree", "pbul", "pover", "ryver", "sendgrid", "ses", "signl4", "sns", "spike", "splunk", "spush"),
        *("threema", "twilio", "twist", "victorops", "vonage", "webex", "whatsapp", "wxteams", "zulip"),
    }
)

_REFUSED: Final = {
    "template": "reads a file, or another URL",
    "attach": "reads a file, or another URL",
    "attach-as": "is for files",
    "file_url": "reads a file, or another URL",
    "verify": "certificates are always verified",
    "redirect": "redirects are not followed",
    "optional": "a failure would count as a success",
    "retry": "delivery tries again by itself",
    "wait": "delivery tries again by itself",
    "cto": "delivery has limits of its own",
    "rto": "delivery has limits of its own",
    "store": "nothing is kept on disk",
}
_PARAMETER: Final = re.compile(r"[?&;]([^?&;=]*)")


def check(url: str) -> None:
    """Raises: ValueError: it is not let in; the message holds nothing of the URL but the name of a parameter."""
    scheme, colon, rest = url.partition("://")
    if not colon or scheme.lower() not in SCHEMES:
        raise ValueError(f"must be a URL of Apprise with one of the schemes {', '.join(sorted(SCHEMES))}")
    for name in map(_named, (*_PARAMETER.findall(rest), *_PARAMETER.findall(unquote(rest)))):
        if name in _REFUSED:
            raise ValueError(f"must do without the parameter {name}: {_REFUSED[name]}")


def _named(parameter: str) -> str:
    return unquote(parameter).strip().lower()
