"""The data plane: the only place that touches proxied bytes.

A client's connection (``downstream``) reads heads and asks ``plan`` what to do; an ``exchange``
carries out what was planned over a connection to an API (``upstream``) that the ``pool`` finds;
``content`` relays what comes after the heads, and a ``tunnel`` what comes after a 101; ``record`` says at the end what happened. What all
connections of one worker share is the ``plane``.

Nothing here decides: decisions are made in ``plan``, ``failures`` and ``messages``.
"""
