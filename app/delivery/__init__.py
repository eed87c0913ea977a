"""Bringing events to endpoints.

The flow, one module a step: a matcher makes a `Delivery` (`delivery.py`); `dispatch.py` finds room for it and calls
`attempt.py`, which sends it once over a channel (`channels/`) and says how it went (`outcome.py`); `settle.py`
acknowledges the event when each of its deliveries is done, or gives it back for later by the schedule in `retry.py`.
"""
