"""The rights of each group are the calls that its processes make: none is missing, and none is too many.

Three processes with the roles of the profile `split` live through everything that makes the app ask the Kubernetes API.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
import nats
import pytest

from streams import live
from tests.app import App, hook
from tests.deploy.manifests import (
    environment,
    kustomized,
    named,
    needs_helm,
    needs_kustomize,
    of_kind,
    pod,
    profile,
    rendered,
)
from tests.deploy.rights import Right, beside, bindings, granted, used
from tests.deploy.values import EVERYTHING
from tests.kubernetes import CORE_EVENTS, EVENTHOOKS, EVENTS, ApiServer
from tests.receiver import Receiver, running_receiver
from tests.servers import NatsServer

HOOKS = "/api/v1/namespaces/default/eventhooks"
GROUPS = ("ingress", "watch", "work")


async def until(reached: Callable[[], bool]) -> None:
    async with asyncio.timeout(60):
        while not reached():  # noqa: ASYNC110 -- other processes give no event here
            await asyncio.sleep(0.02)


@dataclass
class Story:
    """Processes by group, each with an address of the API to itself."""

    folder: Path
    endpoint: str
    receiver: Receiver
    session: aiohttp.ClientSession
    apis: dict[str, ApiServer] = field(default_factory=dict)
    apps: dict[str, App] = field(default_factory=dict)

    def app(self, name: str, roles: str, **environment: str) -> App:
        return App(self.folder / name, {"EVENT_ENDPOINT": self.endpoint, "ROLES": roles, **environment})

    def asked(self, group: str, right: Right) -> bool:
        return right in used(self.apis[group].calls)

    async def http(self, app: App, method: str, path: str, body: Any = None) -> Any:
        async with self.session.request(method, f"{app.url}{path}", json=body) as response:
            assert response.status < 300, await response.text()
            return await response.json()

    async def make_a_hook_before_there_is_kubernetes(self) -> None:
        before = self.app("before", "ingress", KUBERNETES="off")
        try:
            await before.start()
            await self.http(before, "POST", HOOKS, hook("old", self.receiver.url, "ops.old"))
        finally:
            await before.stop()

    async def start(self, stack: AsyncExitStack) -> None:
        first = ApiServer()
        for name, roles in zip(GROUPS, ("ingress", "watch", "hooks,notifications,delivery"), strict=True):
            api = self.apis[name] = beside(first)
            await api.open()
            stack.push_async_callback(api.close)
            kubeconfig = api.kubeconfig(self.folder / f"{name}.kubeconfig")
            app = self.apps[name] = self.app(name, roles, KUBECONFIG=str(kubeconfig))
            stack.push_async_callback(app.stop)
            await app.start()
        await self.watching.until_watching(EVENTS)

    @property
    def watching(self) -> ApiServer:
        return self.apis["watch"]

    async def write_hooks_over_http(self) -> None:
        door = self.apps["ingress"]
        await self.http(door, "POST", HOOKS, hook("new", self.receiver.url, "ops.new"))
        await self.http(door, "GET", HOOKS)
        await self.http(door, "PUT", f"{HOOKS}/new", hook("new", self.receiver.url, "ops.newer"))
        await self.http(door, "GET", f"{HOOKS}/new")
        await self.http(door, "DELETE", f"{HOOKS}/new")

    async def doubt_what_the_registry_knows_first(self) -> None:
        """The registry tells of a hook before the watch does."""
        self.watching.hold_watches()
        await self.http(self.apps["ingress"], "POST", HOOKS, hook("early", self.receiver.url, "ops.early"))
        await until(lambda: self.asked("watch", Right("get", "crd.chenshaowen.com", "eventhooks")))
        self.watching.release_watches()

    async def sign_with_a_secret(self) -> None:
        self.watching.put_secret("default", "keys", hook="whsec_" + "A" * 32)
        signed = hook("signed", self.receiver.url, "ops.signed", options={"secretRef": "keys/hook"})
        await self.http(self.apps["ingress"], "POST", HOOKS, signed)
        await self.http(self.apps["ingress"], "POST", "/api/v1/namespaces/default/events/ops.signed", {"n": 1})
        await until(lambda: any("webhook-signature" in map(str.lower, c.headers) for c in self.receiver.calls))

    async def lose_the_newer_kind_of_events(self) -> None:
        self.watching.uninstall(EVENTS)
        await self.watching.until_watching(CORE_EVENTS)
        self.watching.expire_watches(CORE_EVENTS)
        await until(lambda: self.asked("watch", Right("list", "", "events")))

    async def hear_how_hooks_do(self) -> None:
        await until(lambda: self.asked("watch", Right("patch", "crd.chenshaowen.com", "eventhooks/status")))
        await until(lambda: any(found["metadata"]["name"] == "old" for found in self.watching.objects(EVENTHOOKS)))


@asynccontextmanager
async def told(folder: Path, server: NatsServer) -> AsyncIterator[Story]:
    client = await nats.connect(server.url)
    assert await live.provision(client.jetstream(), 1) == ()
    await client.close()
    async with AsyncExitStack() as stack:
        receiver = await stack.enter_async_context(running_receiver())
        session = await stack.enter_async_context(aiohttp.ClientSession())
        story = Story(folder, server.url, receiver, session)
        await story.make_a_hook_before_there_is_kubernetes()
        await story.start(stack)
        for chapter in (
            story.write_hooks_over_http,
            story.doubt_what_the_registry_knows_first,
            story.sign_with_a_secret,
            story.hear_how_hooks_do,
            story.lose_the_newer_kind_of_events,
        ):
            await chapter()
        yield story


def _with_keys(values: dict[str, Any]) -> dict[str, Any]:
    return {**values, "signingKeys": {"namespaces": ["default"]}}


@needs_helm
async def test_each_group_may_do_what_it_does_and_nothing_else(nats_server: NatsServer, tmp_path: Path) -> None:
    manifests = rendered(_with_keys(profile("split")))
    async with told(tmp_path, nats_server) as story:
        done = {group: used(story.apis[group].calls) for group in GROUPS}
    for group in GROUPS:
        assert sorted(done[group]) == sorted(granted(manifests, f"ops-events-{group}")), group


@needs_helm
def test_a_group_that_does_everything_may_do_what_the_others_may_together() -> None:
    apart, together = rendered(_with_keys(profile("split"))), rendered(_with_keys({}))
    assert granted(together, "ops-events-all") == set().union(
        *(granted(apart, f"ops-events-{group}") for group in GROUPS)
    )


@needs_helm
def test_who_may_ask_nothing_has_no_token() -> None:
    for values in ({}, profile("split"), profile("production"), _with_keys(profile("split")), {"kubernetes": False}):
        manifests = rendered(values)
        for deployment in of_kind(manifests, "Deployment"):
            may = bool(granted(manifests, pod(deployment)["serviceAccountName"]))
            assert pod(deployment)["automountServiceAccountToken"] is may
            assert environment(deployment)["KUBERNETES"] == ("on" if may else "off")


@needs_helm
def test_with_a_namespace_of_its_own_only_events_are_read_everywhere() -> None:
    manifests = rendered(EVERYTHING)
    everywhere = [binding["roleRef"]["name"] for binding in of_kind(manifests, "ClusterRoleBinding")]
    assert everywhere == ["ops-events-events"]
    there = {(b["metadata"]["namespace"], b["roleRef"]["name"]) for b in of_kind(manifests, "RoleBinding")}
    assert there == {
        ("ops", "ops-events-resources"),
        ("ops", "ops-events-hooks"),
        ("team-a", "ops-events-signing-keys"),
        ("team-b", "ops-events-signing-keys"),
    }


@needs_helm
def test_secrets_are_read_only_where_keys_are_said_to_be() -> None:
    assert Right("get", "", "secrets") not in granted(rendered(), "ops-events-all")
    signing = [
        binding
        for binding in bindings(rendered(_with_keys({})), "ops-events-all")
        if binding["roleRef"]["name"] == "ops-events-signing-keys"
    ]
    assert [(binding["kind"], binding["metadata"]["namespace"]) for binding in signing] == [("RoleBinding", "default")]


@needs_kustomize
@pytest.mark.parametrize("folder", ["overlays/all-in-one", "overlays/split"])
def test_every_binding_leads_from_an_account_to_a_role_that_are_there(folder: str) -> None:
    manifests = kustomized(folder)
    for binding in of_kind(manifests, "ClusterRoleBinding"):
        assert named(manifests, "ClusterRole", binding["roleRef"]["name"])
        for subject in binding["subjects"]:
            assert named(manifests, "ServiceAccount", subject["name"])["metadata"]["namespace"] == subject["namespace"]
