"""The front door: HTTP in, JSON out.

`operations.py` is the table of what is served; routes and the OpenAPI document are made from it.
"""
