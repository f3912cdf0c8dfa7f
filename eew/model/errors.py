"""The errors of the product, drawn as one tree.

EewError
├── InputError            file, line, field, value, what was expected      exit 2
│   ├── ScenarioError     ├── ReportDecodeError    ├── ProfileError
│   ├── ShelterDataError  ├── DeviceDataError      └── TravelTimeError
├── ModelRangeError       quantity, value, range (also ValueError)          exit 2
├── BrokerError           endpoint                                          exit 3
│   ├── BrokerConnectError
│   └── BrokerLostError   after how many seconds of trying
├── WorkerStartError      what a swarm worker said                          its own exit code
└── ConservationError     the counts that do not add up                     exit 1
"""

from pathlib import Path

from eew.model.exit_status import ExitStatus

__all__ = [
    "MISSING_FIELD",
    "BrokerConnectError",
    "BrokerError",
    "BrokerLostError",
    "ConservationError",
    "DeviceDataError",
    "EewError",
    "InputError",
    "ModelRangeError",
    "ModelRangeWarning",
    "ProfileError",
    "ReportDecodeError",
    "ScenarioError",
    "ShelterDataError",
    "TravelTimeError",
    "WorkerStartError",
]


#: What was expected where a field is not given; a note may follow it.
MISSING_FIELD = "missing required field"


class EewError(Exception):
    """Any error that the caller of eew is meant to handle."""

    exit_code: int = ExitStatus.FAILED


class InputError(EewError):
    """Something given from outside is not usable.

    Parameters
    ----------
    expected
        What would have been right, in plain words.
    file, line
        Where it stands; ``None`` where there is no file or line.
    field
        Which option, key or column.
    value
        What was found there; shown shortened.
    problem
        What is wrong, where that does not follow from what was expected.
    """

    exit_code = ExitStatus.BAD_INPUT
    #: What else is wrong with the same input; not in the message.
    also: "tuple[InputError, ...]" = ()

    def __init__(
        self,
        expected: str,
        *,
        file: str | Path | None = None,
        line: int | None = None,
        field: str | None = None,
        value: object = None,
        problem: str | None = None,
    ) -> None:
        self.expected = expected
        self.file = None if file is None else str(file)
        self.line = line
        self.field = field
        self.value = value
        self.problem = problem
        super().__init__(_joined(self.found, self.expectation))

    @property
    def expectation(self) -> str:
        """What was expected, as it stands in the message: a missing field is named as that."""
        shown = _cut(self.expected)
        return shown if shown.startswith(MISSING_FIELD) else f"expected {shown}"

    @property
    def found(self) -> str:
        """Place, field, value and problem, as they stand in the message before what was expected."""
        place = self.file or ""
        place += "" if self.line is None or not place else f":{self.line}"
        shown = "" if self.value is None else _shortened(self.value)
        return _joined(place, _cut(self.field or ""), shown, self.problem or "")

    @property
    def is_placed(self) -> bool:
        """Whether it says a line, or is one of many: where the file was named, too, would say less than it does."""
        return self.line is not None or bool(self.also)


class ScenarioError(InputError):
    """A scenario file is not usable."""


class ReportDecodeError(InputError):
    """A report is not usable."""


class ProfileError(InputError):
    """A region profile is not usable."""


class ShelterDataError(InputError):
    """A shelter file or catalogue is not usable."""


class DeviceDataError(InputError):
    """A device file or population is not usable."""


class TravelTimeError(InputError):
    """A travel-time table is not usable."""


class ModelRangeError(EewError, ValueError):
    """A quantity lies where a model says nothing."""

    exit_code = ExitStatus.BAD_INPUT

    def __init__(self, quantity: str, value: object, allowed: str) -> None:
        self.quantity = quantity
        self.value = value
        self.allowed = allowed
        super().__init__(f"{quantity}: {_shortened(value)}: expected {allowed}")


class ModelRangeWarning(UserWarning):
    """A formula is used outside the data it was fitted to."""


class BrokerError(EewError):
    """The broker does not do what it should."""

    exit_code = ExitStatus.UNREACHABLE

    def __init__(self, endpoint: str, reason: str) -> None:
        self.endpoint = endpoint
        self.reason = reason
        super().__init__(f"broker {endpoint}: {reason}")


class BrokerConnectError(BrokerError):
    """No broker answers, or it refuses us."""


class BrokerLostError(BrokerError):
    """The broker went away and did not come back in time."""

    def __init__(self, endpoint: str, reason: str, *, after_s: float) -> None:
        self.after_s = after_s
        super().__init__(endpoint, f"{reason}; gave up after {after_s:g} s")


class WorkerStartError(EewError):
    """A worker ended before it was ready; its exit code is ours, 1 where a signal ended it."""

    def __init__(self, said: str, returncode: int) -> None:
        self.exit_code = max(returncode, ExitStatus.FAILED)
        super().__init__(f"a swarm worker did not start: {said or f'it ended with code {returncode}'}")


class ConservationError(EewError):
    """Counts that must add up do not."""

    def __init__(self, equation: str) -> None:
        self.equation = equation
        super().__init__(f"the counts do not add up: {equation}")


#: What came from outside may name a member by a thousand brackets.
_MOST_CHARACTERS = 300


def _cut(text: str) -> str:
    return text if len(text) <= _MOST_CHARACTERS else text[: _MOST_CHARACTERS - 1] + "…"


def _joined(*parts: str) -> str:
    return ": ".join(part for part in parts if part)


def _shortened(value: object, length: int = 80) -> str:
    text = repr(value)
    return text if len(text) <= length else text[: length - 1] + "…"
