"""The canary: a synthetic event which shows that events get through. Pure; why it is as it is stands in decision 29.

It goes to `ops.canary.{cluster}`: of the documented wildcards only `ops.>` sees that, and no hook is fired by it.
"""

from __future__ import annotations

from typing import Final

from app.events import subject

TYPE: Final = "Canary"  # the type of the event, as its data says it

_PREFIX: Final = f"{subject.ROOT}.canary."


def subject_of(cluster: str) -> str:
    """Where a cluster's canary goes."""
    return _PREFIX + subject.encode(cluster)


def is_one(of: str) -> bool:
    """Whether something on a subject is a canary, of whichever cluster: a hub has those of its edges too."""
    return of.startswith(_PREFIX)
