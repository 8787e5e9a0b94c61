"""--web.config.file: what is understood, and what is refused with its line."""

import shutil
import ssl
import subprocess
from pathlib import Path

import pytest

from irqwatch.errors import UsageError
from irqwatch.model.web import Web
from irqwatch.source.web_config import CIPHERS, WebConfigFile, read

HASH = "$2y$10$" + "a" * 53


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "web.yml"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """With cert.pem and key.pem in it."""
    if not shutil.which("openssl"):
        pytest.skip("openssl is not installed")
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
         "-nodes", "-subj", "/CN=x", "-keyout", tmp_path / "key.pem", "-out",
         tmp_path / "cert.pem"],
        check=True, capture_output=True,
    )  # fmt: skip
    return tmp_path


def tls(path: Path, *lines: str) -> ssl.SSLContext:
    text = ["tls_server_config:", "  cert_file: cert.pem", "  key_file: key.pem"]
    path.write_text("\n".join([*text, *(f"  {line}" for line in lines)]))
    found = read(path)[0].tls
    assert found
    return found


def refusal(path: Path, text: str) -> str:
    path.write_text(text)
    with pytest.raises(UsageError) as error:
        read(path)
    assert "\n" not in str(error.value)
    return str(error.value).removeprefix(str(path))


@pytest.mark.parametrize("text", ["", "# nothing\n", "basic_auth_users:\n", "tls_server_config:"])
def test_an_empty_one_is_plain_http_for_all(path: Path, text: str) -> None:
    path.write_text(text)
    assert read(path)[0] == Web()


def test_headers_and_users(path: Path) -> None:
    path.write_text(
        f"http_server_config:\n  http2: true\n  headers:\n    X-Frame-Options: deny\n"
        f"    X-XSS-Protection: ''\nbasic_auth_users:\n  alice: {HASH}\n"
    )
    assert read(path)[0] == Web(
        headers=(("X-Frame-Options", "deny"),), users={"alice": HASH.encode()}
    )


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("a: 1", ", line 1: 'a' is not known here"),
        ("- a", ", line 1: here go lines of name: value"),
        ("\n\nbasic_auth_users: 3", ", line 3: here go lines of name: value"),
        ("basic_auth_users:\n  a: secret", ", line 2: 'a' has no bcrypt hash"),
        ("basic_auth_users:\n  a: x\n  a: x", ", line 3: a is given twice"),
        ("http_server_config: {\n", ", line 2: "),
        ("http_server_config:\n  headers:\n    Set-Cookie: x", ", line 3: 'Set-Cookie' is not"),
        ("http_server_config:\n  headers:\n    X-Frame-Options: all", ", line 3: X-Frame-Options"),
        ('http_server_config:\n  headers:\n    X-XSS-Protection: "a\\r\\nb: c"', ", line 3: X-XSS"),
        ("tls_server_config:\n  key_file: k", ", line 2: cert_file is missing"),
        ("tls_server_config:\n  cert_file: nosuch", ", line 2: "),
        ("rate_limit:\n  burst: 1", ", line 2: rate_limit is not supported"),
        ("[" * 5000, " is no YAML: "),
        ("\x01", " is no YAML: "),
    ],
)
def test_what_is_wrong_is_said_with_its_line(path: Path, text: str, reason: str) -> None:
    assert refusal(path, text).startswith(reason)


def test_file_that_is_not_there(path: Path) -> None:
    with pytest.raises(UsageError, match=r"web.yml cannot be read: No such file"):
        read(path)


def test_tls_by_default(folder: Path, path: Path) -> None:
    context = tls(path)
    assert context.minimum_version == ssl.TLSVersion.TLSv1_2
    assert context.verify_mode == ssl.CERT_NONE


def test_what_tls_may_be(folder: Path, path: Path) -> None:
    name = "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256"
    context = tls(
        path,
        "client_auth_type: RequireAndVerifyClientCert",
        "client_ca_file: cert.pem",
        "min_version: TLS12",
        "max_version: TLS12",
        f"cipher_suites: [{name}, TLS_AES_128_GCM_SHA256]",
        "curve_preferences: [CurveP256]",
    )
    assert context.maximum_version == ssl.TLSVersion.TLSv1_2
    assert context.verify_mode == ssl.CERT_REQUIRED
    of_12 = [one["name"] for one in context.get_ciphers() if one["protocol"] != "TLSv1.3"]
    assert of_12 == [CIPHERS[name]]


@pytest.mark.parametrize("name", CIPHERS)
def test_each_cipher_suite_is_one_of_openssl(folder: Path, path: Path, name: str) -> None:
    assert tls(path, f"cipher_suites: [{name}]")


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("min_version: TLS9", "min_version is one of TLS10, TLS11, TLS12, TLS13"),
        ("client_auth_type: RequireAnyClientCert", "RequireAnyClientCert lets any certificate in"),
        (
            "client_auth_type: RequireAndVerifyClientCert",
            "client_auth_type and client_ca_file need",
        ),
        ("client_ca_file: cert.pem", "client_auth_type and client_ca_file need each other"),
        ("client_allowed_sans: [a]", "client_allowed_sans needs RequireAndVerifyClientCert"),
        ("cipher_suites: [TLS_RSA_WITH_RC4_128_SHA]", "'TLS_RSA_WITH_RC4_128_SHA' is not"),
        ("cipher_suites: AES", "cipher_suites is to be a list"),
        ("curve_preferences: [CurveP256, X25519]", "only one curve can be given"),
        ("cert: x", "cert and cert_file: give one of them"),
    ],
)
def test_what_tls_may_not_be(folder: Path, path: Path, line: str, reason: str) -> None:
    with pytest.raises(UsageError, match=rf", line [234]: {reason.split('[', maxsplit=1)[0]}"):
        tls(path, line)


def test_a_key_that_is_not_the_certificates(folder: Path, path: Path) -> None:
    (folder / "key.pem").write_text((folder / "cert.pem").read_text())
    with pytest.raises(UsageError, match=", line 2: certificate and key: "):
        tls(path)


def test_certificate_and_key_in_the_file_itself(folder: Path, path: Path) -> None:
    lines = ["tls_server_config:"]
    for name in ("cert", "key"):
        lines.append(f"  {name}: |")
        lines += [f"    {line}" for line in (folder / f"{name}.pem").read_text().splitlines()]
    path.write_text("\n".join(lines))
    web, files = read(path)
    assert web.tls and files == [path]


def test_a_change_is_seen_and_a_bad_one_keeps_the_last(path: Path) -> None:
    said: list[str] = []
    path.write_text("")
    config = WebConfigFile(path, said.append)
    assert config.current() == Web() and said == []

    path.write_text(f"basic_auth_users:\n  a: {HASH}\n")
    assert config.current().users == {"a": HASH.encode()}
    path.write_text("basic_auth_users:\n  a: b c d\n")
    assert config.current().users == {"a": HASH.encode()}
    path.unlink()
    assert config.current().users == {"a": HASH.encode()}
    assert config.current().users == {"a": HASH.encode()}
    assert len(said) == 3
    assert ", line 2: " in said[1] and said[1].endswith("what it said before holds on")


def test_a_certificate_that_changed_is_read_again(folder: Path, path: Path) -> None:
    before = tls(path)
    config = WebConfigFile(path, lambda _: None)
    first = config.current().tls
    (folder / "cert.pem").write_text((folder / "cert.pem").read_text() + "\n")
    assert config.current().tls not in (before, first)
