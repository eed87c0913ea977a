"""The bench: how fast, how late, how large, on real servers, beside a floor that does the least that could do the job.

    python -m tests.bench [NAME …] [--quick]

One module a figure (`ingress.py`, `delivery.py`, `matching.py`, `latency.py`, `memory.py`); `floors.py` holds what they
are compared with, `load.py` and `sink.py` the two ends, `rig.py` the servers between them; `watching.py` has
`apiserver.py` at its beginning, a Kubernetes with the events of `cluster.py`; `tailing.py` has `readers.py` at its end.
Each round of a floor stands beside a round of ours, on servers of the same configuration. A figure below its aim is
printed as such and is no failure: time depends on the machine. An event lost or an answer other than 200 is one.
"""
