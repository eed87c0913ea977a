"""What the terminal says once the app is ready."""

from __future__ import annotations

import sys

from app.settings import Settings


def show(address: str, settings: Settings) -> None:
    sys.stdout.write(text(address, settings))
    sys.stdout.flush()


def text(address: str, settings: Settings) -> str:
    nats = f"embedded, {settings.nats_servers[0]}, files in {settings.embedded_folder}"
    header = " -H 'Authorization: Bearer '$SERVER_TOKEN" if settings.server_token else ""
    return f"""
Ops events is ready at {address}
  stream   {nats if settings.embedded else "at EVENT_ENDPOINT"}
  docs     {address}/docs (HTTP), {address}/docs/asyncapi (events)
  post a first event:
    curl{header} -d '{{"message": "hello"}}' {address}/api/v1/namespaces/default/events/hello
"""
