"""What the gateway costs, measured beside others in the same run: ``make bench``.

A *thing* is what is measured: a *peer* (nginx, HAProxy, Caddy, a plain aiohttp proxy, or the gateway) that is set
up for a *scenario* (how many origins and routes, TLS, an access log). It has one CPU for itself; its API and the
load have another. A *workload* is what clients ask for. In each *round* the things take turns, so what disturbs the
machine disturbs all of them; what is told is a ratio within a round, and of those the median.
"""
