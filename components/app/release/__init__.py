"""Berth's release program: what a host does to prepare a release, to take it live and back, and to tidy up after it.

It needs Python 3.11 or later and nothing else. `states.py` has the table of all states; `world.py` is all that the
program knows of the world outside. It is read and tested without a host: see test/unit/host-programs.test.ts.
"""
