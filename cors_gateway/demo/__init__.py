"""The demonstration: a legacy API that knows nothing of CORS, and a page on another origin.

``cors-gateway demo`` serves both on loopback and runs the gateway between them as a process of its
own, by the same command that people use. The demonstration knows the gateway by that command, by
its addresses and by what its admin listener explains. Of the package it imports ``cors`` alone, for
what a browser would say; nothing but the command that starts it knows the demonstration.
"""
