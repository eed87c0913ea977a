"""What comes from Kubernetes. `connection.py` is the one way to its API."""
