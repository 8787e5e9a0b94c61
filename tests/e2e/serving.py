"""Runs ``irqwatch serve`` for a test."""

import contextlib
import random
import re
import socket
import subprocess
import sys
import urllib.request
from pathlib import Path

COMMAND = Path(sys.executable).with_name("irqwatch")

# Only a program that hangs takes as long, however slow the machine is and whoever else uses it.
LIMIT_SECONDS = 200

# Whatever proxy the environment names has no part in this.
HTTP = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def free_port():
    """Of loopback, for a program that has to be told one. It is below those that the kernel gives
    to who asks for any, so nobody takes it by chance before that program does."""
    while True:
        port = random.SystemRandom().randrange(20_000, 32_000)
        with contextlib.suppress(OSError), socket.create_server(("127.0.0.1", port)):
            return port


class Serving:
    """A server that says it is there; ``said`` is its first line."""

    def __init__(self, process):
        self.process = process
        self.said = process.stderr.readline()
        found = re.match(r"irqwatch: listening on (\S+:\d+)([;,]|$)", self.said)
        if not found:
            process.kill()  # for all that it said to be read
        assert found, self.said + process.stderr.read()
        self.address = found[1]

    def get(self, path="/metrics", **headers):
        """Body of the response; raises HTTPError."""
        request = urllib.request.Request(f"http://{self.address}{path}", headers=headers)
        with HTTP.open(request, timeout=LIMIT_SECONDS) as response:
            return response.read().decode()

    def end(self, number):
        """Send the signal; exit status and all that was said after the first line."""
        self.process.send_signal(number)
        _, said = self.process.communicate(timeout=LIMIT_SECONDS)
        return self.process.returncode, said


@contextlib.contextmanager
def serving(*arguments, address="127.0.0.1:0", under=(), **options):
    """``under`` is the command that starts it, such as setpriv and its options."""
    process = subprocess.Popen(
        # Two scrapes of a test are two samples, unless it says otherwise.
        [
            *under,
            COMMAND,
            "serve",
            f"--web.listen-address={address}",
            "--min-interval=0",
            *arguments,
        ],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        **options,
    )
    try:
        yield Serving(process)
    finally:
        process.kill()
        process.communicate()
