"""The reference library of a device: what to do with the messages it gets. Needs no numpy, opens no socket.

The life of an alert::

    from eew.client import Client

    client = Client(at=(35.68, 139.77), keys={"1f0c2d3e": public_bytes})
    subscribe(client.topic_filters)            # with any MQTT client
    client.take(topic, payload, now)           # Outcome.TAKEN: there is news
    for alert in client.alerts(now):           # as often as the screen is drawn, the most urgent first
        alert.level, alert.signal              # "critical": take cover, vibrate, flash
        alert.s_in_s                           # counts down to the S wave; negative once it has come
        alert.text("ja").long                  # the same in words, to be shown or, as ``spoken``, read aloud
        alert.kind, alert.status               # "cancel": it was no earthquake; "exercise": say so
        alert.shelter                          # where to go afterwards, with distance and bearing
                                               # once it has expired it is no longer in the list

``now`` is the wall clock, an aware ``datetime``; of a replay the client uses the earthquake's own time.
The simulated devices and ``eew watch`` follow the same rules, and the dispatcher uses the same formulas.
"""

from eew.client.device import Client
from eew.client.rules import Outcome
from eew.client.shown_alert import OwnAlert

__all__ = ["Client", "Outcome", "OwnAlert"]
