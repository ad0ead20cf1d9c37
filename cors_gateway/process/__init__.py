"""Processes, signals and sockets: what carries the data plane."""
