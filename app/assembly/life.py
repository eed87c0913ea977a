"""What happens from before the first connection until after the last, in its order."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from typing import Final

from nats.aio.client import Client

from app.assembly.house import Fail, House
from app.background import Background
from app.delivery.channels.canary import Canary
from app.delivery.channels.elasticsearch import Elasticsearch
from app.delivery.channels.event import Event
from app.delivery.channels.http import make_session
from app.delivery.channels.webhook import Webhook
from app.delivery.channels.xiezuo import Xiezuo
from app.delivery.egress.policy import Egress
from app.delivery.service import Work
from app.embedded import EmbeddedServer
from app.hooks.secrets import keys
from app.jetstream.broker import Prepare
from app.sources.kubernetes.secrets import KubernetesSecrets

_DRAIN_SECONDS: Final = 12.0  # a little more than one attempt may take
_PUBLISH_SECONDS: Final = 3.0  # what is not done then, the next process does


class Life:
    """Opens, starts and stops the rooms."""

    def __init__(self, house: House, fail: Fail) -> None:
        """Live in a house; `fail` is called where something ends that is not to end."""
        self._house = house
        self._background = Background(fail)

    @property
    def steps(self) -> Sequence[Prepare]:
        """What happens once there is a connection, before anything is read."""
        house = self._house
        return (
            house.core.publisher.listen,
            house.provisioning,
            self._find_keys,
            self._begin,
            house.delivery.respondent.listen,
        )

    @asynccontextmanager
    async def open(self) -> AsyncIterator[None]:
        """What is open from before the first connection until after the last."""
        house, configured = self._house, self._house.core.configured
        embedded = EmbeddedServer(configured.embedded_folder, configured.embedded_port)
        connector = Egress(configured.egress).connector()
        async with house.core.eyes.open(), make_session(connector) as session, house.kubernetes:
            house.core.channels.update(
                webhook=Webhook(session, KubernetesSecrets(house.kubernetes)),
                xiezuo=Xiezuo(session),
                event=Event(house.core.publisher),
                elasticsearch=Elasticsearch(session),
                canary=Canary(house.core.eyes.metrics),
                **house.notifications.channels(session, configured.egress),
            )
            if configured.embedded:
                await embedded.start()
            try:
                yield
            finally:
                await embedded.stop()

    async def stop(self) -> None:
        """Read nothing more, settle what is in hand, give the rest back."""
        house = self._house
        for reader in house.readers:
            await reader.stop()
        await house.tails.close()
        await house.matcher.finish()
        await house.delivery.stop(_DRAIN_SECONDS)
        await self._background.stop()
        if house.cluster is not None:
            await house.cluster.stop(_PUBLISH_SECONDS)
        house.hooks.close()

    async def _find_keys(self, _: Client) -> None:
        found = await self._keys()
        self._house.hooks.sealing.use(found)
        self._house.notifications.sealing.use(found)

    async def _keys(self) -> Sequence[str]:
        core = self._house.core
        given = core.configured.sealing_keys
        if core.configured.embedded:
            return await keys.in_folder(given, core.configured.embedded_folder)
        return await keys.in_nats(given, lambda: core.broker.client)

    async def _begin(self, client: Client) -> None:
        """First what is known of hooks and receivers, then what acts upon it."""
        house, start_all = self._house, self._background.start_all
        start_all(self._following(client))
        await house.hooks.complete()
        await house.notifications.complete()
        for targets in (house.hooks, house.notifications.receivers):
            targets.subscribe(house.delivery.drains.changed_all)
        start_all(self._work(client))

    def _following(self, client: Client) -> Iterator[Work]:
        house = self._house
        if house.token_file is not None:
            yield "watching the access file", house.token_file.watch()
        yield "comparing the streams", house.provisioning.watch(client)
        yield from house.hooks.following()
        yield from house.notifications.following(house.routes_file)

    def _work(self, client: Client) -> Iterator[Work]:
        """What runs beside the readers, in a process with these roles."""
        house, core = self._house, self._house.core
        drains = "delivery" in core.configured.roles
        yield from house.delivery.work(client, drains=drains)
        if drains:
            yield "replaying", house.hooks.replayer(core.publisher, house.delivery.drains.wake).run()
        yield from core.eyes.work(client, core.publisher)
        if house.cluster is not None and "watch" in core.configured.roles:
            yield from house.cluster.work()
