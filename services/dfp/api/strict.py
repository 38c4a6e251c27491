"""Routes that refuse what they do not know: a misspelt filter must not look like an empty one."""

import urllib.parse

from fastapi.routing import APIRoute
from starlette.types import Receive, Scope, Send

from dfp.api.problem import mistaken, no_such_parameter


class StrictRoute(APIRoute):
    """A route whose query may have what is declared and nothing else; routes with a model check it there."""

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["query_string"] and not self.dependant.query_params:
            pairs = urllib.parse.parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True)
            if pairs:
                found = [no_such_parameter(name, value) for name, value in pairs[:10]]
                await mistaken(found)(scope, receive, send)
                return
        await super().handle(scope, receive, send)
