"""Who may charge where, as site.toml says it: one table for a group of outlets."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Annotated, Any, Final, Self

from pydantic import Field, model_validator

from baywarden.model.access import AccessMode, AccessRules
from baywarden.settings.errors import Fault, listed, nearest
from baywarden.settings.kinds import Table, Text, Whole, refuse

EVERYWHERE: Final = "standard"
"""The table for outlets of which no group has one."""

Raw = Mapping[str, Any]


class AccessSettings(Table):
    """[access.GROUP]: what a car needs to charge at the outlets of a group."""

    mode: AccessMode = Field(
        description="nothing; a known token, a booking or the cloud's word; or a booking only"
    )
    token_groups: tuple[Text, ...] = Field(
        (), description="groups of tokens that hold here; none means all of them"
    )
    connect_timeout_s: Annotated[int, Field(ge=10, le=3600, strict=True)] = Field(
        120, description="a token shown before the car is plugged in counts for so long"
    )
    min_stay_s: Whole = Field(
        0, description="a car without a booking needs at least so long until the next hold"
    )

    @model_validator(mode="after")
    def _belongs_together(self) -> Self:
        if self.token_groups and self.mode is not AccessMode.TOKEN:
            refuse(f'token_groups mean nothing with mode = "{self.mode.value}"', 'mode = "token"')
        return self

    def to_rules(self) -> AccessRules:
        """The same as the rules know it."""
        return AccessRules(self.mode, frozenset(self.token_groups), self.connect_timeout_s, self.min_stay_s)


def rules_for(groups: Iterable[str], tables: Mapping[str, AccessRules]) -> AccessRules:
    """Those of the outlet's group, else those for everywhere, else open."""
    found = next((tables[group] for group in groups if group in tables), None)
    return found or tables.get(EVERYWHERE, AccessRules())


def access_faults(raw: Raw, evses: Iterable[tuple[str, Raw]]) -> Iterator[Fault]:
    """Tables of groups that no outlet belongs to, and outlets for which two tables hold."""
    names = raw.get("access")
    tables = [name for name in names if name != EVERYWHERE] if isinstance(names, dict) else []
    seen: set[str] = set()
    for place, evse in evses:
        groups = evse.get("groups")
        mine = [group for group in groups if isinstance(group, str)] if isinstance(groups, list) else []
        seen.update(mine)
        both = [name for name in tables if name in mine]
        if len(both) > 1:
            problem = f"the tables {' and '.join(f'[access.{name}]' for name in both)} both hold here"
            yield Fault(f"{place}.groups", problem, "one of them")
    for name in tables:
        if name not in seen:
            choice = listed([*sorted(seen), EVERYWHERE])
            yield Fault(f"access.{name}", f"no outlet is of the group {name!r}", choice, nearest(name, seen))
