"""[access.GROUP] of site.toml: which outlet asks what of those who come."""

import pytest

from baywarden.model.access import AccessMode, AccessRules
from baywarden.settings import ConfigError, parse_settings
from support.site_toml import SOUND

STREET = SOUND.replace("max_current_a = 13.8\n", 'max_current_a = 13.8\ngroups = ["street", "north"]\n')


def access(extra: str) -> dict[str, AccessRules]:
    """By outlet."""
    return {key: evse.access for key, evse in parse_settings(STREET + extra).rules().evses.items()}


def test_without_a_table_every_outlet_is_open() -> None:
    assert access("") == {"bay-1": AccessRules(), "bay-2": AccessRules()}
    assert AccessRules().mode is AccessMode.OPEN


def test_a_group_has_its_table_and_the_others_the_standard_one() -> None:
    found = access(
        '[access.street]\nmode = "token"\ntoken_groups = ["fleet"]\nconnect_timeout_s = 60\nmin_stay_s = 900\n'
        '[access.standard]\nmode = "booking"\n'
    )
    assert found == {
        "bay-1": AccessRules(AccessMode.TOKEN, frozenset({"fleet"}), 60, 900),
        "bay-2": AccessRules(AccessMode.BOOKING),
    }


@pytest.mark.parametrize(
    ("extra", "place", "said"),
    [
        ('[access.street]\nmode = "tokens"\n', "access.street.mode", ""),
        ('[access.steet]\nmode = "token"\n', "access.steet", "no outlet is of the group 'steet'"),
        (
            '[access.street]\nmode = "token"\n[access.north]\nmode = "open"\n',
            "chargers[0].evses[0].groups",
            "[access.street] and [access.north] both hold here",
        ),
        ('[access.street]\nmode = "open"\ntoken_groups = ["f"]\n', "access.street", "mean nothing"),
        ('[access.street]\nmode = "token"\nconnect_timeout_s = 5\n', "access.street.connect_timeout_s", ""),
    ],
)
def test_a_table_that_cannot_be_meant_is_a_fault(extra: str, place: str, said: str) -> None:
    with pytest.raises(ConfigError) as caught:
        access(extra)
    assert any(fault.place == place and said in fault.problem for fault in caught.value.faults), str(
        caught.value
    )
