"""The consent page's error codes, and what somebody has to do about each.

Source: the pages "Authorization Errors" (MD1000, MD5101) and "SP-API Errors FAQ" (MD9000); MD9999 is known from
developers' reports (selling-partner-api-models issue 2763), the others stand in third-party lists only.
"""

from __future__ import annotations

import re

from plugins.amazon.errors import one_line
from plugins.interface import SettingsError

START_AGAIN = "Please start the installation again."

_CODE = re.compile(r"\b(?:MD|SPDC)\d{4}\b")
_REGISTRATION = (
    "Amazon does not accept the request of the warehouse's application. The warehouse has to check its application ID, "
    "its addresses at Amazon and whether it is still a draft there; then start the installation again."
)
_SENTENCES = {
    "MD1000": "Amazon has not published the warehouse's application yet. The warehouse has to set Application is a "
    "draft to Yes; then start the installation again.",
    "MD5101": "Amazon does not know the address it should send you back to. The warehouse has to register this "
    "address as a redirect URI of its application; then start the installation again.",
    "MD5110": "Amazon does not take the address it should send you back to, because it holds a # sign. The warehouse "
    "has to correct the redirect URI of its application; then start the installation again.",
    "MD9000": "Amazon takes no further stores for the warehouse's application at the moment. Please contact the "
    "warehouse.",
    "MD9100": _REGISTRATION,
    "MD9999": _REGISTRATION,
    "SPDC8143": "Only the primary user of an Amazon seller account can connect it. Sign in to Seller Central as that "
    "user and start the installation again.",
}


def consent_error(error: str, description: str) -> SettingsError:
    """The message for an `error` that Amazon sent the browser back with.

    Args:
        description: Amazon's own words beside it, "" where there are none.
    """
    if error == "access_denied":
        return SettingsError(
            "You chose Cancel at Amazon, so nothing was connected. Start again whenever you like.", code="CANCELLED"
        )
    detail = f"consent answered {one_line(f'{error} {description}')}"
    found = _CODE.search(f"{error} {description}")
    if found is not None and found[0] in _SENTENCES:
        return SettingsError(_SENTENCES[found[0]], detail=detail, code=found[0])
    return SettingsError(f"Amazon did not connect the store. {START_AGAIN}", detail=detail, code="CONSENT_FAILED")
