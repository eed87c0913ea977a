"""Reading Secrets over real HTTP: what is found, what is missing, how often is asked, and that no value gets out."""

from __future__ import annotations

import asyncio
import logging
import traceback
from pathlib import Path

import pytest

from app.errors import NotFoundError, OpsError, UnavailableError
from app.sources.kubernetes.connection import Connection
from app.sources.kubernetes.secrets import KubernetesSecrets
from tests.kubernetes import ApiServer, Gate, answering

KEY = "whsec_c2VjcmV0LXRoYXQtbm9ib2R5LW1heS1zZWU="


class Clock:
    """Seconds that pass when told."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def secrets(connection: Connection, clock: Clock) -> KubernetesSecrets:
    return KubernetesSecrets(connection, clock)


async def fault_of(secrets: KubernetesSecrets, namespace: str = "ns", name: str = "keys", key: str = "secret") -> str:
    with pytest.raises(OpsError) as raised:
        await secrets(namespace, name, key)
    return f"{type(raised.value).__name__}: {raised.value}"


async def test_the_text_under_a_key_is_read(api: ApiServer, secrets: KubernetesSecrets) -> None:
    api.put_secret("ns", "keys", secret=KEY, other="schlüssel")

    assert await secrets("ns", "keys", "secret") == KEY
    assert await secrets("ns", "keys", "other") == "schlüssel"


async def test_names_with_dots_and_the_same_name_elsewhere_are_told_apart(
    api: ApiServer, secrets: KubernetesSecrets
) -> None:
    api.put_secret("ns", "keys.v1.example", secret="one")
    api.put_secret("other", "keys.v1.example", secret="two")

    assert await secrets("ns", "keys.v1.example", "secret") == "one"
    assert await secrets("other", "keys.v1.example", "secret") == "two"


async def test_a_secret_is_asked_for_once_a_minute_however_many_of_its_keys_are_wanted(
    api: ApiServer, secrets: KubernetesSecrets, clock: Clock
) -> None:
    api.put_secret("ns", "keys", secret="old", other="o")
    for key in ("secret", "other", "secret"):
        await secrets("ns", "keys", key)
    api.put_secret("ns", "keys", secret="new")
    clock.now = 59.9
    assert await secrets("ns", "keys", "secret") == "old"
    assert len(api.requests) == 1

    clock.now = 60.1
    assert await secrets("ns", "keys", "secret") == "new"
    assert len(api.requests) == 2


async def test_those_who_ask_at_the_same_time_share_a_request(api: ApiServer, secrets: KubernetesSecrets) -> None:
    api.put_secret("ns", "keys", secret=KEY)

    assert set(await asyncio.gather(*(secrets("ns", "keys", "secret") for _ in range(100)))) == {KEY}
    assert len(api.requests) == 1


async def test_who_stops_waiting_leaves_the_others_their_answer(api: ApiServer, secrets: KubernetesSecrets) -> None:
    api.put_secret("ns", "keys", secret=KEY)
    api.interrupt = gate = Gate()
    first, second = (asyncio.create_task(secrets("ns", "keys", "secret")) for _ in range(2))
    await asyncio.wait_for(gate.held.wait(), 10)

    first.cancel()
    gate.opened.set()

    assert await second == KEY
    assert first.cancelled()
    assert len(api.requests) == 1


async def test_a_missing_secret_is_told_with_how_to_make_it_and_found_ten_seconds_after_it_is_there(
    api: ApiServer, secrets: KubernetesSecrets, clock: Clock
) -> None:
    missing = "NotFoundError: there is no Secret keys in namespace ns: kubectl -n ns create secret generic keys"
    assert await fault_of(secrets) == missing
    api.put_secret("ns", "keys", secret=KEY)
    clock.now = 9.9
    assert await fault_of(secrets) == missing
    assert len(api.requests) == 1

    clock.now = 10.1
    assert await secrets("ns", "keys", "secret") == KEY


async def test_a_missing_key_is_told_and_other_keys_are_not_named(api: ApiServer, secrets: KubernetesSecrets) -> None:
    api.put_secret("ns", "keys", database_password="s3cret")

    told = await fault_of(secrets)

    assert told.startswith("NotFoundError: Secret keys in namespace ns has no key 'secret': ")
    assert "database_password" not in told


async def test_a_secret_without_data_has_no_key(api: ApiServer, secrets: KubernetesSecrets) -> None:
    api.put_secret("ns", "keys")

    assert "has no key 'secret'" in await fault_of(secrets)


async def test_a_secret_that_was_deleted_is_missing_a_minute_later(
    api: ApiServer, secrets: KubernetesSecrets, clock: Clock
) -> None:
    api.put_secret("ns", "keys", secret=KEY)
    await secrets("ns", "keys", "secret")
    api.delete_secret("ns", "keys")

    clock.now = 61
    assert "there is no Secret" in await fault_of(secrets)


async def test_bytes_that_are_no_text_are_told_and_not_shown(api: ApiServer, secrets: KubernetesSecrets) -> None:
    api.put_secret("ns", "keys", secret=b"\xff\xfes3cret")

    told = await fault_of(secrets)

    assert told.startswith("NotFoundError: ")
    assert "no text" in told
    assert "s3cret" not in told


async def test_a_missing_right_is_told_by_verb_resource_and_namespace(
    api: ApiServer, secrets: KubernetesSecrets, clock: Clock
) -> None:
    api.put_secret("ns", "keys", secret=KEY)
    api.readable = {"elsewhere"}
    told = await fault_of(secrets)
    assert told.startswith("UnavailableError: Secret keys in namespace ns cannot be read: ")
    assert "may not get secrets in namespace ns (403)" in told

    api.readable = {"ns"}
    clock.now = 10.1
    assert await secrets("ns", "keys", "secret") == KEY


@pytest.mark.parametrize(
    ("code", "body", "why"),
    [
        (401, "", "(401)"),
        (429, "too many requests", "answered 429"),
        (500, "etcdserver: leader changed", "answered 500"),
        (503, "<html>", "answered 503"),
        (200, "<html>welcome</html>", "no Kubernetes API"),
        (200, "[]", "no Kubernetes API"),
        (200, '{"kind": "SecretList", "items": []}', "no Kubernetes API"),
        (200, "", "no Kubernetes API"),
    ],
)
async def test_an_api_in_trouble_is_unavailable_and_asked_again_after_ten_seconds(
    api: ApiServer, secrets: KubernetesSecrets, clock: Clock, code: int, body: str, why: str
) -> None:
    api.put_secret("ns", "keys", secret=KEY)
    healthy, api.interrupt = api.interrupt, answering(code, body)
    told = await fault_of(secrets)
    asked = len(api.requests)
    assert told.startswith("UnavailableError: ")
    assert why in told
    assert await fault_of(secrets) == told
    assert len(api.requests) == asked

    api.interrupt = healthy
    clock.now = 10.1
    assert await secrets("ns", "keys", "secret") == KEY


async def test_an_api_that_is_away_is_unavailable(api: ApiServer, secrets: KubernetesSecrets) -> None:
    await api.close()

    assert (await fault_of(secrets)).startswith("UnavailableError: ")


async def test_without_kubernetes_a_secret_is_unavailable() -> None:
    assert "no Kubernetes is configured" in await fault_of(KubernetesSecrets(Connection(None)))


@pytest.mark.parametrize(
    ("namespace", "name"),
    [
        ("ns", ".."),
        ("ns", "."),
        ("ns", ""),
        ("", "keys"),
        ("..", "keys"),
        ("ns", "../configmaps/other"),
        ("ns", "keys?watch=1"),
        ("ns", "keys#"),
        ("ns", "keys%2f"),
        ("kube-system/secrets/x", "keys"),
        ("ns", "Keys"),
        ("ns", "keys\n"),
        ("ns", "a" * 254),
    ],
)
async def test_a_name_that_no_secret_can_have_is_never_asked_for(
    api: ApiServer, secrets: KubernetesSecrets, namespace: str, name: str
) -> None:
    assert (await fault_of(secrets, namespace, name)).startswith("NotFoundError: ")
    assert api.requests == []


async def test_no_value_gets_into_logs_errors_or_reprs(
    api: ApiServer, secrets: KubernetesSecrets, caplog: pytest.LogCaptureFixture, tmp_path: Path
) -> None:
    caplog.set_level(logging.DEBUG)
    api.put_secret("ns", "keys", secret="visible-s3cret", broken=b"visible-s3cret\xff")
    assert await secrets("ns", "keys", "secret") == "visible-s3cret"
    shown = [repr(vars(secrets)), repr(secrets), caplog.text]
    for key in ("missing", "broken"):
        try:
            await secrets("ns", "keys", key)
        except NotFoundError as error:
            shown += ["".join(traceback.TracebackException.from_exception(error).format()), repr(error)]

    assert len(shown) == 7
    for text in shown:
        for value in ("visible-s3cret", "dmlzaWJsZS1zM2NyZXQ", api.token):  # the second is the first in base64
            assert value not in text


async def test_what_was_read_is_not_kept_longer_than_it_is_used(
    api: ApiServer, secrets: KubernetesSecrets, clock: Clock
) -> None:
    for number in range(5):
        api.put_secret("ns", f"keys-{number}", secret=KEY)
        await secrets("ns", f"keys-{number}", "secret")
        clock.now += 30

    assert len(secrets._kept) <= 2


async def test_an_error_of_one_ask_is_not_that_of_another(secrets: KubernetesSecrets) -> None:
    faults = await asyncio.gather(*(secrets("ns", "keys", "secret") for _ in range(3)), return_exceptions=True)

    assert len({id(fault) for fault in faults}) == 3
    assert all(isinstance(fault, NotFoundError) for fault in faults)
    assert not any(isinstance(fault, UnavailableError) for fault in faults)
