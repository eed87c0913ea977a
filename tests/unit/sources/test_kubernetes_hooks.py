"""What a watch tells of EventHooks reaches the mirror as what it is."""

from __future__ import annotations

from collections.abc import Sequence

from app.sources.kubernetes.change import Change, Follower, Object
from app.sources.kubernetes.hooks import HookFollower


class Mirror:
    """Notes what it is told."""

    def __init__(self) -> None:
        self.told: list[tuple[str, object]] = []

    def begin(self) -> None:
        self.told.append(("begin", None))

    async def listed(self, resources: Sequence[Object]) -> None:
        self.told.append(("listed", resources))

    def synced(self, version: str) -> None:
        self.told.append(("synced", version))

    async def changed(self, resource: Object) -> None:
        self.told.append(("changed", resource))

    def deleted(self, resource: Object) -> None:
        self.told.append(("deleted", resource))

    def reached(self, version: str) -> None:
        self.told.append(("reached", version))


async def test_each_call_of_the_watch_is_handed_on() -> None:
    mirror, one = Mirror(), {"metadata": {"name": "one"}}
    follower: Follower = HookFollower(mirror)

    assert await follower.since() == "", "what is there now is all that matters"
    await follower.begin(known=False)
    await follower.listed([one], "5")
    await follower.synced("5")
    await follower.changed(Change("ADDED", one))
    await follower.changed(Change("MODIFIED", one))
    await follower.changed(Change("DELETED", one))
    await follower.reached("9")

    assert mirror.told == [
        ("begin", None),
        ("listed", [one]),
        ("synced", "5"),
        ("changed", one),
        ("changed", one),
        ("deleted", one),
        ("reached", "9"),
    ]
