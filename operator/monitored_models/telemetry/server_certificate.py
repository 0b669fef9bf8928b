"""The certificate of the operator's HTTP endpoint. Its files may change at any time, as those of a mounted Secret do."""

from __future__ import annotations

import logging
import ssl
from pathlib import Path

from ..settings import ListenTls
from .logs import reason

log = logging.getLogger(__name__)


class ServerCertificate:
    """A certificate and its key in two files, whose state each TLS handshake checks.

    Files that cannot be used leave the previous certificate in use. The first ones must be usable: raises OSError.
    """

    def __init__(self, tls: ListenTls) -> None:
        self._tls = tls
        self._state = self._observe()
        self._latest = self._load()
        self.context = self._load()
        """The TLS context of a server."""
        self.context.sni_callback = self._choose  # which OpenSSL calls for clients that send no name, too

    def _choose(self, connection: ssl.SSLSocket | ssl.SSLObject, _name: str | None, _context: ssl.SSLContext) -> None:
        """Give a connection the latest certificate."""
        if (state := self._observe()) != self._state:
            self._state = state  # also if they cannot be used: one line in the log is enough
            try:
                self._latest = self._load()
                log.info("loaded the certificate %s", self._tls.cert_file, extra=reason("CertificateLoaded"))
            except OSError as error:
                log.warning("%s; the previous one stays in use", error, extra=reason("CertificateNotLoaded"))
        connection.context = self._latest

    def _load(self) -> ssl.SSLContext:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        try:
            # With a password, although it has none: OpenSSL would ask for one on a terminal.
            context.load_cert_chain(self._tls.cert_file, self._tls.key_file, password="")
        except OSError as error:
            raise OSError(
                f"the certificate {self._tls.cert_file} with the key {self._tls.key_file} cannot be used: "
                f"{error.strerror or error}"
            ) from error
        return context

    def _observe(self) -> tuple[tuple[int, int, int], ...]:
        """What changes with the files; empty if one is missing."""
        try:
            found = [Path(path).stat() for path in (self._tls.cert_file, self._tls.key_file)]
        except OSError:
            return ()
        return tuple((each.st_ino, each.st_mtime_ns, each.st_size) for each in found)
