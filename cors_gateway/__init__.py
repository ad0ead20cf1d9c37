"""A reverse proxy that gives APIs nobody can change the CORS policy that browsers need.

The words used throughout (RFC 9110, RFC 9112 and the Fetch standard; the rest is ours):

* *gateway*: this program. *downstream*: towards the client. *upstream*: towards the API.
* *field*: what users call a header; *field section*: all of them; *content*: the body.
* *request target*: what stands between method and version; *authority*: host and port.
* *connection-specific fields*: those meant for one hop (``Connection``, ``Keep-Alive``, …).
* *preflight*, *actual request*, *CORS check*, *safelisted*: as in the Fetch standard.
* *forbidden*: by the standard. *prohibited*: by this gateway.
* *document → settings → snapshot*: the configuration as text, as checked values, as it runs.
"""

__version__ = "0.1.0"
