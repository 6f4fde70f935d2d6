"""Codat's API at the edge: requests, transports, answers."""
