"""Erlang B and C: how long people wait for one of n agents when messages arrive at a steady rate.

Only the formulas, for one steady half hour. When they mislead, and what is used then, is in `engine.backlog`.
Loads are in erlangs: arrivals per second times seconds of handling, the agents kept busy on average.
"""

from math import exp, inf


def erlang_b(servers: int, load: float) -> float:
    """Work out the share of arrivals that find all servers busy when nobody waits.

    By the recursion B(n) = A·B(n-1) / (n + A·B(n-1)), B(0) = 1, which neither overflows nor cancels (Jagerman,
    "Some properties of the Erlang loss function", Bell System Technical Journal 53, 1974). `load` in erlangs.
    """
    blocked = 1.0
    for n in range(1, servers + 1):
        blocked = load * blocked / (n + load * blocked)
    return blocked


def erlang_c(servers: int, load: float) -> float:
    """Work out the share of arrivals that must wait. 1 when the load is all that the servers can do, or more.

    C = n·B / (n - A·(1 - B)); Erlang 1917, as in Gross and Harris, "Fundamentals of Queueing Theory", M/M/c.
    """
    return _waiting(servers, load, erlang_b(servers, load))


def _waiting(servers: int, load: float, blocked: float) -> float:
    if load <= 0:
        return 0.0
    if servers <= load:
        return 1.0
    return servers * blocked / (servers - load * (1 - blocked))


def service_level(servers: int, load: float, handling_s: float, within_s: float) -> float:
    """Work out the share taken up within `within_s` seconds of waiting. 0 where the queue grows without end.

    1 - C·exp(-(n - A)·T / handling).
    """
    return _level(servers, load, handling_s, within_s, erlang_c(servers, load))


def _level(servers: int, load: float, handling_s: float, within_s: float, waiting: float) -> float:
    if load <= 0:
        return 1.0
    if servers <= load:
        return 0.0
    return 1 - waiting * exp(-(servers - load) * within_s / handling_s)


def speed_of_answer(servers: int, load: float, handling_s: float) -> float:
    """Work out the mean wait in seconds, over all arrivals: C·handling / (n - A). Infinite where the queue grows."""
    if load <= 0:
        return 0.0
    if servers <= load:
        return inf
    return erlang_c(servers, load) * handling_s / (servers - load)


def occupancy(servers: int, load: float) -> float:
    """Work out the share of the time that a server is busy, at most 1."""
    if load <= 0:
        return 0.0
    return min(1.0, load / servers) if servers else 1.0


def servers_needed(load: float, handling_s: float, within_s: float, share: float, busy_at_most: float = 1.0) -> int:
    """Find the fewest servers that take up `share` of the arrivals within `within_s` seconds.

    `share` below 1; `busy_at_most` is the highest occupancy allowed. 0 when nothing arrives.
    """
    if load <= 0:
        return 0
    servers, blocked = 0, 1.0
    while True:
        servers += 1
        blocked = load * blocked / (servers + load * blocked)
        if servers <= load or load > servers * busy_at_most:
            continue
        if _level(servers, load, handling_s, within_s, _waiting(servers, load, blocked)) >= share:
            return servers
