"""Who is let to the pages, and what is added to each: what a web configuration says."""

from collections.abc import Callable
from dataclasses import replace

from irqwatch.model.web import Web
from irqwatch.sink.http.message import Request, Response, line
from irqwatch.sink.http.passwords import Busy, Passwords, credentials

CHALLENGE = (("WWW-Authenticate", "Basic"),)


class Gate:
    """Before ``pages``; ``web`` gives the configuration as it is now."""

    def __init__(
        self,
        pages: Callable[[Request | None], Response],
        web: Callable[[], Web],
        passwords: Passwords,
    ) -> None:
        self._pages = pages
        self._web = web
        self._passwords = passwords

    def answer(self, request: Request | None) -> Response | None:
        """None where the password is still to be checked: ask again."""
        web = self._web()
        try:
            is_let_in = request is None or not web.users or self._knows(request, web)
        except Busy:
            return line(503, "too many passwords are to be checked")
        if is_let_in is None:
            return None
        response = (
            self._pages(request)
            if is_let_in
            else replace(line(401, "name and password, please"), headers=CHALLENGE)
        )
        return replace(response, headers=response.headers + web.headers)

    def _knows(self, request: Request, web: Web) -> bool | None:
        given = credentials(request.headers.get("authorization", ""))
        if given is None:
            return False
        name, password = given
        # Who is not known takes as long as who is: the time does not tell which names there are.
        hashed = web.users.get(name) or next(iter(web.users.values()))
        verdict = self._passwords.verdict(password, hashed)
        return verdict and name in web.users
