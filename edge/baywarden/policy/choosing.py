"""Which outlets may serve a wish: one of them, those of a group or a connector type, or any."""

from baywarden.model.site import SiteRules


def fitting(
    rules: SiteRules, evse_id: str | None, group: str | None, connector_type: str | None
) -> list[str]:
    """The ids in the order of the configuration; none where no outlet is of that kind."""
    return [
        outlet.id
        for outlet in rules.evses.values()
        if (evse_id is None or outlet.id == evse_id)
        and (group is None or group in outlet.groups)
        and (connector_type is None or connector_type == outlet.connector_type)
    ]


def power_for(power_w: int, energy_wh: int, length_s: float) -> int:
    """The power that gives the energy within the time, in W rounded up; at least `power_w`."""
    return max(power_w, -(-energy_wh * 3600 // max(1, int(length_s))))
