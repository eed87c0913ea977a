"""EventHooks: which events go where.

`hook.py` is the resource, `match.py` and `index.py` find the hooks of an event (pure), `registry.py` keeps them in a
key-value bucket that every replica follows, `subscribe.py` reads the stream and hands matches to delivery.
"""
