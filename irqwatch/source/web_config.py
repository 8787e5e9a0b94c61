"""``--web.config.file``: the format of Prometheus' exporters (exporter-toolkit,
docs/web-configuration.md), read again when it, or a file that it names, has changed."""

import os
import re
import ssl
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from irqwatch.errors import UsageError
from irqwatch.model.web import Web

MOST_BYTES = 1 << 20

TLS_VERSIONS = {
    "TLS10": ssl.TLSVersion.TLSv1,
    "TLS11": ssl.TLSVersion.TLSv1_1,
    "TLS12": ssl.TLSVersion.TLSv1_2,
    "TLS13": ssl.TLSVersion.TLSv1_3,
}

# The format's names are Go's (crypto/tls.CipherSuites), OpenSSL has others (ciphers(1)).
_GO_TO_OPENSSL = {
    "AES_128_CBC_SHA": "AES128-SHA",
    "AES_256_CBC_SHA": "AES256-SHA",
    "AES_128_GCM_SHA256": "AES128-GCM-SHA256",
    "AES_256_GCM_SHA384": "AES256-GCM-SHA384",
    "CHACHA20_POLY1305_SHA256": "CHACHA20-POLY1305",
}
CIPHERS = {
    f"TLS_ECDHE_{kind}_WITH_{go}": f"ECDHE-{kind}-{theirs}"
    for kind in ("ECDSA", "RSA")
    for go, theirs in _GO_TO_OPENSSL.items()
}
# Not chosen by this list, in Go as here: TLS 1.3 has these, and all are good.
TLS13_CIPHERS = {
    "TLS_AES_128_GCM_SHA256",
    "TLS_AES_256_GCM_SHA384",
    "TLS_CHACHA20_POLY1305_SHA256",
}

CURVES = {
    "CurveP256": "prime256v1",
    "CurveP384": "secp384r1",
    "CurveP521": "secp521r1",
    "X25519": "X25519",
}

CLIENT_AUTH = {
    "NoClientCert": ssl.CERT_NONE,
    "VerifyClientCertIfGiven": ssl.CERT_OPTIONAL,
    "RequireAndVerifyClientCert": ssl.CERT_REQUIRED,
}
# OpenSSL, as Python has it, verifies each certificate that it asks for.
UNVERIFIED = ("RequestClientCert", "RequireAnyClientCert")

# What each header may be; None is any line of text.
HEADERS: dict[str, tuple[str, ...] | None] = {
    "Content-Security-Policy": None,
    "X-Frame-Options": ("deny", "sameorigin"),
    "X-Content-Type-Options": ("nosniff",),
    "X-XSS-Protection": None,
    "Strict-Transport-Security": None,
}

BCRYPT = re.compile(r"\$2[abxy]?\$(0[4-9]|[12]\d|3[01])\$[./A-Za-z0-9]{53}")

BOOLEANS = {"true": True, "false": False}


class _Refused(Exception):
    """Something in the file, at a node of it."""

    def __init__(self, node: Any, reason: str) -> None:
        super().__init__(reason)
        self.line = node.start_mark.line + 1


class WebConfigFile:
    """The configuration as it is now; one that is bad is said once, and the last good one kept."""

    def __init__(self, path: Path, say: Callable[[str], None]) -> None:
        """Raises UsageError where the file is bad to begin with."""
        self._path = path
        self._say = say
        self._files = [path]
        self._web = self._read()
        self._seen = self._state()

    def current(self) -> Web:
        """Looks for a change each time that it is asked."""
        if self._state() != self._seen:
            self.reread()
        return self._web

    def reread(self) -> None:
        try:
            self._web = self._read()
            self._say(f"{self._path} was read again")
        except UsageError as error:
            self._say(f"{error}; what it said before holds on")
        self._seen = self._state()

    def _read(self) -> Web:
        web, self._files = read(self._path)
        return web

    def _state(self) -> list[tuple[int, ...]]:
        return [_stamp(file) for file in self._files]


def _stamp(file: Path) -> tuple[int, ...]:
    """() where it cannot be seen."""
    try:
        found = file.stat()
    except OSError:
        return ()
    return found.st_mtime_ns, found.st_ctime_ns, found.st_size, found.st_ino


def read(path: Path) -> tuple[Web, list[Path]]:
    """What the file says, and all files that were read for it. Raises UsageError."""
    try:
        with path.open("rb") as file:
            text = file.read(MOST_BYTES + 1)
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}") from None
    if len(text) > MOST_BYTES:
        raise UsageError(f"{path} is no web configuration: it is over {MOST_BYTES} bytes")
    files = [path]
    return parse(text, path, files), files


