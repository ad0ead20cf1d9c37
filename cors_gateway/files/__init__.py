"""Files of a folder as an upstream inside the worker: ``files:`` in place of ``upstream:``.

Everything but opening a file is pure. ``server`` alone imports ``aiohttp.web``; a worker imports it
only where a route has files. This part knows no route, no policy and no proxied byte: it answers
requests that the data plane sends it, as any API would.
"""
