"""HTTP messages as bytes: heads, fields, framing, targets, forwarding, cookies, redirects.

RFC 9110, 9112, 7239 and 6265bis.

Everything here is a pure function of what was received: no socket, no clock, no configuration,
and nothing about CORS. *Downstream* is the client's side, *upstream* the API's side.

Field lines arrive already cut by a parser, as pairs of name and value; the strict checks of what
that parser lets pass are made here. Errors are :class:`~cors_gateway.messages.heads.MessageError`
and nothing else, whatever the bytes.
"""
