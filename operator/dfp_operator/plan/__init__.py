"""From resources and settings to the processes that should run, without I/O.

The plan goes down to `ProcessSpec`. Kubernetes objects and local processes are two renderings of it, so that the two
places cannot drift apart.
"""
