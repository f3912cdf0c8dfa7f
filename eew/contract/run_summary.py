"""The run summary as types: what ``eew replay`` writes, and what tables, limits and benches read.

It is written to a file and not published. As for the messages, version 1 may only grow.
"""

import json
from typing import Annotated, Literal

import msgspec

from eew.contract.measured_times import RunLatency, RunWarning
from eew.model.report import AlertStatus, IssueBasis, ReportKind

__all__ = [
    "BrokerIdentity",
    "DeliveryCounts",
    "DeviceCounts",
    "DispatcherUse",
    "FeedSummary",
    "LevelCounts",
    "LimitJudgement",
    "MachineIdentity",
    "OutOfReach",
    "OutcomeCounts",
    "PlannedCounts",
    "PublisherFaults",
    "RefusedCounts",
    "ReportSummary",
    "RunFacts",
    "RunStop",
    "RunSummary",
    "SimulatedCounts",
    "summary_json",
]

Count = Annotated[int, msgspec.Meta(ge=0)]
#: What a setting may be.
SettingValue = str | int | float | bool | None


class BrokerIdentity(msgspec.Struct, frozen=True, kw_only=True):
    """Over which broker a run went."""

    #: ``external`` for one that does not say what it is.
    name: str
    #: Empty where it does not say.
    version: str
    #: Without a password.
    url: str
    #: In which alerts were published: ``3.1.1`` or ``5``.
    mqtt_version: str


class MachineIdentity(msgspec.Struct, frozen=True, kw_only=True):
    """On what a run was made."""

    #: Null where the system does not say.
    cpus: int | None
    #: As ``uname`` names it.
    system: str
    #: As ``uname -m`` names it.
    processor: str
    #: Version of Python.
    python: str


class DispatcherUse(msgspec.Struct, frozen=True, kw_only=True):
    """What the dispatcher took of the machine."""

    #: Anonymous resident memory of its process when all devices were connected.
    held_mib: float
    #: What of that came with the population, by the number of devices.
    bytes_a_device: float
    #: Processor time, from the first report to the last alert.
    cpu_s: float
    #: Spent handing alerts to the socket, the broker's back-pressure with it.
    writing_s: float


class PublisherFaults(msgspec.Struct, frozen=True, kw_only=True):
    """How the connection to the broker fared."""

    #: Times it was lost and made again.
    reconnects: Count
    #: Alerts that were sent once more after that.
    resent: Count
    #: Alerts that the broker did not take.
    rejected: Count


class DeviceCounts(msgspec.Struct, frozen=True, kw_only=True):
    """Devices by their kind."""

    #: Mobile phones.
    phone: Count
    #: Televisions.
    tv: Count


class LevelCounts(msgspec.Struct, frozen=True, kw_only=True):
    """Alerts by their level."""

    #: Heard also where the device is set not to disturb.
    critical: Count
    #: Sounded.
    active: Count
    #: Shown without a sound.
    passive: Count


class ReportSummary(msgspec.Struct, frozen=True, kw_only=True):
    """A report that was acted on, and the alerts that it led to."""

    #: The earthquake; the same in all its reports.
    event_id: str
    #: Counted within the event.
    report_no: int
    #: What the report does to its event.
    kind: ReportKind
    #: Whether it is meant.
    status: AlertStatus
    #: After the origin time; null in a cancel.
    issued_s: float | None
    #: How far the time of issue is known.
    issue_basis: IssueBasis
    #: As the agency gives it; null in a cancel and where it gives none.
    magnitude: float | None
    #: Alerts that were planned: for devices, or for cells in cell mode.
    n_selected: Count
    #: The same by level.
    n_selected_by_level: LevelCounts
    #: Alerts that were handed to the broker's socket.
    n_sent: Count
    #: How far out each level reaches; empty in a cancel.
    radius_km_by_level: dict[str, float]
    #: From the report's reception to its plan.
    decide_ms: float
    #: From the report's reception to the first alerts handed over; null where none were.
    first_sent_ms: float | None
    #: Likewise, to the last ones.
    last_sent_ms: float | None


class PlannedCounts(msgspec.Struct, frozen=True, kw_only=True):
    """What became of the alerts that were planned: ``selected`` is the sum of the others."""

    #: Planned, over all reports.
    selected: Count
    #: Handed to the broker, and confirmed where it confirms.
    sent: Count
    #: Overtaken by a newer report before they were sent.
    superseded: Count
    #: No longer of use when their turn came.
    expired: Count
    #: Given up: the broker was gone or did not take them.
    failed: Count


class RefusedCounts(msgspec.Struct, frozen=True, kw_only=True):
    """Alerts that came to devices and were refused, by the reason."""

    #: The device had a newer report.
    older: Count
    #: It came after ``expires_at``.
    expired: Count
    #: The signature was not that of the dispatcher.
    unverified: Count


class DeliveryCounts(msgspec.Struct, frozen=True, kw_only=True):
    """What became of the alerts that devices should have had: ``expected`` = ``delivered`` + ``lost``."""

    #: Devices that alerts were sent to, over all reports.
    expected: Count
    #: Taken, or refused.
    delivered: Count
    #: Not come.
    lost: int
    #: Come more than once.
    duplicated: Count
    #: Delivered ones that the device did not take.
    refused: RefusedCounts
    #: Messages that were no alerts.
    unreadable: Count


