"""What others do as a loop: publishing with other MQTT clients, arrivals with obspy; a small function each.

A client is a context. On entering it is connected, in MQTT 3.1.1. What it gives publishes alerts and returns when the
client has taken the last one (QoS 0) or the broker has confirmed it (QoS 1). Each does it as its documentation shows,
with the settings that were fastest here.
"""

import asyncio
import importlib
import statistics
import threading
import time
import warnings
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager
from importlib.metadata import version
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from eew.bench.load import Load
from eew.estimate.estimator import Estimator
from eew.estimate.intensity_models import intensity_model
from eew.estimate.targets import Targets
from eew.model.errors import BrokerConnectError
from eew.mqtt.endpoint import Endpoint
from eew.physics.geodesy import epicentral_km
from eew.physics.travel_time_table import TravelTimeTable

__all__ = [
    "MODEL",
    "PUBLISHERS",
    "TAUP",
    "Alert",
    "Arrivals",
    "Client",
    "Peer",
    "Publish",
    "aiomqtt_gathered",
    "aiomqtt_loop",
    "gmqtt_loop",
    "installed_version",
    "paho_loop",
]

#: Topic and payload.
Alert = tuple[str, bytes]
#: Raises ``BrokerConnectError`` where the client gives up.
Publish = Callable[[Sequence[Alert]], Awaitable[None]]
Client = Callable[[Endpoint, int], AbstractAsyncContextManager[Publish]]

_CONNECT_WITHIN_S = 10.0
_CONFIRMED_WITHIN_S = 60.0
#: With more at once aiomqtt logs a warning; it is not faster either.
_AIOMQTT_CALLS = 10
#: Packet ids end at 65 535, and with them both clients.
_PAHO_WINDOW = 60_000
_GMQTT_WINDOW = 10_000
_GMQTT_TURN = 100
MODEL = "ak135"
#: TauP takes tens of milliseconds a device; the estimate takes all devices, and is made so often.
_N_TAUP_DEVICES, _N_ESTIMATES = 100, 5
#: Degrees of TauP: the models' sphere has a radius of 6371 km.
_KM_A_DEGREE = 6371.0 * np.pi / 180
#: The first of each of these arrives first, at any distance at which earthquakes are felt.
_P_PHASES, _S_PHASES = ("p", "P", "Pg", "Pn"), ("s", "S", "Sg", "Sn")


@asynccontextmanager
async def aiomqtt_loop(endpoint: Endpoint, qos: int) -> AsyncIterator[Publish]:
    """Publish with aiomqtt: ``await client.publish(…)`` in a loop; at QoS 1 each waits for its PUBACK."""
    async with _aiomqtt(endpoint, qos, 1) as publish:
        yield publish


@asynccontextmanager
async def aiomqtt_gathered(endpoint: Endpoint, qos: int) -> AsyncIterator[Publish]:
    """Publish with aiomqtt, as many calls gathered as it takes at once without a warning."""
    async with _aiomqtt(endpoint, qos, _AIOMQTT_CALLS) as publish:
        yield publish


@asynccontextmanager
async def paho_loop(endpoint: Endpoint, qos: int) -> AsyncIterator[Publish]:
    """Publish with paho-mqtt: ``loop_start()``, ``publish(…)`` in a loop, ``wait_for_publish()`` on the last.

    Queue and window are unlimited (``max_queued_messages_set(0)``, ``max_inflight_messages_set(0)``): with any other
    window, each PUBACK makes paho walk through all that is on the way.
    """
    import paho.mqtt.client as paho
    from paho.mqtt.enums import CallbackAPIVersion

    client = paho.Client(CallbackAPIVersion.VERSION2, "eew-peer-paho")
    client.username_pw_set(endpoint.username, endpoint.password)
    client.max_queued_messages_set(0)
    client.max_inflight_messages_set(0)
    connected = threading.Event()
    client.on_connect = lambda *_: connected.set()

    def open_and_start() -> None:
        client.connect(endpoint.host, endpoint.port)
        client.loop_start()
        if not connected.wait(_CONNECT_WITHIN_S) or not client.is_connected():
            raise ConnectionRefusedError("no word from the broker, or no welcome")

    def loop(alerts: Sequence[Alert]) -> None:
        in_flight: deque[paho.MQTTMessageInfo] = deque()
        for topic, payload in alerts:
            if len(in_flight) == _PAHO_WINDOW:
                in_flight.popleft().wait_for_publish(_CONFIRMED_WITHIN_S)
            sent = client.publish(topic, payload, qos=qos)
            if sent.rc != paho.MQTT_ERR_SUCCESS:
                raise ConnectionError(paho.error_string(sent.rc))
            in_flight.append(sent)
        in_flight[-1].wait_for_publish(_CONFIRMED_WITHIN_S)

    async def publish(alerts: Sequence[Alert]) -> None:
        with _gives_up(endpoint, "paho-mqtt", OSError, RuntimeError, ValueError):
            await asyncio.to_thread(loop, alerts)

    try:
        with _gives_up(endpoint, "paho-mqtt", OSError):
            await asyncio.to_thread(open_and_start)
        yield publish
    finally:
        # Ends the loop, too, if it still runs: it cannot publish any more.
        client.disconnect()
        await asyncio.to_thread(client.loop_stop)


