"""The demonstration: a legacy API that knows nothing of CORS, and a page on another origin.

``python -m cors_gateway.demo`` serves both on loopback and runs the gateway between them as a
process of its own, by the same command that people use. The demonstration knows the gateway by that
command and by its address alone, and nothing of the gateway knows the demonstration.
"""
