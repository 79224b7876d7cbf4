"""What was found out about a device that its profile leaves open."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Decision:
    """`choice` is what is used; unless it is `decided` that is only the first of the choices. `why` is for people."""

    name: str
    choice: str
    decided: bool
    why: str

    def __str__(self) -> str:
        name = self.name.replace("_", " ")
        if self.decided:
            return f"{name}: {self.choice}, because {self.why}"
        return (
            f"{name}: not decided, {self.choice} is used: {self.why}"
            if self.choice
            else f"{name}: {self.why}"
        )


@dataclass(frozen=True, slots=True)
class Remembered:
    """A choice that a device has made; `who` is the device, by its serial number and firmware or by its place."""

    profile: str
    doubt: str
    choice: str
    why: str
    who: str