class OutcomeCounts(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Persons by what the event was for them; a person counts once an event."""

    #: Notified before the S wave.
    in_time: Count
    #: The S wave was there before the first report that chose the person was issued.
    late_by_physics: Count
    #: The S wave came after that, and before the alert.
    late_by_dispatch: Count
    #: Chosen, and not notified.
    not_told: Count
    #: Notified by a report issued nobody knows when; absent where it is none.
    told_at_unknown_time: Count = 0

    @property
    def total(self) -> int:
        """All who were chosen or notified."""
        known = self.in_time + self.late_by_physics + self.late_by_dispatch + self.not_told
        return known + self.told_at_unknown_time


class SimulatedCounts(msgspec.Struct, frozen=True, kw_only=True):
    """What would happen past the devices' connections: simulated, not measured."""

    #: Where the last mile's distribution is from, by kind of device.
    last_mile_source: dict[str, str]
    #: Persons whose device sounded or showed an alert.
    heard_or_shown: Count
    #: The device is set not to disturb, and the level did not overrule that.
    kept_quiet_by_do_not_disturb: Count
    #: The device is switched off or has no network.
    off_or_out_of_reach: Count
    #: Of those that heard or saw it, before the S wave.
    heard_or_shown_before_s_wave: Count
    #: Televisions whose whole screen was taken.
    tv_screens_taken_over: Count


class OutOfReach(msgspec.Struct, frozen=True, kw_only=True):
    """The report that is felt farthest, and whom it does not reach."""

    #: The earthquake.
    event_id: str
    #: Counted within the event.
    report_no: int
    #: As the agency gives it.
    magnitude: float
    #: The least intensity that the profile notifies of.
    min_intensity: float
    #: How far from the epicentre that is reached, as of a point source; 0 where nowhere.
    felt_radius_km: float
    #: From the epicentre.
    nearest_device_km: float
    #: Whether the profile lets alerts go out for a report of this size at all.
    is_issued: bool


class RunStop(msgspec.Struct, frozen=True, kw_only=True):
    """How far a run came that was stopped."""

    #: The signal.
    by: str
    #: Reports that were played until then.
    reports_played: Count
    #: Of how many; null where they came on standard input.
    reports_given: Count | None


class FeedSummary(msgspec.Struct, frozen=True, kw_only=True):
    """What came in, and what of it was left out."""

    #: Reports.
    played: Count
    #: Lines that are no report, by the member that was wrong; empty for a line that is wrong as a whole.
    refused: dict[str, int]
    #: Members that nobody knows, by their name: ignored.
    unknown_members: dict[str, int]


class LimitJudgement(msgspec.Struct, frozen=True, kw_only=True):
    """A limit that was set by ``--fail-if``, and what was measured."""

    #: As it was written.
    limit: str
    #: What it is set on.
    figure: str
    #: In the figure's own unit: ms of a latency, a second of a rate; null where nothing was measured.
    measured: int | float | None
    #: What the limit says is so, or nothing was measured.
    is_broken: bool


class RunFacts(msgspec.Struct, frozen=True, kw_only=True):
    """What a run was made with."""

    #: Its name, or that of the file.
    scenario: str
    #: The region profile.
    profile: str
    #: What all that is drawn is drawn from.
    seed: Count
    #: Whether alerts are addressed to devices or to map cells.
    mode: Literal["device", "cell"]
    #: MQTT quality of service of alerts.
    qos: Annotated[int, msgspec.Meta(ge=0, le=1)]
    #: What alerts carry.
    payload: Literal["full", "compact"]
    #: How many times faster than real the waiting between reports was; ``max`` for none.
    speed: float | Literal["max"]
    #: Which broker.
    broker: BrokerIdentity
    #: Every setting by its name, but for broker, key and where runs are kept.
    settings: dict[str, SettingValue]
    #: Which machine.
    machine: MachineIdentity
    #: What the dispatcher took of it.
    dispatcher: DispatcherUse
    #: How its connection to the broker fared.
    publisher: PublisherFaults


class RunSummary(RunFacts, frozen=True, kw_only=True):
    """What a run came to: who was notified, when, and who was late because of the dispatch."""

    #: Simulated devices.
    n_devices: Count
    #: The same by kind.
    n_devices_by_kind: DeviceCounts
    #: Those that were acted on, in the order in which they came.
    reports: list[ReportSummary]
    #: Those that were not, by what became of them.
    reports_ignored: dict[str, int]
    #: What became of the alerts that were planned.
    conservation: PlannedCounts
    #: What became of the alerts that devices should have had.
    delivery: DeliveryCounts
    #: Measured.
    latency_ms: RunLatency
    #: Measured, while any were in flight; null where no time passed.
    alerts_a_second: float | None
    #: S arrival less delivery.
    warning_s: RunWarning
    #: Persons, by whether they were notified in time.
    outcome: OutcomeCounts
    #: Past the devices' connections.
    simulated: SimulatedCounts
    #: Why nobody was notified; absent where alerts were planned, null where no report says where and how strong.
    out_of_reach: OutOfReach | msgspec.UnsetType | None = msgspec.UNSET
    #: Null for a run that came to its end.
    stopped: RunStop | None = None
    #: What came in.
    feed: FeedSummary | None = None
    #: Those that were set, with what was measured.
    limits: list[LimitJudgement] = []


def summary_json(summary: msgspec.Struct) -> str:
    """Return a summary as it is written to a file: JSON, a member a line, its members in the order of the type."""
    return json.dumps(msgspec.to_builtins(summary), ensure_ascii=False, indent=1) + "\n"
