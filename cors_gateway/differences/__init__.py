"""What changes when one configuration takes the place of another, in words for people.

A reload writes it to the log, and ``cors-gateway diff`` prints it. What matters most is whether
somebody may do afterwards what nobody could before.
"""
