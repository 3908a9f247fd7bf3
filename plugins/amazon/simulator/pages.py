"""HTML pages of the simulator, drawn from its own templates."""

from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from plugins.amazon.simulator.messages import Response

_TEMPLATES = Environment(
    loader=FileSystemLoader(Path(__file__).parent / "templates"), autoescape=True, undefined=StrictUndefined
)

# The addresses of these pages carry `state` and codes: no referrer, as Amazon's authorization page advises.
_HEADERS = {
    "Content-Type": "text/html; charset=utf-8",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; frame-ancestors 'none'",
}


def page(template: str, status: int = 200, **values: Any) -> Response:
    """The named template as an answer."""
    body = _TEMPLATES.get_template(template).render(**values)
    return Response(status, dict(_HEADERS), body.encode("utf-8"))


def problem(status: int, title: str, message: str, code: str | None = None) -> Response:
    """An error page; `code` is Amazon's own error code, such as MD1000."""
    return page("problem.html", status, title=title, message=message, code=code)


def redirect(address: str) -> Response:
    """Send the browser on with a GET."""
    return Response(303, {"Location": address, "Referrer-Policy": "no-referrer", "Cache-Control": "no-store"})
