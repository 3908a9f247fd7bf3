"""The panel as a Flask application."""

from __future__ import annotations

from flask import Flask

from is2_core.clock import Clock, WallClock
from is2_core.platform import Platform
from web import display, errors, kept_form, navigation, security, sessions, typed
from web.audit import actor
from web.limits import limiter


def create_app(platform: Platform, *, session_clock: Clock | None = None) -> Flask:
    """The panel over a platform.

    Args:
        session_clock: what sign-ins age by. It is wall time even where the platform's clock can be moved: a
            session's limits are about the person in front of the browser.
    """
    app = Flask("web")
    app.extensions["is2"] = platform
    actor.init_app(app)
    typed.init_app(app)
    security.init_app(app, platform.config)
    sessions.init_app(app, session_clock or WallClock())
    kept_form.init_app(app)
    display.init_app(app)
    errors.init_app(app)
    navigation.init_app(app)
    limiter.init_app(app, platform.config)
    return app
