"""The whole product on one screen: the rooms are made, live, and are served through one door.

faststream run app.main:app
"""

from __future__ import annotations

import sys
from functools import partial

from app import announcement, settings
from app.assembly.door import make_door
from app.assembly.house import VERSION, make_house
from app.assembly.life import Life
from app.asyncapi import EventCatalog
from app.departure import Departure
from app.errors import ConfigurationError
from app.server import OpsApplication
from app.settings import Settings


def create_app(configured: Settings) -> OpsApplication:
    """Make the application. Nothing is opened, started or connected before it runs."""

    def fail(reason: str) -> None:
        app.fail(reason)

    house = make_house(configured, fail)
    life, broker = Life(house, fail), house.core.broker
    app = OpsApplication(
        broker,
        logger=None,
        specification=EventCatalog(title="Ops events", version=VERSION),
        lifespan=life.open,
        after_startup=[lambda: _announce(configured, app)],
        on_shutdown=[life.stop],
    )
    app.leaving, app.departure = house.tails.shut, Departure(configured.shutdown_delay)
    app.log_settings = configured.log_settings(house.core.eyes.metrics.logged)
    app.inner = make_door(house, app.departure, lambda: app.schema.to_specification().to_json())
    broker.steps = life.steps
    broker.lost = partial(fail, "the connection to NATS ended for good")
    return app


def _announce(configured: Settings, app: OpsApplication) -> None:
    announcement.show(app.address, configured.where_nats_is, guarded=configured.is_guarded)


def _make() -> OpsApplication:
    try:
        return create_app(settings.load())
    except ConfigurationError as error:
        sys.exit(f"ops-events cannot start: {error}")


app = _make()
