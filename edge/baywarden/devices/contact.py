"""From the drivers' errors to what the site says of a device that could not be heard."""

from baywarden.model.reading import Contact
from baywarden_drivers import DeviceError, Garbled, LinkDown, NoAnswer, Refused


def contact_of(error: DeviceError) -> Contact:
    """The nearest of the model's words."""
    if isinstance(error, LinkDown):
        return Contact.LINK_DOWN
    if isinstance(error, NoAnswer):
        return Contact.SILENT
    if isinstance(error, Garbled):
        return Contact.GARBLED
    if isinstance(error, Refused):
        return Contact.REFUSED
    return Contact.SILENT
