"""What those who run the gateway ask it: whether it lives, what it does, and why it refused.

An application of its own on a listener of its own. It looks at the gateway through an ``Overview``
and changes nothing but, when it is asked to, what is configured.
"""
