"""How many messages a receiver gets at most, and what services publish of how many they take. Pure.

What is more comes together as one summary. Where nobody is to be kept from the single ones there is no rate by default:
an incident has a key by which its service finds it again, which a summary has not; a webhook is read by a program; and
a mail server queues.
"""

from __future__ import annotations

from typing import Final, Literal

from pydantic import BaseModel, ConfigDict, Field

from app.notifications.destinations.kinds import Destination, Telegram
from app.notifications.routing.duration import Duration

NONE: Final = "none"  # as people write it, where not even the service's own rate is to hold anything back
Unbounded = Literal["none"]


class Rate(BaseModel):
    """How many messages somebody gets at most; what is more comes together as one summary."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    limit: int = Field(ge=1, le=10_000, description="Messages.")
    per: Duration = Field(default=60.0, ge=1, description="In this time.")


PUBLISHED: Final = {
    # https://open-xz.wps.cn/pages/client/robot/custom-robot: 20 a minute
    "xiezuo": Rate(limit=20, per=60),
    # https://docs.slack.dev/apis/web-api/rate-limits: incoming webhooks 1 a second, and more in a short burst
    "slack": Rate(limit=10, per=10),
    # https://open.feishu.cn/document/client-docs/bot-v3/add-custom-bot: 100 a minute and 5 a second; this keeps both
    "feishu": Rate(limit=5, per=3),
    # https://open.dingtalk.com/document/robots/custom-robot-access: 20 a minute, and else none for ten minutes
    "dingtalk": Rate(limit=20, per=60),
    # https://developer.work.weixin.qq.com/document/path/91770: 20 a minute
    "wecom": Rate(limit=20, per=60),
    # https://learn.microsoft.com/en-us/microsoftteams/platform/webhooks-and-connectors/how-to/add-incoming-webhook: 4/s
    "teams": Rate(limit=4, per=1),
    # https://core.telegram.org/bots/faq: 20 a minute to a group
    "telegram": Rate(limit=20, per=60),
}
_TO_ONE: Final = Rate(limit=10, per=10)  # the same page: 1 a second to a person, and more in a short burst


def published(where: Destination) -> Rate | None:
    """What the service of a destination takes; None where nothing is to be held back by default."""
    if isinstance(where, Telegram) and where.is_a_person:
        return _TO_ONE
    return PUBLISHED.get(where.type)
