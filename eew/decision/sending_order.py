"""In which order the alerts go out, so that the most critical ones are on time, then the most active ones, and so on.

A job is one alert: unit length at the send rate, due when the S wave arrives. The sets of jobs that can all be on
time form a matroid (unit-time scheduling with deadlines) [CLRS09], so taking jobs greedily by level, each that leaves
the kept set feasible, is optimal. Feasible means: of the kept jobs, no more are due by any time than can be sent until
then. That is counting.

    due ──cut──▶ code ──radix sort──▶ by due time ──count per level──▶ kept │ not savable, late

It is tried with due times cut to bins first, with codes 16 bits wide so that a sort is two counting passes::

    0 … late codes … │ bins of bin_s until all is sent │ far: all of these can be on time … 65535

Only if not all can be on time so, due times are cut to the sending of one alert instead, and the counting is done level
by level: that gives up nobody who could be saved, and takes some four times as long.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from eew.model.errors import ModelRangeError
from eew.model.records import Level, RowColumn
from eew.physics.geodesy import FloatArray

__all__ = ["SendingOrder", "sending_order"]

N_CODES = 1 << 16
#: Codes for what is already late, and the most that bins before the end of sending may take.
N_LATE_CODES = 1 << 13
N_DUE_CODES = N_CODES - N_LATE_CODES
MAX_NEAR_CODES = 1 << 15
#: Due times further out than this, before now or after the end of sending, are told apart no more.
FAR_S = 3600.0
#: How late an alert with unknown S arrival is taken to be.
JUST_NOW_S = 1e-9
CHUNK = 1 << 15


@dataclass(frozen=True, slots=True)
class SendingOrder:
    """The order of sending, and how many of it are sure to be on time at the rate it was made for."""

    #: Shape ``(n,)``: positions of the jobs, first to be sent first.
    order: RowColumn
    #: The first ``n_on_time`` of ``order`` are on time, the rest is late or cannot be saved.
    n_on_time: int
    n_on_time_by_level: Mapping[Level, int]


@dataclass(frozen=True, slots=True)
class _Bins:
    """How due times become codes."""

    n_near: int
    near_s: float
    far_s: float
    late_s: float

    @property
    def end_s(self) -> float:
        """When everything is sent, rounded up to a bin."""
        return self.n_near * self.near_s

    def codes(self, slack_s: FloatArray) -> npt.NDArray[np.uint16]:
        """Return the code of each due time, shape ``(n,)``; never falls with the due time."""
        code = np.empty(len(slack_s), dtype=np.uint16)
        for first in range(0, len(slack_s), CHUNK):
            due_s = slack_s[first : first + CHUNK].astype(np.float64)
            due_s[np.isnan(due_s)] = -JUST_NOW_S
            bin_no = np.clip(due_s / self.near_s, 0, self.n_near)
            bin_no += np.clip((due_s - self.end_s) / self.far_s, 0, N_DUE_CODES - 1 - self.n_near)
            bin_no += np.clip(due_s / self.late_s, -N_LATE_CODES, 0)
            # One of the three at most has a fraction, and nothing is negative after the shift: truncation is the floor.
            code[first : first + CHUNK] = (bin_no + N_LATE_CODES).astype(np.uint16)
        return code


def sending_order(
    slack_s: FloatArray, level: npt.NDArray[np.uint8], rate_hz: float, bin_s: float = 0.0001
) -> SendingOrder:
    """Return the order in which to send alerts.

    Of all orders, this one puts the greatest number of critical alerts on time, among those orders the greatest
    number of active ones, then of passive ones.

    Parameters
    ----------
    slack_s
        Shape ``(n,)``, S arrival minus now; negative where it is too late already, NaN where unknown (taken
        as just missed). Not changed.
    level
        Shape ``(n,)``, codes of ``Level``.
    rate_hz
        Alerts a second; the k-th is sent ``k / rate_hz`` from now.
    bin_s
        Width of a bin.

    Returns
    -------
    sending_order
        First what can be on time, by due time; then the rest, by level, then by due time. Ties by position. Where the
        rate suffices for all, that is plain earliest-due-first.

    Raises
    ------
    ModelRangeError
        If the rate or the bin is not positive and finite.

    Notes
    -----
    Who is on time is exact. "By due time" is to a resolution, in which ties go by position. Where all that are not late
    already can be on time: ``bin_s`` for what is due before everything is sent (or a 32 768th of the time sending
    takes, where that is wider); for what is due later, a 24 576th of the span up to the last due time (0.02 s in
    8 min); for what is late, an 8 192nd of the greatest lateness (0.01 s in 80 s); never finer than ``bin_s``. Where
    that is too coarse to save all: ``bin_s``, or the sending of one alert where that is less. Beyond an hour all is
    one.

    References
    ----------
    [CLRS09] section 16.5, unit-time tasks with deadlines as a matroid; the counting form is derived in the code.
    """
    for name, value in (("rate_hz", rate_hz), ("bin_s", bin_s)):
        if not (value > 0 and math.isfinite(value)):
            raise ModelRangeError(name, value, "a positive number")
    n = len(slack_s)
    if n == 0:
        return SendingOrder(np.empty(0, dtype=np.int32), 0, dict.fromkeys(Level, 0))
    quick = _all_on_time(slack_s, level, rate_hz, bin_s)
    return _in_slots(slack_s, level, rate_hz, bin_s) if quick is None else quick


def _all_on_time(
    slack_s: FloatArray, level: npt.NDArray[np.uint8], rate_hz: float, bin_s: float
) -> SendingOrder | None:
    """Return the order, if all that are not late already are on time with due times cut to bins; else ``None``."""
    n = len(slack_s)
    bins = _bins(slack_s, n / rate_hz, bin_s)
    code = bins.codes(slack_s)
    count = np.bincount(code, minlength=N_CODES)
    # No more may be due by the end of a bin than can be sent until its start; what is far can be on time anyhow.
    n_until = np.cumsum(count[N_LATE_CODES : N_LATE_CODES + bins.n_near])
    # A billionth of a job, so that 2.9999999996 jobs a bin are three.
    if (n_until > rate_hz * bins.near_s * np.arange(bins.n_near) + 1e-9).any():
        return None
    by_due = np.argsort(code, kind="stable").astype(np.int32)
    late, on_time = np.split(by_due, [int(count[:N_LATE_CODES].sum())])
    level_late = level[late]
    n_on_time_by_level = np.bincount(level[on_time], minlength=len(Level))
    loudest_first = sorted(Level, reverse=True)
    return SendingOrder(
        np.concatenate([on_time, *(late[level_late == each] for each in loudest_first)]),
        len(on_time),
        {each: int(n_on_time_by_level[each]) for each in loudest_first},
    )


def _in_slots(slack_s: FloatArray, level: npt.NDArray[np.uint8], rate_hz: float, bin_s: float) -> SendingOrder:
    """Return the order with due times cut to the sending of one alert, by which nothing is lost; sorted by bins."""
    n = len(slack_s)
    bins_a_slot = math.ceil(1 / (rate_hz * bin_s))
    far_s = min(FAR_S, (2**31 - 1) / (rate_hz * bins_a_slot))
    due_s = np.nan_to_num(np.asarray(slack_s, dtype=np.float64), nan=-JUST_NOW_S)
    np.clip(due_s, -far_s, far_s, out=due_s)
    # How many alerts are sent by then, to the last bit: a quotient may be rounded across a whole number.
    slot = np.floor(due_s * rate_hz)
    slot -= slot / rate_hz > due_s
    slot += (slot + 1) / rate_hz <= due_s
    bin_no = np.clip((due_s * rate_hz - slot) * bins_a_slot, 0, bins_a_slot - 1).astype(np.int64)
    key = (slot.astype(np.int64) * bins_a_slot + bin_no + 2**31).astype(np.uint32)
    # The low half and then the high one: each sort is two counting passes.
    by_low = np.argsort(key.astype(np.uint16), kind="stable")
    by_due = by_low[np.argsort((key >> 16).astype(np.uint16)[by_low], kind="stable")]
    n_until_slot = np.cumsum(np.bincount(np.clip(slot, 0, n).astype(np.int64), minlength=n + 1))
    return _by_level(by_due.astype(np.int32), level, n_until_slot)


def _by_level(by_due: RowColumn, level: npt.NDArray[np.uint8], n_until_slot: npt.NDArray[np.int64]) -> SendingOrder:
    """Keep of each level, from the loudest, the most that leaves all that is kept on time.

    Parameters
    ----------
    by_due
        Shape ``(n,)``, positions by due time.
    level
        Shape ``(n,)``, by position.
    n_until_slot
        How many are due by the end of each slot, all late ones counting to the first, shape ``(n + 1,)``.
    """
    n = len(by_due)
    level_by_due = level[by_due]
    is_on_time = np.zeros(n, dtype=np.bool_)
    n_before = np.zeros(n + 1, dtype=np.int32)
    # How many can be sent by the start of each slot.
    room = np.arange(n + 1, dtype=np.int32)
    n_on_time_by_level = dict.fromkeys(sorted(Level, reverse=True), 0)
    counts = np.bincount(level, minlength=len(Level))
    is_level = {each: level_by_due == each for each in n_on_time_by_level if counts[each]}
    for each, is_this in is_level.items():
        # What may still be added to a slot, so that it and every later one stay feasible.
        room = np.minimum.accumulate(room[::-1])[::-1]
        np.cumsum(is_this, out=n_before[1:])
        n_until = n_before[n_until_slot]
        # Kept until b, the most there can be: A(b) = min(A(b−1) + n(b), room(b)). Unrolled, with N(b) the sum of n:
        # A(b) = N(b) + min(0, min over j ≤ b of room(j) − N(j)); room never falls, so neither does A.
        n_kept_until = n_until + np.minimum(np.minimum.accumulate(room - n_until), 0)
        n_on_time_by_level[each] = int(n_kept_until[-1])
        room -= n_kept_until
        if n_kept_until[-1] == n_until[-1]:
            is_on_time |= is_this
        else:
            n_here = np.diff(n_until, prepend=0)
            n_kept_here = np.diff(n_kept_until, prepend=0)
            runs = np.stack((n_kept_here, n_here - n_kept_here), axis=1).ravel()
            is_on_time[np.flatnonzero(is_this)] = np.repeat(np.tile([True, False], n + 1), runs)

    # np.compress and not a boolean index: it takes a fifth of the time where the mask is without pattern.
    parts = [np.compress(is_on_time, by_due)]
    if len(parts[0]) < n:
        parts += [np.compress(is_this & ~is_on_time, by_due) for is_this in is_level.values()]
    order = parts[0] if len(parts) == 1 else np.concatenate(parts)
    return SendingOrder(order, len(parts[0]), n_on_time_by_level)


def _bins(slack_s: FloatArray, sending_s: float, bin_s: float) -> _Bins:
    """Return bins fine enough where order decides who is on time, and wide enough for the rest."""
    near_s = max(bin_s, sending_s / MAX_NEAR_CODES)
    n_near = math.ceil(sending_s / near_s)
    far_span_s = min(float(np.fmax.reduce(slack_s)) - n_near * near_s, FAR_S)
    late_span_s = min(-float(np.fmin.reduce(slack_s)), FAR_S)
    return _Bins(
        n_near=n_near,
        near_s=near_s,
        # One code less than there are, so that the last due time has one of its own.
        far_s=max(bin_s, far_span_s / (N_DUE_CODES - n_near - 1)),
        late_s=max(bin_s, late_span_s / N_LATE_CODES),
    )
