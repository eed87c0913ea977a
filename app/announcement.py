"""What the terminal says once the app is ready."""

from __future__ import annotations

import sys


def show(address: str, nats: str, *, guarded: bool) -> None:
    sys.stdout.write(text(address, nats, guarded=guarded))
    sys.stdout.flush()


def text(address: str, nats: str, *, guarded: bool) -> str:
    """Where the app listens, where its stream is, how to post; `guarded` where it asks for the token."""
    header = ' -H "Authorization: Bearer $SERVER_TOKEN"' if guarded else ""
    return f"""
Ops events is ready at {address}
  stream  {nats}
  docs    {address}/docs (HTTP), {address}/docs/asyncapi (events)

Post a first event:
  curl{header} -d '{{"message": "hello"}}' {address}/api/v1/namespaces/default/events/hello
"""
