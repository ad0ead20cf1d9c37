"""``doctor``: what an API says to browsers by itself, what is wrong with that, and what would be right.

A handful of requests with safe methods is sent to an API that may belong to anybody, so each is
announced before it is sent, and none of them reads more than a head. What comes back is judged by
the browser's rules (``cors.browser``); what is sent next, what is wrong and what is proposed is
decided without a socket. Only ``asking`` has one.
"""
