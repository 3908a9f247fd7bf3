"""How each of Amazon's services words a refusal."""

from plugins.amazon.simulator.access.lwa import oauth_error
from plugins.amazon.simulator.feeds.s3 import s3_error
from plugins.amazon.simulator.messages import ApiError, Response
from plugins.amazon.simulator.operations import OPERATIONS, Operation
from plugins.amazon.simulator.pages import problem as problem_page

# Calls beside the Selling Partner API, as the call log names them.
TOKEN, CONSENT = "token", "consent"
UPLOAD, DOWNLOAD, CUSTOMIZATION = "uploadDocument", "downloadDocument", "downloadCustomization"
_STORED = (UPLOAD, DOWNLOAD, CUSTOMIZATION)
OUTSIDE = (TOKEN, CONSENT, *_STORED)

# The codes in the examples of the model files; all others have InvalidInput.
_BAD_PARAMETER = {"listingsItems_2021-08-01": "BAD_REQUEST", "tokens_2021-03-01": "InvalidRequest"}
# ordersV0.json knows no 415 for this operation.
_WITHOUT_415 = frozenset({"confirmShipment"})
_S3_CODES = {400: "InvalidRequest", 429: "SlowDown", 500: "InternalError", 503: "ServiceUnavailable"}
# RFC 6749 names these two. What Login with Amazon answers to too many calls is published nowhere (unverified).
_OAUTH_CODES = {400: "invalid_request", 429: "temporarily_unavailable", 503: "temporarily_unavailable"}


def bad_parameter(operation: Operation, message: str, details: str = "") -> ApiError:
    """400 for a request that the operation cannot take."""
    return ApiError(400, _BAD_PARAMETER.get(operation.model or "", "InvalidInput"), message, details)


def wrong_media_type(operation: Operation) -> ApiError:
    """A body that is not declared as JSON."""
    message = "The body must be application/json."
    if operation.name in _WITHOUT_415:
        return bad_parameter(operation, message)
    return ApiError(415, "UnsupportedMediaType", message)


def refused(operation: str, status: int, code: str, message: str) -> Response:
    """The answer of the service behind a call, named as in the call log; `code` is the Selling Partner API's."""
    if operation == TOKEN:
        return oauth_error(status, _OAUTH_CODES.get(status, "server_error"), message)
    if operation == CONSENT:
        return problem_page(status, "Something went wrong", message)
    if operation in _STORED:
        return s3_error(status, _S3_CODES.get(status, code), message)
    if status == 400:
        return bad_parameter(OPERATIONS[operation], message).response()
    return ApiError(status, code, message).response()
