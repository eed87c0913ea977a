"""What the room has besides where there is Kubernetes: hooks are custom resources there. Made by `main.py`."""

from __future__ import annotations

from collections.abc import Iterator

from app.delivery.ledger.figures import FiguresReader
from app.delivery.ledger.statistics import StatisticsReader
from app.delivery.service import Work
from app.hooks.kubernetes.adoption import Adoption
from app.hooks.kubernetes.api import HookObjects
from app.hooks.kubernetes.copyist import Copyist
from app.hooks.kubernetes.mirroring import Mirroring
from app.hooks.kubernetes.originals import Originals
from app.hooks.kubernetes.reporter import StatusReporter
from app.hooks.kubernetes.resources import CustomHooks
from app.hooks.kubernetes.standing import Standing
from app.hooks.service import HookService


class CustomHookService:
    """Keeps the registry like the custom resources, and them told how they do."""

    def __init__(self, hooks: HookService, objects: HookObjects, namespace: str = "") -> None:
        """Make it, before the hooks are followed; with a namespace, for the hooks of that one only."""
        originals = Originals(namespace)
        copyist = Copyist(hooks.registry, hooks.pauses, originals, Adoption(objects))
        figures = FiguresReader(hooks.reader, StatisticsReader(hooks.reader).backlog)
        standing = Standing(hooks.registry, hooks.pauses, figures, hooks.targets.masked)
        self.mirroring = Mirroring(hooks.registry, copyist, objects, originals)
        self.reporter = StatusReporter(originals, standing, objects)
        self.resources = CustomHooks(objects, self.mirroring, hooks.pauses)

    def work(self) -> Iterator[Work]:
        """What runs beside; the mirroring begins once the registry has been read."""
        yield "mirroring the hooks", self.mirroring.run()
        yield "reporting the status of hooks", self.reporter.run()
