"""Refusals of Amazon S3, which stands behind every presigned address: XML, not JSON."""

from xml.sax.saxutils import escape

from plugins.amazon.simulator.messages import Response


def s3_error(status: int, code: str, message: str) -> Response:
    """One error as S3 words it."""
    error = f"<Error><Code>{code}</Code><Message>{escape(message)}</Message></Error>"
    body = f'<?xml version="1.0" encoding="UTF-8"?>\n{error}'.encode()
    return Response(status, {"Content-Type": "application/xml"}, body)
