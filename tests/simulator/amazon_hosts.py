"""Amazon's host names without Amazon: an HTTPS proxy that answers for them out of a simulator.

A client that knows Amazon's addresses by heart is told of this proxy and of its certificate, two settings that any such
client has for company networks, and runs otherwise unchanged. Hosts that are not Amazon's are refused.
"""

import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlsplit

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

# Host: the part of the simulator that stands for it.
HOSTS = {
    "api.amazon.com": "",
    "sellingpartnerapi-na.amazon.com": "/na",
    "sellingpartnerapi-eu.amazon.com": "/eu",
    "sellingpartnerapi-fe.amazon.com": "/fe",
}


@dataclass(frozen=True)
class AmazonHosts:
    """Where the proxy listens, and what makes a client trust the certificate it shows."""

    proxy: str
    trust: ssl.SSLContext


@contextmanager
def amazon_hosts(simulator: str, folder: Path) -> Iterator[AmazonHosts]:
    """Run the proxy.

    Args:
        simulator: address of the simulator that answers.
        folder: where certificate and key may be put.
    """
    certificate = _self_signed(folder)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)

    class Handler(_Tunnel):
        simulator_at = urlsplit(simulator).netloc
        tls = context

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        trust = ssl.create_default_context(cafile=str(certificate))
        yield AmazonHosts(f"http://127.0.0.1:{server.server_port}", trust)
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class _Tunnel(BaseHTTPRequestHandler):
    """One connection: CONNECT to one of Amazon's hosts, then requests inside TLS."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    simulator_at: str
    tls: ssl.SSLContext
    part: str | None = None

    def do_CONNECT(self) -> None:
        host = self.path.partition(":")[0]
        if host not in HOSTS:
            self.send_error(403, f"{host} is not one of Amazon's hosts")
            return
        self.send_response(200, "Connection established")
        self.end_headers()
        self.connection = self.tls.wrap_socket(self.connection, server_side=True)
        self.rfile, self.wfile = self.connection.makefile("rb"), self.connection.makefile("wb", buffering=0)
        self.part = HOSTS[host]

    def _forward(self) -> None:
        if self.part is None:
            self.send_error(400, "Amazon answers HTTPS only")
            return
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        onward = HTTPConnection(self.simulator_at, timeout=30)
        try:
            onward.request(self.command, self.part + self.path, body or None, dict(self.headers))
            answer = onward.getresponse()
            content = answer.read()
        finally:
            onward.close()
        self.send_response_only(answer.status)
        for name, value in answer.getheaders():
            if name.lower() not in ("content-length", "transfer-encoding", "connection"):
                self.send_header(name, value)
        if answer.status != 204:
            self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _forward

    def finish(self) -> None:
        super().finish()
        # The server closes the socket it accepted; the one inside TLS is another object.
        self.connection.close()

    def log_message(self, *args: object) -> None:
        """Stay silent."""


def _self_signed(folder: Path) -> Path:
    """A file with a new key and a certificate, good for a day, for all of Amazon's hosts."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Simulated Amazon")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(host) for host in HOSTS]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    file = folder / "simulated-amazon.pem"
    file.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        + certificate.public_bytes(serialization.Encoding.PEM)
    )
    return file
