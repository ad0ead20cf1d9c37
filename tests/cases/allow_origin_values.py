"""Values of Access-Control-Allow-Origin that are no origin, by what Chromium takes them for."""

__all__ = ["NO_URLS", "URLS"]

URLS = (
    b"localhost:3000",
    b"app.example.com:3000",
    b"https://*.example.com",
    b"https:app.example.com",
    b"https:/app.example.com",
    b"https:\\app.example.com",
    b"https://app.example.com/page?a#b",
    b"https://app.example.com:",
    b"https://app.example.com:0443",
    b"https://[::1]:3000",
    b"https://a%20b",
    b"https://user@app.example.com",
    b"foo:",
    b"mailto:a",
    b"HTTPS://app.example.com",
)
"""Those with a scheme, and the rest of a URL where the scheme is one of the web's."""

NO_URLS = (
    b"app.example.com",
    b"localhost",
    b"127.0.0.1:3000",
    b"//app.example.com",
    b"*.example.com",
    b"https:",
    b"https://",
    b"https:///",
    b"https://:3000",
    b"https://app.example.com:99999",
    b"https://app.example.com:http",
    b"https://[x",
    b"https://[::1]x",
    b"https://a|b",
    b"https://a<b",
    b"://app.example.com",
)
