"""Rules of every answer and every request: headers, cookies, CSRF tokens."""

from __future__ import annotations

from flask import Flask, Response, request
from flask_wtf import CSRFProtect

from is2_core.config import Config

MAX_FORM_BYTES = 2 * 1024 * 1024

# form-action is 'self' alone: Chromium applies it to the redirects that follow a form too, so no form may lead
# straight to a cart. web.install.install shows a page of its own in between.
CONTENT_SECURITY_POLICY = "; ".join(
    (
        "default-src 'self'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data:",
        "object-src 'none'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
        "form-action 'self'",
    )
)
HEADERS = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
}
STRICT_TRANSPORT_SECURITY = "max-age=31536000; includeSubDomains"
STATIC_CACHE = "public, max-age=3600"


def init_app(app: Flask, config: Config) -> None:
    """Set the cookie, the CSRF check and the headers of every answer."""
    plain = config.sends_cookies_in_plaintext
    app.config.update(
        SECRET_KEY=config.session_secret,
        SESSION_COOKIE_NAME="is2" if plain else "__Host-is2",
        SESSION_COOKIE_SECURE=not plain,
        SESSION_COOKIE_HTTPONLY=True,
        # Lax, not Strict: a merchant who comes back from a cart's consent page must still be signed in.
        SESSION_COOKIE_SAMESITE="Lax",
        MAX_CONTENT_LENGTH=MAX_FORM_BYTES,
        # A token is good as long as its session, which ends by itself (web.sessions).
        WTF_CSRF_TIME_LIMIT=None,
        # The strict check wants a Referer, which our own Referrer-Policy forbids the browser to send.
        WTF_CSRF_SSL_STRICT=False,
    )
    CSRFProtect(app)

    @app.after_request
    def add_headers(response: Response) -> Response:
        for name, value in HEADERS.items():
            response.headers.setdefault(name, value)
        if not plain:
            response.headers["Strict-Transport-Security"] = STRICT_TRANSPORT_SECURITY
        is_file = request.endpoint == "static" and response.status_code in (200, 304)
        response.headers["Cache-Control"] = STATIC_CACHE if is_file else "no-store"
        return response
