"""What a scan calls the wires that it found devices on."""

import pytest

from baywarden_config.bus.paste import link_id


@pytest.mark.parametrize(
    ("where", "name"),
    [
        ("/dev/ttyUSB0", "ttyusb0"),
        ("/dev/serial/by-id/usb-FTDI_FT232R_USB_UART_A1B2C3D4-if00-port0", "ft232r-usb-uart-a1b2c3d4"),
        (
            "/dev/serial/by-id/usb-Prolific_Technology_Inc._USB-Serial_Controller-if00-port0",
            "usb-serial-controller",
        ),
        ("192.0.2.7:502", "192-0-2-7"),
        ("192.0.2.7:1502", "192-0-2-7-1502"),
        ("Box.Local:502", "box-local"),
        ("2001:db8::7:502", "2001-db8-7"),
        ("/dev/" + "x" * 60, "x" * 24),
        ("/dev/___", "wire"),
    ],
)
def test_a_wire_is_called_after_its_port_or_host(where: str, name: str) -> None:
    assert link_id(where) == name
    assert len(f"charger-{name}-247") <= 36
