"""The probe against real sockets that misbehave in every way a starting, dying or foreign service does."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from phoenix.clock import SystemClock
from phoenix.execute.probe import LARGEST, probe
from phoenix.wait import Look, Verdict
from tests.support.real.ports import free_port

CLOCK = SystemClock()


@contextmanager
def speaking(speak: Callable[[socket.socket, threading.Event], None]) -> Iterator[str]:
    """A server that treats its one client with `speak`, which may wait for the test's end."""
    over = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            connection, _address = server.accept()
            with connection:
                try:
                    speak(connection, over)
                except OSError:
                    return

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.getsockname()[1]}/healthz?full=1"
        finally:
            over.set()
            thread.join()


def answering(text: bytes) -> Callable[[socket.socket, threading.Event], None]:
    def speak(connection: socket.socket, _over: threading.Event) -> None:
        connection.recv(65536)
        connection.sendall(text)

    return speak


def silent(_connection: socket.socket, over: threading.Event) -> None:
    over.wait()


def status(code: int) -> bytes:
    return b"HTTP/1.1 %d Whatever\r\nContent-Length: 2\r\n\r\nok" % code


@pytest.mark.parametrize(
    ("code", "wanted", "verdict"),
    [
        (200, 200, Verdict.PASS),
        (503, 503, Verdict.PASS),
        (204, 200, Verdict.FAIL),
        (301, 200, Verdict.FAIL),
        (404, 200, Verdict.FAIL),
        (200, 204, Verdict.FAIL),
        (429, 200, Verdict.UNKNOWN),
        (500, 200, Verdict.UNKNOWN),
        (503, 200, Verdict.UNKNOWN),
    ],
)
def test_the_status_decides(code: int, wanted: int, verdict: Verdict) -> None:
    with speaking(answering(status(code))) as url:
        assert probe(url, clock=CLOCK, status=wanted) == Look(verdict=verdict, seen=f"{url} answers {code}")


def test_a_redirect_is_told_with_where_it_leads() -> None:
    with speaking(answering(b"HTTP/1.1 302 Found\r\nLocation: /login?next=/\r\nContent-Length: 0\r\n\r\n")) as url:
        look = probe(url, clock=CLOCK)
    assert look == Look(verdict=Verdict.FAIL, seen=f"{url} answers 302, to /login?next=/")


def test_it_asks_for_exactly_the_address() -> None:
    heard: list[bytes] = []

    def speak(connection: socket.socket, _over: threading.Event) -> None:
        heard.append(connection.recv(65536))
        connection.sendall(status(200))

    with speaking(speak) as url:
        assert probe(url, clock=CLOCK).verdict is Verdict.PASS
    host = url.removeprefix("http://").partition("/")[0].encode()
    assert heard[0].startswith(b"GET /healthz?full=1 HTTP/1.1\r\nHost: " + host + b"\r\n")


def test_refused_is_unknown() -> None:
    look = probe(f"http://127.0.0.1:{free_port()}", clock=CLOCK)
    assert look.verdict is Verdict.UNKNOWN
    assert "refused" in look.seen


def test_reset_is_unknown() -> None:
    def speak(connection: socket.socket, _over: threading.Event) -> None:
        connection.recv(1)  # the rest stays unread: closing resets

    with speaking(speak) as url:
        look = probe(url, clock=CLOCK)
    assert look.verdict is Verdict.UNKNOWN
    assert "reset" in look.seen


