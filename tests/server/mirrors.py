"""Processes that keep the registry like the EventHooks of an API server: real watches, a real bucket, no HTTP."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cryptography.fernet import Fernet
from nats.aio.client import Client

from app.hooks.hook import Spec
from app.hooks.kubernetes.service import CustomHookService
from app.hooks.service import HookService
from app.jetstream.ending import end
from app.sources.kubernetes.connection import Connection, KubeConfig
from app.sources.kubernetes.hooks import HookFollower
from app.sources.kubernetes.objects import KubernetesObjects
from app.sources.kubernetes.service import EVENT_HOOKS
from app.sources.kubernetes.watch import Watch
from tests.app import hook
from tests.kubernetes import EVENTHOOKS, ApiServer, Object
from tests.server.buckets import until

KEY = Fernet.generate_key().decode()
URL = "http://ops:hunter2@127.0.0.1:1/x"


@dataclass
class Side:
    """One process."""

    hooks: HookService
    custom: CustomHookService
    objects: KubernetesObjects
    watch: Watch

    def spec(self, name: str = "one", namespace: str = "ns") -> Spec | None:
        """What is in force here."""
        copy = self.hooks.registry.copy(f"{namespace}.{name}")
        return None if copy is None else copy.hook.spec

    def subject(self, name: str = "one", namespace: str = "ns") -> str | None:
        spec = self.spec(name, namespace)
        return None if spec is None else spec.subject

    async def until_in_force(self, subject: str | None, name: str = "one", namespace: str = "ns") -> None:
        await until(lambda: self.subject(name, namespace) == subject)


@contextlib.asynccontextmanager
async def side(
    client: Client, api: ApiServer, folder: Path, *, namespace: str = "", keys: Sequence[str] = (KEY,)
) -> AsyncIterator[Side]:
    """A process, from when it has read both sides."""
    hooks = HookService(lambda: client, 1)
    hooks.sealing.use(keys)
    resource = EVENT_HOOKS.within(namespace)
    async with Connection(KubeConfig(str(api.kubeconfig(folder / "kubeconfig")))) as connection:
        objects = KubernetesObjects(connection, resource)
        custom = CustomHookService(hooks, objects, namespace)
        watch = Watch("EventHooks", connection, [resource], HookFollower(custom.mirroring))
        works = [*(work for _, work in hooks.following()), custom.mirroring.run(), watch.run()]
        tasks = [asyncio.create_task(work) for work in works]
        try:
            async with asyncio.timeout(10):
                await hooks.complete()
                await watch.synced.wait()
            yield Side(hooks, custom, objects, watch)
            assert not any(task.done() for task in tasks), "what runs beside does not end"
        finally:
            await end(tasks)
            hooks.close()


def resource(name: str = "one", subject: str = "ops.a", namespace: str = "ns", **spec: Any) -> Object:
    """An EventHooks resource with a secret in it, as somebody applies it."""
    written = hook(name, spec.pop("url", URL), subject, **spec)
    return {**written, "metadata": {"name": name, "namespace": namespace}}


def change(api: ApiServer, name: str = "one", namespace: str = "ns", **spec: Any) -> Object:
    """Change fields of its spec, as `kubectl edit` does."""
    current = api.get(EVENTHOOKS, namespace, name)
    return api.update(EVENTHOOKS, {**current, "spec": {**current["spec"], **spec}})


async def written(client: Client) -> int:
    """How many writes the bucket of hooks has seen."""
    return (await client.jetstream().stream_info("KV_ops-hooks")).state.last_seq


async def settled(client: Client, api: ApiServer, reached: Callable[[], Awaitable[object]]) -> int:
    """How many writes there are once something has happened, and everybody has had the time to answer to it."""
    await reached()
    while True:
        before = (await written(client), api.version)
        await asyncio.sleep(0.7)  # longer than anybody is in doubt
        if (await written(client), api.version) == before:
            return before[0]
