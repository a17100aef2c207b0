"""Keeps Lambda functions, their code as files named after its hash; in the server."""

from __future__ import annotations

from typing import Any

from ministack.services import lambda_svc

from local_cloud.journal.draft import Draft
from local_cloud.journal.places import Place
from local_cloud.journal.texts import key_text

Function = dict[str, Any]


class Functions(Place):
    """A row for each function; MiniStack reads the code back from the files."""

    def __init__(self, kind: str, store: Any) -> None:
        super().__init__(kind, store)
        # Megabytes of code are hashed once, not at every call of a function: by the identity of the bytes, held here.
        self._hashes: dict[int, tuple[bytes, str]] = {}

    def put(self, key: Any, value: Any, *, draft: Draft, part: Any) -> None:
        """Write the code first, for the row names it."""
        del part
        versions = {name: self._without_code(version) for name, version in value.get("versions", {}).items()}
        function = self._without_code(value) | ({"versions": versions} if "versions" in value else {})
        draft.keep(self.kind, key_text(self.store, key), value=function)

    def _without_code(self, function: Function) -> Function:
        code = function.get("code_zip")
        if not isinstance(code, bytes) or not code:
            return function
        if id(code) not in self._hashes:
            self._hashes[id(code)] = (code, lambda_svc._write_code_blob(code))
        return {**function, "code_zip": {lambda_svc._BLOB_REF_KEY: self._hashes[id(code)][1]}}
