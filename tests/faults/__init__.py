"""Fault runs: real processes, killed and cut off under load, and a checker of what became of each text."""
