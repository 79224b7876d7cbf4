"""How long a read may be, where some units of a kind take less than others."""

from baywarden_drivers.doubts.decision import Decision

_PATIENCE = 2


class ReadLength:
    """Falls back to shorter reads when a longer one was refused, or stays unanswered while shorter ones do not.

    A unit that has answered a long read once is never taken for one that cannot.
    """

    def __init__(self, fallback: int | None) -> None:
        self._fallback = fallback
        self._is_short = False
        self._silences = 0
        self._long_works = False
        self._why = ""
        self.on_trial = False
        """Shorter reads are tried after a silence; whether the length was its reason is to be seen."""

    @property
    def most(self) -> int | None:
        """The most registers of a read; None: as the profile says."""
        return self._fallback if self._is_short else None

    def refused(self, count: int) -> bool:
        """A read of `count` registers was refused; whether shorter ones are to be used from now on."""
        if self._is_short or not self._is_above(count):
            return False
        self._is_short, self._why = True, f"a read of {count} registers was refused"
        return True

    def silent(self, count: int) -> bool:
        """A read of `count` registers stayed unanswered; whether the length has changed."""
        if self._long_works or self._fallback is None:
            return False
        if self.on_trial:  # shorter reads are not answered either: it is away
            self._is_short, self.on_trial, self._silences = False, False, 0
            return True
        if self._is_short or not self._is_above(count):
            return False
        self._silences += 1
        if self._silences < _PATIENCE:
            return False
        self._is_short, self.on_trial = True, True
        self._why = f"a read of {count} registers stayed unanswered and shorter ones did not"
        return True

    def answered(self, count: int) -> None:
        """A read of `count` registers was answered."""
        self._silences = 0
        if self._is_above(count):
            self._long_works = True

    def judge_trial(self, *, long_was_answered: bool) -> bool:
        """The end of a trial; whether the length has changed."""
        self.on_trial = False
        self._is_short = not long_was_answered
        return long_was_answered

    def decision(self) -> Decision | None:
        """What was found out; None as long as the profile's own length holds."""
        if not self._is_short or self.on_trial:
            return None
        return Decision("read_length", f"{self._fallback} registers at most", True, self._why)

    def _is_above(self, count: int) -> bool:
        return self._fallback is not None and count > self._fallback