@asynccontextmanager
async def gmqtt_loop(endpoint: Endpoint, qos: int) -> AsyncIterator[Publish]:
    """Publish with gmqtt: ``client.publish(…)`` in a loop that lets the event loop write now and then.

    gmqtt keeps what the socket does not take, without limit. At QoS 1 it refuses to publish when it is out of packet
    ids, so the storage of what is on the way is ours, and is waited for.
    """
    from gmqtt import Client as GmqttClient
    from gmqtt.mqtt.constants import MQTTv311
    from gmqtt.mqtt.handler import MQTTConnectError
    from gmqtt.storage import PersistentStorage

    in_flight = PersistentStorage()
    client = GmqttClient("eew-peer-gmqtt", persistent_storage=in_flight)
    if endpoint.username is not None:
        client.set_auth_credentials(endpoint.username, endpoint.password)

    async def confirmed() -> None:
        async with asyncio.timeout(_CONFIRMED_WITHIN_S):
            await in_flight.wait_empty()

    async def publish(alerts: Sequence[Alert]) -> None:
        with _gives_up(endpoint, "gmqtt", OSError, OverflowError):
            for number, (topic, payload) in enumerate(alerts, start=1):
                client.publish(topic, payload, qos=qos)
                if number % _GMQTT_TURN == 0:
                    await asyncio.sleep(0)
                    if not client.is_connected:
                        raise ConnectionResetError("connection lost")
                if number % _GMQTT_WINDOW == 0:
                    await confirmed()
            await confirmed()

    with _gives_up(endpoint, "gmqtt", OSError, MQTTConnectError):
        async with asyncio.timeout(_CONNECT_WITHIN_S):
            await client.connect(endpoint.host, endpoint.port, version=MQTTv311)
    try:
        yield publish
    finally:
        await client.disconnect()


@asynccontextmanager
async def _aiomqtt(endpoint: Endpoint, qos: int, n_calls: int) -> AsyncIterator[Publish]:
    import aiomqtt

    from eew.mqtt.aiomqtt_client import client_of

    async def publish(alerts: Sequence[Alert]) -> None:
        with _gives_up(endpoint, "aiomqtt", aiomqtt.MqttError):
            if n_calls == 1:
                for topic, payload in alerts:
                    await client.publish(topic, payload, qos=qos)
                return
            for first in range(0, len(alerts), n_calls):
                calls = alerts[first : first + n_calls]
                await asyncio.gather(*(client.publish(topic, payload, qos=qos) for topic, payload in calls))

    client = client_of(endpoint, "peer-aiomqtt")
    with _gives_up(endpoint, "aiomqtt", aiomqtt.MqttError):
        async with client:
            yield publish


@contextmanager
def _gives_up(endpoint: Endpoint, client: str, *kinds: type[Exception]) -> Iterator[None]:
    """Turn a client's own errors into ours."""
    try:
        yield
    except kinds as error:
        raise BrokerConnectError(str(endpoint), f"{client}: {str(error) or type(error).__name__}") from error


class Peer(NamedTuple):
    """Somebody else's work, and how many times faster eew is meant to be."""

    name: str
    module: str
    distribution: str
    aim: int | None


