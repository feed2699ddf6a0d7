"""Vendors' own client libraries, each in an environment of its own, against the real processes.

`python -m tests.vendors [NAME ...]` makes the environments, runs the scripts and prints the table.
"""
