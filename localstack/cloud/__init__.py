"""The local cloud: engine, deployment and the commands that start, stop and query it."""
