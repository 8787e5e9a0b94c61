"""How ``serve`` is to talk to its clients: what a ``--web.config.file`` says."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # who has no TLS does not pay for it: some 2 MB
    from ssl import SSLContext


@dataclass(frozen=True, slots=True)
class Web:
    """Without any of it: plain HTTP for everybody."""

    tls: "SSLContext | None" = None
    # Of a client's certificate, one of its alternative names has to be among these; none: any may.
    allowed_sans: frozenset[str] = frozenset()
    headers: tuple[tuple[str, str], ...] = ()  # added to each response
    users: Mapping[str, bytes] = field(default_factory=dict)  # name → bcrypt hash; none: everybody