def parse(text: bytes, path: Path, files: list[Path]) -> Web:
    """``path`` is what it is called, and names of files are relative to its folder; these are added
    to ``files``. Raises UsageError, with the line."""
    yaml = _yaml()
    try:
        root = yaml.compose(text, Loader=yaml.SafeLoader)
        return _web(root, path.parent, files) if root else Web()
    except _Refused as error:
        raise UsageError(f"{path}, line {error.line}: {error}") from None
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        raise UsageError(f"{path}, line {mark.line + 1 if mark else 1}: {error.problem}") from None
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        raise UsageError(f"{path} is no YAML: {' '.join(str(error).split())}") from None


def _yaml() -> Any:
    try:
        import yaml  # noqa: PLC0415 (an extra, and nobody else is to pay for it)
    except ImportError:
        raise UsageError(
            "--web.config.file needs PyYAML and bcrypt: pip install 'irqwatch[web]'"
        ) from None
    return yaml


def _web(root: Any, folder: Path, files: list[Path]) -> Web:
    known = ("tls_server_config", "http_server_config", "basic_auth_users")
    parts = _mapping(root)
    if limit := parts.pop("rate_limit", None):
        raise _Refused(
            limit, "rate_limit is not supported: --min-interval and --web.max-requests bound it"
        )
    _only(parts, known)
    tls = _Tls(parts["tls_server_config"], folder, files) if _given(parts, known[0]) else None
    return Web(
        tls=tls.context() if tls else None,
        allowed_sans=tls.sans if tls else frozenset(),
        headers=_headers(parts[known[1]]) if _given(parts, known[1]) else (),
        users=_users(parts[known[2]]) if _given(parts, known[2]) else {},
    )


class _Tls:
    """``tls_server_config``."""

    KNOWN = (
        "cert",
        "key",
        "client_ca",
        "cert_file",
        "key_file",
        "client_ca_file",
        "client_auth_type",
        "client_allowed_sans",
        "min_version",
        "max_version",
        "cipher_suites",
        "prefer_server_cipher_suites",
        "curve_preferences",
    )

    def __init__(self, node: Any, folder: Path, files: list[Path]) -> None:
        self._node = node
        self._folder = folder
        self._files = files
        self._parts = _mapping(node)
        _only(self._parts, self.KNOWN)
        self.sans = frozenset(map(_text, self._list("client_allowed_sans")))

    def context(self) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.options |= ssl.OP_NO_RENEGOTIATION | ssl.OP_NO_COMPRESSION
        context.minimum_version = self._choice("min_version", TLS_VERSIONS, "TLS12")
        context.maximum_version = self._choice("max_version", TLS_VERSIONS, "TLS13")
        if self._choice("prefer_server_cipher_suites", BOOLEANS, "true"):
            context.options |= ssl.OP_CIPHER_SERVER_PREFERENCE
        else:
            context.options &= ~ssl.OP_CIPHER_SERVER_PREFERENCE
        self._ciphers(context)
        self._curve(context)
        self._certificate(context)
        self._clients(context)
        return context

    def _ciphers(self, context: ssl.SSLContext) -> None:
        chosen = []
        for node in self._list("cipher_suites"):
            name = _text(node)
            if name in CIPHERS:
                chosen.append(CIPHERS[name])
            elif name not in TLS13_CIPHERS:
                raise _Refused(node, f"{name!r} is not a cipher suite that may be used")
        if chosen:
            context.set_ciphers(":".join(chosen))

    def _curve(self, context: ssl.SSLContext) -> None:
        nodes = self._list("curve_preferences")
        for node in nodes:
            if _text(node) not in CURVES:
                raise _Refused(node, f"{_text(node)!r} is not a curve: {', '.join(CURVES)}")
        if len(nodes) > 1:
            raise _Refused(nodes[1], "only one curve can be given here: name one, or none for all")
        if nodes:
            context.set_ecdh_curve(CURVES[_text(nodes[0])])

    def _certificate(self, context: ssl.SSLContext) -> None:
        with _as_file(self._pem("cert")) as cert, _as_file(self._pem("key")) as key:
            try:
                # Without a password of one's own, OpenSSL asks for it at the terminal.
                context.load_cert_chain(cert, key, password=lambda: "")
            except (OSError, ValueError) as error:
                reason = getattr(error, "reason", None) or getattr(error, "strerror", None) or error
                raise _Refused(self._node, f"certificate and key: {reason}") from None

    def _clients(self, context: ssl.SSLContext) -> None:
        node = self._parts.get("client_auth_type", self._node)
        if _given(self._parts, "client_auth_type") and _text(node) in UNVERIFIED:
            raise _Refused(
                node, f"{_text(node)} lets any certificate in: take RequireAndVerifyClientCert"
            )
        context.verify_mode = self._choice("client_auth_type", CLIENT_AUTH, "NoClientCert")
        authorities = self._given_one_of("client_ca", "client_ca_file")
        if (context.verify_mode is ssl.CERT_NONE) != (authorities is None):
            raise _Refused(node, "client_auth_type and client_ca_file need each other")
        if self.sans and context.verify_mode is not ssl.CERT_REQUIRED:
            raise _Refused(node, "client_allowed_sans needs RequireAndVerifyClientCert")
        if authorities is None:
            return
        try:
            context.load_verify_locations(cadata=self._pem("client_ca").decode("ascii"))
        except (OSError, ValueError) as error:
            reason = getattr(error, "reason", None) or error
            raise _Refused(self._parts[authorities], f"{authorities}: {reason}") from None

    def _given_one_of(self, *names: str) -> str | None:
        found = [name for name in names if _given(self._parts, name)]
        if len(found) > 1:
            raise _Refused(self._parts[found[1]], f"{' and '.join(found)}: give one of them")
        return found[0] if found else None

    def _pem(self, name: str) -> bytes:
        """Of ``name``, or of the file that ``name``_file names."""
        chosen = self._given_one_of(name, f"{name}_file")
        if chosen is None:
            raise _Refused(self._node, f"{name}_file is missing")
        text = _text(self._parts[chosen])
        if chosen == name:
            return text.encode()
        file = self._folder / text
        self._files.append(file)
        try:
            with file.open("rb") as opened:
                return opened.read(MOST_BYTES)
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or error
            raise _Refused(self._parts[chosen], f"{file} cannot be read: {reason}") from None

    def _list(self, name: str) -> list[Any]:
        if not _given(self._parts, name):
            return []
        node = self._parts[name]
        if not isinstance(node.value, list) or (node.value and isinstance(node.value[0], tuple)):
            raise _Refused(node, f"{name} is to be a list")
        return list(node.value)

    def _choice(self, name: str, choices: Mapping[str, Any], default: str) -> Any:
        text = _text(self._parts[name]) if _given(self._parts, name) else default
        if text not in choices:
            raise _Refused(self._parts[name], f"{name} is one of {', '.join(choices)}")
        return choices[text]


