"""The rows of the table for what operators do with hooks: pause, resume, replay, try, ask why."""

from __future__ import annotations

from http import HTTPStatus
from typing import Final

from app.ingress.pauses import PauseEndpoints
from app.ingress.questions import LEAST_HOURS, MOST_HOURS, QuestionEndpoints
from app.ingress.replays import ReplayEndpoints
from app.ingress.table.operations import BAD_BODY, HOOK, NAMESPACE, PAGE, Operation, Query

_REPLAYS: Final = f"{HOOK}/replays"
_REPLAY: Final = f"{_REPLAYS}/{{replay}}"

_WRITING: Final = (HTTPStatus.NOT_FOUND, HTTPStatus.SERVICE_UNAVAILABLE)
_HOURS: Final = Query(
    "hours",
    "How far back the events are looked at.",
    {"type": "number", "minimum": LEAST_HOURS, "maximum": MOST_HOURS, "default": 1},
)
_WHICH: Final = (
    Query("sequence", "The event's place in the stream `ops`; this or `event`.", {"type": "integer", "minimum": 1}),
    Query(
        "event",
        "The event's id; the newest event with it is explained.",
        {"type": "string", "minLength": 1, "maxLength": 1024},
    ),
)


def pause_operations(pauses: PauseEndpoints) -> tuple[Operation, ...]:
    return (
        Operation(
            "POST",
            f"{HOOK}/pause",
            pauses.pause,
            "pauseHook",
            "Stop delivering to a hook; its events are parked until it is resumed.",
            answer="PauseStatus",
            body="PauseRequest",
            body_required=False,
            problems=(*BAD_BODY, HTTPStatus.NOT_FOUND),
        ),
        Operation(
            "POST",
            f"{HOOK}/resume",
            pauses.resume,
            "resumeHook",
            "Deliver again, what is parked first. Whoever paused the hook, and for whatever reason, it goes on.",
            answer="PauseStatus",
            problems=_WRITING,
        ),
    )


def replay_operations(replays: ReplayEndpoints) -> tuple[Operation, ...]:
    return (*_replay_list_operations(replays), *_one_replay_operations(replays))


def _replay_list_operations(replays: ReplayEndpoints) -> tuple[Operation, ...]:
    return (
        Operation(
            "GET",
            _REPLAYS,
            replays.list,
            "listReplays",
            "List a hook's replays of the last week, newest first.",
            answer="ReplayPage",
            query=PAGE,
            problems=(HTTPStatus.BAD_REQUEST, HTTPStatus.NOT_FOUND),
        ),
        Operation(
            "POST",
            _REPLAYS,
            replays.create,
            "createReplay",
            "Bring a hook past events, or its dead letters, once more; one replay of a hook runs at a time.",
            answer="Replay",
            success=HTTPStatus.CREATED,
            body="ReplayRequest",
            problems=(*BAD_BODY, HTTPStatus.NOT_FOUND, HTTPStatus.CONFLICT, HTTPStatus.UNPROCESSABLE_ENTITY),
        ),
    )


def _one_replay_operations(replays: ReplayEndpoints) -> tuple[Operation, ...]:
    return (
        Operation(
            "GET",
            _REPLAY,
            replays.read,
            "readReplay",
            "See how far a replay is.",
            answer="Replay",
            problems=(HTTPStatus.NOT_FOUND,),
        ),
        Operation(
            "DELETE",
            _REPLAY,
            replays.stop,
            "stopReplay",
            "Stop a replay. Of past events, what it has copied is not delivered any more; dead letters that it has"
            " taken still are, for nothing else is left of them.",
            answer="Replay",
            problems=(*_WRITING, HTTPStatus.CONFLICT),
        ),
    )


def question_operations(questions: QuestionEndpoints) -> tuple[Operation, ...]:
    return (
        Operation(
            "POST",
            f"{NAMESPACE}/eventhook-dryruns",
            questions.dry_run,
            "dryRunHook",
            "Try a hook on stored events: what would match, and what would be sent. Nothing is sent or kept.",
            answer="DryRun",
            body="Hook",
            query=(_HOURS,),
            problems=(*BAD_BODY, HTTPStatus.UNPROCESSABLE_ENTITY, HTTPStatus.TOO_MANY_REQUESTS),
        ),
        Operation(
            "GET",
            f"{HOOK}/explain",
            questions.explain,
            "explainEvent",
            "Ask why a hook did or did not fire for an event.",
            answer="Explanation",
            query=_WHICH,
            problems=(HTTPStatus.BAD_REQUEST, *_WRITING, HTTPStatus.TOO_MANY_REQUESTS),
        ),
    )
