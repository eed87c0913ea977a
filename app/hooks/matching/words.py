"""Trying the keywords of a hook one by one, for whoever asks why it fired or not. `judge.py` decides for delivery."""

from __future__ import annotations

import asyncio
import time
from concurrent.futures import ThreadPoolExecutor
from math import inf
from typing import Final

from app.delivery.delivery import Received
from app.hooks.hook import Keywords
from app.hooks.matching.judge import LONGEST
from app.hooks.matching.pattern import keyword
from app.hooks.matching.text import Text
from app.hooks.questions.facts import KeywordFacts, WordFacts, keyword_facts

PATIENCE: Final = 5.0  # seconds for all keywords together; those that are left then are undecided
_THREADS: Final = 2  # of their own: those of the judge are for events that are to be delivered


class Words:
    """Tries keywords in threads: an expression may take its time."""

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(_THREADS, "explaining")

    async def found(self, keywords: Keywords, received: Received) -> KeywordFacts:
        """Which of the keywords the readable text of an event holds."""
        return await asyncio.get_running_loop().run_in_executor(self._threads, _found, keywords, received)


def _found(keywords: Keywords, received: Received) -> KeywordFacts:
    text, until = Text(received.text), time.monotonic() + PATIENCE
    include, exclude = (
        [WordFacts(word, _matches(word, keywords.match_type, text, until)) for word in words]
        for words in (keywords.include, keywords.exclude)
    )
    return keyword_facts(include, exclude, keywords.match_mode, keywords.match_type)


def _matches(word: str, match_type: str, text: Text, until: float) -> bool | None:
    if time.monotonic() > until:
        return None
    pattern = keyword(word, match_type)
    if LONGEST < pattern.cost * len(text) < inf:
        return None
    try:
        return pattern.search(text)
    except (TimeoutError, MemoryError):  # `regex` remembers where it may go back to
        return None