class _as_file:
    """A path of these bytes, for OpenSSL, which reads a certificate and its key off files only."""

    def __init__(self, content: bytes) -> None:
        self._content = content

    def __enter__(self) -> str:
        self._fd = os.memfd_create("irqwatch", os.MFD_CLOEXEC)
        with os.fdopen(os.dup(self._fd), "wb") as file:
            file.write(self._content)
        return f"/proc/self/fd/{self._fd}"

    def __exit__(self, *_: object) -> None:
        os.close(self._fd)


def _headers(node: Any) -> tuple[tuple[str, str], ...]:
    parts = _mapping(node)
    _only(parts, ("http2", "headers"))  # http2: this speaks HTTP/1 to all, as any client can
    if not _given(parts, "headers"):
        return ()
    headers = _mapping(parts["headers"])
    _only(headers, HEADERS)
    return tuple(_checked_headers(headers))


def _checked_headers(headers: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for name, node in headers.items():
        value = _text(node)
        allowed = HEADERS[name]
        if not value:
            continue
        if not value.isascii() or not value.isprintable():
            raise _Refused(node, f"{name} is to be one line of ASCII")
        if allowed is not None and value.lower() not in allowed:
            raise _Refused(node, f"{name} is one of {', '.join(allowed)}")
        yield name, value


def _users(node: Any) -> dict[str, bytes]:
    users = {}
    for name, value in _mapping(node).items():
        if not BCRYPT.fullmatch(_text(value)):
            raise _Refused(value, f"{name!r} has no bcrypt hash: make one with htpasswd -nBC 10")
        users[name] = _text(value).encode()
    if users:
        try:
            import bcrypt  # noqa: F401, PLC0415
        except ImportError:
            raise _Refused(
                node, "basic_auth_users needs bcrypt: pip install 'irqwatch[web]'"
            ) from None
    return users


def _mapping(node: Any) -> dict[str, Any]:
    """Node by key; what is written twice is refused, for one of the two is not what was meant."""
    if not isinstance(node.value, list) or not all(isinstance(one, tuple) for one in node.value):
        raise _Refused(node, "here go lines of name: value")
    found: dict[str, Any] = {}
    for key, value in node.value:
        if _text(key) in found:
            raise _Refused(key, f"{key.value} is given twice")
        found[key.value] = value
    return found


def _only(parts: Mapping[str, Any], known: Any) -> None:
    for name, node in parts.items():
        if name not in known:
            raise _Refused(node, f"{name!r} is not known here: {', '.join(known)}")


def _given(parts: Mapping[str, Any], name: str) -> bool:
    """Whether it has a value: "name:" has none."""
    node = parts.get(name)
    return node is not None and node.value not in ("", "null", "~")


def _text(node: Any) -> str:
    if not isinstance(node.value, str):
        raise _Refused(node, "here goes one value")
    return node.value
