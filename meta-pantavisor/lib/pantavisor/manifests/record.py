# SPDX-License-Identifier: MIT
"""Records whose fields are the members of a JSON object."""

from __future__ import annotations

from typing import Any, ClassVar


class Record:
    """Base of dataclasses; what is None or empty does not become a member. Values are checked where the whole document is."""

    __dataclass_fields__: ClassVar[dict[str, Any]]

    def document(self) -> dict[str, Any]:
        values = {member: plain(getattr(self, member)) for member in self.__dataclass_fields__}
        return {member: value for member, value in values.items() if value is not None and value != []}


def plain(value: Any) -> Any:
    """The JSON of a field's value."""
    if isinstance(value, Record):
        return value.document()
    return list(value) if isinstance(value, tuple) else value
