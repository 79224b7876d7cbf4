"""Errors of the machine and of libraries, in words."""

import errno
import socket
from pathlib import Path
from typing import Annotated

import pytest
import serial
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from baywarden_drivers.reasons import complaint_of, reason_of


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (OSError(errno.ENOENT, "No such file or directory"), "it is not there"),
        (ConnectionRefusedError(errno.ECONNREFUSED, "Connect call failed ('h', 1)"), "nobody listens there"),
        (
            OSError("Multiple exceptions: [Errno 111] Connect call failed, [Errno 111] Connect"),
            "nobody listens there",
        ),
        (
            serial.SerialException("Could not configure port: (25, 'Inappropriate ioctl')"),
            "it is no serial port",
        ),
        (socket.gaierror(-2, "Name or service not known"), "that name is not known"),
        (TimeoutError(), "no answer in time"),
        (UnicodeDecodeError("utf-8", b"x", 0, 1, "invalid start byte"), "it is no UTF-8 text"),
        (OSError(9999, "something new"), "something new"),
    ],
)
def test_an_error_is_told_in_words(error: BaseException, said: str) -> None:
    assert reason_of(error).startswith(said)


def test_a_real_error_is_told_without_its_number(tmp_path: Path) -> None:
    with pytest.raises(OSError) as caught:
        (tmp_path / "no" / "file").read_text("utf-8")
    assert reason_of(caught.value) == "it is not there"


class _Shape(BaseModel):
    model_config = ConfigDict(allow_inf_nan=False)
    unit: Annotated[int, Field(ge=0, le=255)] = 1
    rate: Annotated[float, Field(gt=0)] = 1
    name: Annotated[str, Field(min_length=1)] = "x"
    is_on: bool = True
    of: list[int] = Field(default_factory=list)


@pytest.mark.parametrize(
    ("key", "value", "said"),
    [
        ("unit", 300, "must be at most 255"),
        ("unit", -1, "must be at least 0"),
        ("unit", "seven", "must be a whole number"),
        ("rate", 0, "must be above 0"),
        ("rate", float("inf"), "must be a finite number"),
        ("name", "", "must not be empty"),
        ("is_on", "maybe", "must be true or false"),
        ("of", 3, "must be a list"),
    ],
)
def test_a_complaint_of_the_shape_is_told_in_words(key: str, value: object, said: str) -> None:
    with pytest.raises(ValidationError) as caught:
        _Shape.model_validate({key: value})
    assert complaint_of(caught.value.errors()[0]) == said
