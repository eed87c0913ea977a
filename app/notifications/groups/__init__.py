"""What makes one message of many notifications, and keeps it to once.

`waiting.py` puts a notification where it waits, `keeper.py` looks at it when its time has come, `telling.py` decides
what is told, `states.py` keeps what was, `allowance.py` how many messages a receiver may get.
"""
