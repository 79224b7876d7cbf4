"""OCPI's names of connectors (mod_locations, ConnectorType enum, 2.3.0)."""

from functools import cache
from typing import Annotated

from baywarden.settings.kinds import one_of

_NAMES = """
CHADEMO CHAOJI DOMESTIC_A DOMESTIC_B DOMESTIC_C DOMESTIC_D DOMESTIC_E DOMESTIC_F DOMESTIC_G DOMESTIC_H
DOMESTIC_I DOMESTIC_J DOMESTIC_K DOMESTIC_L DOMESTIC_M DOMESTIC_N DOMESTIC_O GBT_AC GBT_DC
IEC_60309_2_single_16 IEC_60309_2_three_16 IEC_60309_2_three_32 IEC_60309_2_three_64 IEC_62196_T1
IEC_62196_T1_COMBO IEC_62196_T2 IEC_62196_T2_COMBO IEC_62196_T3A IEC_62196_T3C MCS NEMA_5_20 NEMA_6_30
NEMA_6_50 NEMA_10_30 NEMA_10_50 NEMA_14_30 NEMA_14_50 PANTOGRAPH_BOTTOM_UP PANTOGRAPH_TOP_DOWN SAE_J3400
TESLA_R TESLA_S
"""


@cache
def connector_types() -> frozenset[str]:
    """All of them."""
    return frozenset(_NAMES.split())


ConnectorType = Annotated[str, one_of(connector_types, "OCPI connector type")]