PUBLISHERS: Mapping[Peer, Client] = {
    Peer("aiomqtt", "aiomqtt", "aiomqtt", 25): aiomqtt_loop,
    Peer("aiomqtt-gathered", "aiomqtt", "aiomqtt", None): aiomqtt_gathered,
    Peer("paho-mqtt", "paho.mqtt.client", "paho-mqtt", 4): paho_loop,
    Peer("gmqtt", "gmqtt", "gmqtt", None): gmqtt_loop,
}
TAUP = Peer("obspy.taup", "obspy.taup", "obspy", 10_000)


def installed_version(peer: Peer) -> str | None:
    """Return the version of what a peer needs, having imported it; ``None`` where that is not possible."""
    with warnings.catch_warnings():
        # obspy lists its plug-ins by an interface of the standard library that is going away.
        warnings.simplefilter("ignore", DeprecationWarning)
        try:
            importlib.import_module(peer.module)
            return version(peer.distribution)
        except ImportError:
            return None


class Arrivals:
    """The arrivals at all devices by eew's estimator, and at some of them by TauP: the same model, the same report."""

    def __init__(self, load: Load, *, has_taup: bool) -> None:
        profile = load.profile
        model = intensity_model(profile.intensity_model)
        self._estimator = Estimator(TravelTimeTable.load(MODEL), model, profile.default_depth_km)
        self._devices = load.devices
        self._targets = Targets.of(load.devices.lat_deg, load.devices.lon_deg)
        self._report = load.report()
        self._epicentre_deg = load.lat_deg, load.lon_deg
        self._min_intensity = profile.min_intensity
        depth_km = profile.default_depth_km if self._report.depth_km is None else self._report.depth_km
        self._ask_taup = _taup_arrivals(MODEL, depth_km) if has_taup else None

    def measure(self) -> tuple[Mapping[str, Any], Mapping[str, Any] | None]:
        """Return rates in devices a second: eew's, and TauP's with by how much its answers differ at most."""
        seconds = []
        for _ in range(_N_ESTIMATES):
            started_s = time.perf_counter()
            estimate = self._estimator.estimate(self._report, self._targets, self._min_intensity)
            seconds.append(time.perf_counter() - started_s)
        ours = {"rate_hz": len(estimate.target_row) / statistics.median(seconds)}
        if self._ask_taup is None:
            return ours, None
        some = np.linspace(0, len(estimate.target_row) - 1, _N_TAUP_DEVICES).astype(int)
        row = estimate.target_row[some]
        places = self._devices.lat_deg[row].astype(float), self._devices.lon_deg[row].astype(float)
        distance_deg = epicentral_km(*self._epicentre_deg, *places) / _KM_A_DEGREE
        started_s = time.perf_counter()
        p_travel_s, s_travel_s = self._ask_taup(distance_deg)
        taken_s = time.perf_counter() - started_s
        differs_s = max(
            np.abs(p_travel_s - estimate.p_arrival_s[some]).max(), np.abs(s_travel_s - estimate.s_arrival_s[some]).max()
        )
        return ours, {"rate_hz": len(some) / taken_s, "differs_s": round(float(differs_s), 4)}


def _taup_arrivals(
    model: str, depth_km: float
) -> Callable[[npt.NDArray[np.floating]], tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]]:
    """Return what asks obspy's TauP for the first P and S arrival at each distance, one call a device.

    Parameters
    ----------
    model
        ``iasp91`` or ``ak135``.
    depth_km
        The model is split there before the first call that counts, and kept.

    Returns
    -------
    arrivals
        Of distances in degrees, shape ``(n,)``; gives P and S travel times, s, likewise.
    """
    with warnings.catch_warnings():
        # obspy lists its plug-ins by an interface of the standard library that is going away.
        warnings.simplefilter("ignore", DeprecationWarning)
        from obspy.taup import TauPyModel

    taup = TauPyModel(model)
    phases = [*_P_PHASES, *_S_PHASES]

    def arrivals(
        distance_deg: npt.NDArray[np.floating],
    ) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
        first_s = []
        for degrees in distance_deg:
            found = taup.get_travel_times(depth_km, float(degrees), phases)
            first_s.append([min(each.time for each in found if each.name in of) for of in (_P_PHASES, _S_PHASES)])
        p_travel_s, s_travel_s = np.array(first_s).T
        return p_travel_s, s_travel_s

    arrivals(np.array([1.0]))
    return arrivals
