"""Applications registered with Amazon, as a developer's console would hold them."""

import re
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from plugins.amazon.simulator.access.roles import DIRECT_TO_CONSUMER, INVENTORY_AND_ORDERS, PRODUCT_LISTING

# Amazon's page "Rotate your LWA client secret": after that the secret is refused.
SECRET_LIFE = timedelta(days=180)
# Stands for whatever port a newcomer's panel listens on; a real registration names each URI.
_LOCAL_PANEL = re.compile(
    r"http://(127\.0\.0\.1:\d+/(?:[^?#]*/)?authorized|localhost(:\d+)?/(?:[^?#]*/)?amazon/authorized)"
)


@dataclass
class Application:
    """One registered application.

    `secrets` are all valid, the newest last; those in `expiring` until the time noted there, which is the end of their
    life, or earlier after a rotation.
    `rotation_notices`: whether the application is enrolled for the notice that carries a new secret.
    """

    id: str
    name: str
    client_id: str
    secrets: list[str]
    roles: list[str]
    redirect_uris: list[str] = field(default_factory=list)
    local_panels: bool = False
    login_uri: str | None = None
    draft: bool = False
    expiring: dict[str, datetime] = field(default_factory=dict)
    rotation_notices: bool = True

    def rotate(self, secret: str, now: datetime, old_until: datetime) -> None:
        """A new secret is issued `now`; those before it stay valid until `old_until`, or their own earlier end.

        Raises:
            ValueError: the secret is empty or no new one.
        """
        if not secret or secret in self.secrets:
            raise ValueError("a new secret must differ from those before it")
        for old in self.secrets:
            self.expiring[old] = min(old_until, self.expiring.get(old, old_until))
        self.secrets = [*self.secrets, secret]
        self.expiring[secret] = now + SECRET_LIFE

    def valid_secrets(self, now: datetime) -> list[str]:
        """The secrets that authenticate the application at `now`."""
        return [secret for secret in self.secrets if secret not in self.expiring or now <= self.expiring[secret]]

    def allows_redirect(self, uri: str) -> bool:
        """Whether `uri` is one of the registered redirect URIs."""
        return uri in self.redirect_uris or (self.local_panels and _LOCAL_PANEL.fullmatch(uri) is not None)


def preset_application(now: datetime) -> Application:
    """The one application a fresh simulator knows, its secret issued `now`."""
    secret = "is2-demo-client-secret-0123456789"
    return Application(
        id="amzn1.sp.solution.is2-demo",
        name="IS2 Integration Server",
        client_id="amzn1.application-oa2-client.is2demo",
        secrets=[secret],
        expiring={secret: now + SECRET_LIFE},
        roles=[DIRECT_TO_CONSUMER, INVENTORY_AND_ORDERS, PRODUCT_LISTING],
        local_panels=True,
    )