@pytest.mark.parametrize("text", [b"", b"HTTP/1.1 200 OK\r\nContent-Len", b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n"])
def test_half_a_head_is_unknown(text: bytes) -> None:
    with speaking(answering(text)) as url:
        look = probe(url, clock=CLOCK)
    assert look.verdict is Verdict.UNKNOWN
    assert "closed" in look.seen


def test_silence_is_unknown_after_the_timeout() -> None:
    with speaking(silent) as url:
        began = CLOCK.monotonic()
        look = probe(url, clock=CLOCK, timeout=0.2)
        took = CLOCK.monotonic() - began
    assert look == Look(verdict=Verdict.UNKNOWN, seen=f"{url}: no answer within 0.2 s")
    assert took >= 0.2


def test_dripping_does_not_outlast_the_timeout() -> None:
    def speak(connection: socket.socket, over: threading.Event) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\n")
        while not over.wait(0.02):
            connection.sendall(b"X: y\r\n")

    with speaking(speak) as url:
        began = CLOCK.monotonic()
        look = probe(url, clock=CLOCK, timeout=0.3)
        took = CLOCK.monotonic() - began
    assert look.verdict is Verdict.UNKNOWN
    assert took >= 0.3


@pytest.mark.parametrize(
    "text", [b"SSH-2.0-OpenSSH_9.2\r\n", b"\x15\x03\x01\x00\x02\x02\x16", b"HTTP/1.1 fine\r\n\r\n"]
)
def test_another_language_is_certain(text: bytes) -> None:
    def speak(connection: socket.socket, over: threading.Event) -> None:
        connection.sendall(text)
        over.wait()

    with speaking(speak) as url:
        look = probe(url, clock=CLOCK)
    assert look.verdict is Verdict.FAIL
    assert "no HTTP answer" in look.seen


@pytest.mark.parametrize("size", [LARGEST - 100, LARGEST, LARGEST + 1, 140 * 1024, 300 * 1024 * 1024])
@pytest.mark.parametrize(("code", "verdict"), [(200, Verdict.PASS), (404, Verdict.FAIL)])
def test_a_body_of_any_size_decides_nothing(size: int, code: int, verdict: Verdict) -> None:
    sent: list[int] = []

    def speak(connection: socket.socket, _over: threading.Event) -> None:
        connection.recv(65536)
        connection.sendall(b"HTTP/1.1 %d Whatever\r\nContent-Length: %d\r\n\r\n" % (code, size))
        block = b"x" * 65536
        while sum(sent) < size:
            sent.append(connection.send(block[: size - sum(sent)]))

    with speaking(speak) as url:
        assert probe(url, clock=CLOCK) == Look(verdict=verdict, seen=f"{url} answers {code}")
    assert sum(sent) < 32 * 1024 * 1024, "it is not read to its end"


def test_a_body_that_never_comes_decides_nothing() -> None:
    def speak(connection: socket.socket, over: threading.Event) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nok")
        over.wait()

    with speaking(speak) as url:
        assert probe(url, clock=CLOCK).verdict is Verdict.PASS


def test_endless_headers_are_not_read_to_their_end() -> None:
    def speak(connection: socket.socket, over: threading.Event) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\nX-Long: ")
        while not over.is_set():
            connection.sendall(b"x" * LARGEST)

    with speaking(speak) as url:
        look = probe(url, clock=CLOCK)
    assert look == Look(verdict=Verdict.FAIL, seen=f"{url}: headers of more than {LARGEST} bytes")


@pytest.mark.parametrize(
    "url", ["ftp://127.0.0.1/", "127.0.0.1:80", "http://", "http://127.0.0.1:many/", "http://[::1"]
)
def test_what_is_no_http_address_fails(url: str) -> None:
    assert probe(url, clock=CLOCK).verdict is Verdict.FAIL


def test_an_unknown_host_is_unknown() -> None:
    assert probe("http://nowhere.invalid/", clock=CLOCK).verdict is Verdict.UNKNOWN


def test_headers_are_sent_beside_the_name_that_is_asked_for() -> None:
    heard: list[bytes] = []

    def speak(connection: socket.socket, _over: threading.Event) -> None:
        heard.append(connection.recv(65536))
        connection.sendall(status(200))

    with speaking(speak) as url:
        assert probe(url, clock=CLOCK, headers=(("X-Group", "web-v002"),)).verdict is Verdict.PASS
    assert b"\r\nX-Group: web-v002\r\n" in heard[0]


def test_an_answer_that_is_announced_first_and_sent_in_chunks() -> None:
    text = b"HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n"
    with speaking(answering(text)) as url:
        assert probe(url, clock=CLOCK).verdict is Verdict.PASS


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate for `localhost` that signs itself, with its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    file = tmp_path_factory.mktemp("tls") / "localhost.pem"
    encoded = serialization.Encoding.PEM
    plain = key.private_bytes(encoded, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    file.write_bytes(plain + made.public_bytes(encoded))
    return file


def over_tls(certificate: Path, heard: list[str | None]) -> Callable[[socket.socket, threading.Event], None]:
    """Answers 200 over TLS, and hears by which name it is asked."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    context.sni_callback = lambda _socket, name, _context: heard.append(name)

    def speak(connection: socket.socket, _over: threading.Event) -> None:
        with context.wrap_socket(connection, server_side=True) as inside:
            heard.append(inside.recv(65536).decode())
            inside.sendall(status(200))

    return speak


def test_over_tls_it_asks_by_the_name_of_the_balancer(certificate: Path) -> None:
    heard: list[str | None] = []
    trust = ssl.create_default_context(cafile=str(certificate))
    with speaking(over_tls(certificate, heard)) as url:
        port = urlsplit(url).port
        look = probe(f"https://localhost:{port}/healthz", clock=CLOCK, trust=trust)
    assert look == Look(verdict=Verdict.PASS, seen=f"https://localhost:{port}/healthz answers 200")
    name, asked = heard
    assert name == "localhost"
    assert asked
    assert asked.startswith(f"GET /healthz HTTP/1.1\r\nHost: localhost:{port}\r\n")


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1"], ids=["of-nobody-we-know", "for-another-name"])
def test_a_certificate_that_is_not_trusted_is_certain(certificate: Path, host: str) -> None:
    trust = ssl.create_default_context(cafile=str(certificate)) if host != "localhost" else None
    with speaking(over_tls(certificate, [])) as url:
        look = probe(f"https://{host}:{urlsplit(url).port}/", clock=CLOCK, trust=trust)
    assert look.verdict is Verdict.FAIL
    assert "certificate is not trusted" in look.seen


def test_who_does_not_speak_tls_is_unknown_or_fails_and_never_passes() -> None:
    with speaking(answering(status(200))) as url:
        look = probe(url.replace("http://", "https://"), clock=CLOCK, timeout=2.0)
    assert look.verdict is Verdict.UNKNOWN
