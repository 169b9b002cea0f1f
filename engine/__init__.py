"""DECIDES. Pure Python: no network, no SQL, no clock of its own.

Everything here is a function of its arguments. What the outside must meet is in `ports`.
"""
