"""What a browser and the gateway do with a request, step by step, and what would change it.

Nothing is decided here. The requests that a browser would send are written down (``question``),
planned and concluded by what serves real ones, judged by ``cors/browser`` (``explanation``), and
put into words (``wording``). For a refusal the smallest change of the configuration is looked for
by making it and asking again (``remedies``).
"""
