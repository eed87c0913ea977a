"""A webhook of anybody's: a POST of JSON."""

from __future__ import annotations

import datetime as dt

from app.notifications.formats.notice import Notice
from app.notifications.formats.request import Request, request


def message(url: str, notice: Notice, now: float) -> Request:
    """The request at `now`, Unix seconds."""
    body = {
        "title": notice.title,
        "message": notice.message,
        "severity": notice.severity,
        "status": "resolved" if notice.resolved else "firing",
        "link": notice.link,
        "key": notice.key,
        "source": notice.source,
        "fields": dict(notice.fields),
        "timestamp": dt.datetime.fromtimestamp(now, dt.UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
    }
    return request(url, body)
