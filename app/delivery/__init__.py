"""Bringing events to endpoints.

The flow, one module a step: a matcher makes a `Delivery` (`delivery.py`); `dispatch.py` gives it to its target's lane
(`lane.py`), which attempts it over a channel (`channels/`) and tells how it went (`outcome.py`); `settle.py`
acknowledges the event when each of its deliveries is done, or gives it back for later by the schedule in `retry.py`.
"""
