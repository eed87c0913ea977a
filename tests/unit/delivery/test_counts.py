"""Increments add up until they are brought, and carry the newest failure with them."""

from __future__ import annotations

from app.delivery.ledger.counts import Counts, LastError, totals
from app.delivery.outcome import Answer, Refused, TryLater
from app.jetstream.read import Kept
from tests.unit.delivery.doubles import PROMPTLY
from tests.unit.delivery.ledgers import TARGET, Rig, attempt


class Totals:
    """Reads the newest message of a subject out of a mapping."""

    def __init__(self, **kinds: tuple[bytes, dict[str, str]]) -> None:
        self.kinds = kinds

    async def last(self, stream: str, subject: str) -> Kept | None:
        kind = subject.removeprefix(f"{stream}.").removesuffix(f".{TARGET}").replace("-", "_")
        if kind not in self.kinds:
            return None
        payload, headers = self.kinds[kind]
        return Kept(1, 0.0, headers, len(payload), subject, payload)


def test_what_is_counted_of_a_target_becomes_one_increment() -> None:
    counts = Counts()
    counts.add("delivered", TARGET, 3)
    counts.add("delivered", TARGET)
    counts.add("dead-letters", TARGET)

    assert [(note.subject, note.headers["Nats-Incr"]) for note in counts.take(10)] == [
        (f"ops-counts.delivered.{TARGET}", "+4"),
        (f"ops-counts.dead-letters.{TARGET}", "+1"),
    ]
    assert list(counts.take(10)) == []


def test_the_increments_that_have_waited_longest_are_taken_first() -> None:
    counts = Counts()
    for name in "abc":
        counts.add("delivered", f"hooks.n.{name}")

    assert [note.subject[-1] for note in counts.take(2)] == ["a", "b"]
    assert [note.subject[-1] for note in counts.take(2)] == ["c"]


async def test_attempts_that_failed_are_counted_with_the_newest_failure_masked() -> None:
    rig = Rig(mask=lambda _, text: text.replace("s3cret", "***"))
    rig.ledger.record(attempt(1, TryLater("down")))
    rig.ledger.record(attempt(2, Refused("no s3cret größer", Answer(400))))
    rig.ledger.record(attempt(3))
    await rig.ledger.close(PROMPTLY)

    message = next(message for message in rig.stream.messages if message.subject.startswith("ops-counts.failed"))
    assert message.headers["Nats-Incr"] == "+2"
    kept = Totals(failed=(b'{"val":"12"}', dict(message.headers)))
    found = await totals(kept, TARGET)  # type: ignore[arg-type]
    assert found.failed == 12
    assert found.last_error == LastError(2.25, "no *** größer", 400)


async def test_a_failure_survives_increments_that_bring_no_newer_one() -> None:
    counts = Counts()
    counts.add("failed", TARGET, 1, LastError(5.0, "down", None))
    counts.add("failed", TARGET, 1, None)

    (note,) = counts.take(1)
    kept = Totals(failed=(b'{"val":"2"}', dict(note.headers)))
    assert (await totals(kept, TARGET)).last_error == LastError(5.0, "down", None)  # type: ignore[arg-type]


async def test_a_target_that_nobody_has_heard_of_has_no_figures() -> None:
    found = await totals(Totals(), TARGET)  # type: ignore[arg-type]
    assert (found.delivered, found.failed, found.dead_letters, found.last_error) == (0, 0, 0, None)


async def test_each_total_is_read_from_its_own_subject() -> None:
    kept = Totals(delivered=(b'{"val":"7"}', {}), failed=(b'{"val":"8"}', {}), dead_letters=(b'{"val":"9"}', {}))
    found = await totals(kept, TARGET)  # type: ignore[arg-type]
    assert (found.delivered, found.failed, found.dead_letters) == (7, 8, 9)


async def test_a_server_that_does_not_add_up_has_no_totals() -> None:
    assert (await totals(Totals(delivered=(b"", {"Nats-Incr": "+1"})), TARGET)).delivered == 0  # type: ignore[arg-type]
