"""The topics as a table: who may read or write what where. The addresses are those of ``wire.topic``."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from eew.contract import topic
from eew.contract.topic import CELL_LEVEL, GROUP_LEVEL

__all__ = ["CHANNELS", "Channel", "Parameter"]


@dataclass(frozen=True, slots=True)
class Parameter:
    """A word of an address that varies."""

    description: str
    values: tuple[str, ...] = ()
    examples: tuple[str, ...] = ()
    #: The member of the payload that says the same.
    member: str | None = None


@dataclass(frozen=True, slots=True)
class Channel:
    """One kind of topic, and what an integrator does with it."""

    name: str
    address: str
    title: str
    description: str
    #: The name of its schema, or ``cap``.
    message: str
    operation: str
    action: Literal["receive", "send"]
    summary: str
    qos: int
    is_retained: bool = False
    #: Retained until an empty message comes.
    is_cleared: bool = False
    parameters: Mapping[str, Parameter] = field(default_factory=dict)


_EVENT_ID = Parameter("The event, as in the payload.", examples=("20110311144640",), member="event_id")
_GROUP = Parameter(
    f"The first {GROUP_LEVEL} digits of the device's quadkey as one word: some 30 km wide, to spread devices out.",
    examples=("1330021123",),
)
_CELL = {
    f"q{i}": Parameter(f"Digit {i} of the cell's quadkey.", values=("0", "1", "2", "3"))
    for i in range(1, CELL_LEVEL + 1)
}

#: In the order in which ``docs/topics.md`` tells of them.
CHANNELS = (
    Channel(
        name="cellAlerts",
        address="/".join((topic.cell_alert(""), *(f"{{{name}}}" for name in _CELL))),
        title="Alerts of a map cell",
        description=(
            "One alert for all who are in a cell. A digit a topic level: leave the last ones out and put `#` there, "
            "and it is a region. Not retained: subscribe before."
        ),
        message="cell-alert",
        operation="receiveCellAlert",
        action="receive",
        summary="Be told what comes to a cell or a region.",
        qos=1,
        parameters=_CELL,
    ),
    Channel(
        name="deviceAlerts",
        address=topic.device_alert("{group}", "{device_id}"),
        title="Alerts of a device",
        description="One alert with everything worked out for one registered device. Not retained: subscribe before.",
        message="device-alert",
        operation="receiveDeviceAlert",
        action="receive",
        summary="Be told what comes to a device.",
        qos=1,
        parameters={
            "group": _GROUP,
            "device_id": Parameter("The device, as in the payload.", examples=("p000000012",), member="device_id"),
        },
    ),
    Channel(
        name="events",
        address=topic.event("{event_id}"),
        title="Events as they stand",
        description="What is known of an event and how far each level reaches. Cleared when the event is over.",
        message="event",
        operation="receiveEvent",
        action="receive",
        summary="Follow an event, for a map or a television.",
        qos=1,
        is_retained=True,
        is_cleared=True,
        parameters={"event_id": _EVENT_ID},
    ),
    Channel(
        name="cap",
        address=topic.cap("{event_id}"),
        title="Events as CAP",
        description="The event as a CAP 1.2 document. Cleared when the event is over.",
        message="cap",
        operation="receiveCap",
        action="receive",
        summary="Follow an event with tools that know CAP.",
        qos=1,
        is_retained=True,
        is_cleared=True,
        # CAP is no JSON: no pointer leads into it.
        parameters={"event_id": Parameter(_EVENT_ID.description, examples=_EVENT_ID.examples)},
    ),
    Channel(
        name="info",
        address=topic.info("{region}/{lang}"),
        title="Help cards",
        description="Numbers to call and what to do, to be kept before anything happens; alerts name theirs in `info`.",
        message="info",
        operation="receiveInfo",
        action="receive",
        summary="Get the help card of a region in a language.",
        qos=1,
        is_retained=True,
        parameters={
            "region": Parameter("Country in lower case, or `int`.", examples=("jp", "cn", "int"), member="region"),
            "lang": Parameter("BCP 47.", examples=("ja", "en"), member="lang"),
        },
    ),
    Channel(
        name="status",
        address=topic.status("{dispatcher_id}"),
        title="Heartbeats",
        description="Every 5 s; `lost` as last will. Says the public keys, and how a replay's time relates to yours.",
        message="status",
        operation="receiveStatus",
        action="receive",
        summary="Know whether the dispatcher lives, its keys and its clock.",
        qos=1,
        is_retained=True,
        parameters={
            "dispatcher_id": Parameter(
                "The dispatcher, as in the payload.", examples=("eew-1",), member="dispatcher_id"
            )
        },
    ),
    Channel(
        name="reports",
        address=topic.reports("{source}"),
        title="Reports of agencies",
        description="What a dispatcher listens to; a feed writes it.",
        message="report",
        operation="sendReport",
        action="send",
        summary="Be a feed: tell a dispatcher of an agency's report.",
        qos=1,
        parameters={"source": Parameter("The agency, as in the payload.", examples=("jma",), member="source")},
    ),
    Channel(
        name="receipts",
        address=topic.receipts("{group}"),
        title="Receipts",
        description="Of a sample of the devices: that an alert was taken, and whether it was shown.",
        message="receipt",
        operation="sendReceipt",
        action="send",
        summary="Be a device: tell that an alert came.",
        qos=0,
        parameters={"group": _GROUP},
    ),
)
