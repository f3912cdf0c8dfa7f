"""What is signed, with which key, and what a device makes of it."""

import base64
import os
import stat
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import msgspec
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import given, settings
from hypothesis import strategies as st

from eew.contract.signature import (
    DEPTH_DECIMALS,
    MAGNITUDE_DECIMALS,
    POSITION_DECIMALS,
    SigningKey,
    Verifier,
    core_bytes,
    core_time,
    key_id_of,
)
from eew.model.errors import InputError
from eew.model.records import AlertStatus, ReportKind
from tests.strategies import DEPTHS_KM, LATITUDES, LONGITUDES, MAGNITUDES

#: Seed, public key, message, signature: RFC 8032, section 7.1, tests 1 to 3.
RFC8032 = [
    (
        "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
        "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
        "",
        "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b",
    ),
    (
        "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
        "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
        "72",
        "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00",
    ),
    (
        "c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
        "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
        "af82",
        "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a",
    ),
]

TOHOKU: dict[str, Any] = {
    "event_id": "20110311144640",
    "report_no": 9,
    "kind": ReportKind.UPDATE,
    "status": AlertStatus.ACTUAL,
    "issued_at": datetime(2011, 3, 11, 5, 47, 2, 400_000, UTC),
    "origin_at": datetime(2011, 3, 11, 5, 46, 16, 100_000, UTC),
    "lat_deg": 38.1,
    "lon_deg": 142.9,
    "depth_km": 10,
    "magnitude": 7.6,
    "expires_at": datetime(2011, 3, 11, 5, 52, 0, 999_999, UTC),
}
KEY = SigningKey.from_seed(bytes(range(32)))
OTHER_KEY = SigningKey.from_seed(bytes(range(1, 33)))

#: From 1970 to about 2286, by the microsecond.
instants = st.integers(0, 10**16).map(
    lambda since_us: datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=since_us)
)
cores = st.fixed_dictionaries(
    {
        "event_id": st.from_regex(r"[A-Za-z0-9_-]{1,64}", fullmatch=True),
        "report_no": st.integers(1, 30000),
        "kind": st.sampled_from(ReportKind),
        "status": st.sampled_from(AlertStatus),
        "issued_at": instants,
        "origin_at": st.none() | instants,
        "lat_deg": st.none() | LATITUDES,
        "lon_deg": st.none() | LONGITUDES,
        "depth_km": st.none() | DEPTHS_KM,
        "magnitude": st.none() | MAGNITUDES,
        "expires_at": instants,
    }
)


def as_raw(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


@pytest.mark.parametrize(("seed", "public", "message", "signature"), RFC8032, ids=["empty", "one byte", "two bytes"])
def test_signatures_are_those_of_the_standard(seed: str, public: str, message: str, signature: str) -> None:
    """Key, signature and check agree with RFC 8032's own examples."""
    key = SigningKey.from_seed(bytes.fromhex(seed))
    assert key.public_bytes.hex() == public
    text = key.sign(bytes.fromhex(message))
    assert len(text) == 86
    assert as_raw(text).hex() == signature
    verifier = Verifier({key.key_id: bytes.fromhex(public)})
    assert verifier.verify(key.key_id, bytes.fromhex(message), text)
    assert not verifier.verify(key.key_id, bytes.fromhex(message) + b"\x00", text)


def test_a_key_is_named_by_its_hash() -> None:
    """SHA-256 of 32 zero bytes begins with 66687aad (computed with sha256sum)."""
    assert key_id_of(bytes(32)) == "66687aad"
    assert KEY.key_id == key_id_of(KEY.public_bytes)
    assert repr(KEY) == f"SigningKey({KEY.key_id})"


def test_the_core_is_the_documented_text() -> None:
    """Every line written out by hand."""
    assert core_bytes(**TOHOKU).decode().split("\n") == [
        "eew-core-v1",
        "20110311144640",
        "9",
        "update",
        "actual",
        "2011-03-11T05:47:02.400Z",
        "2011-03-11T05:46:16.100Z",
        "38.10000",
        "142.90000",
        "10.000",
        "7.60",
        "2011-03-11T05:52:00.999Z",
    ]


def test_what_is_unknown_is_an_empty_line() -> None:
    """A cancel may leave out everything of the focus and still has twelve lines."""
    unknown = dict.fromkeys(("origin_at", "lat_deg", "lon_deg", "depth_km", "magnitude"))
    lines = core_bytes(**{**TOHOKU, **unknown, "kind": "cancel"}).decode().split("\n")
    assert lines[3] == "cancel"
    assert lines[6:11] == ["", "", "", "", ""]
    assert len(lines) == 12


@pytest.mark.parametrize("zero", [0.0, -0.0, -0.000004, 0.000004, 0])
def test_a_zero_has_no_sign(zero: float) -> None:
    """Languages differ in how they print minus zero."""
    assert core_bytes(**{**TOHOKU, "lat_deg": zero}).decode().split("\n")[7] == "0.00000"


def test_an_instant_is_told_in_utc() -> None:
    """The same instant in another zone is the same core; milliseconds are cut off, not rounded."""
    tokyo = timezone(timedelta(hours=9))
    assert core_time(datetime(2011, 3, 11, 14, 46, 59, 999_999, tokyo)) == "2011-03-11T05:46:59.999Z"


@pytest.mark.parametrize(
    "wrong",
    [
        {"event_id": "a\nb"},
        {"lat_deg": float("nan")},
        {"magnitude": float("inf")},
        {"issued_at": datetime(2011, 3, 11)},  # noqa: DTZ001 - naive on purpose
    ],
    ids=["line feed", "nan", "infinity", "no zone"],
)
def test_what_would_be_ambiguous_is_not_signed(wrong: dict[str, Any]) -> None:
    """Such a core is a mistake of the caller."""
    with pytest.raises(ValueError, match=r"line feed|finite|time zone"):
        core_bytes(**{**TOHOKU, **wrong})


@given(cores)
def test_a_receiver_recomputes_the_core_from_the_json(fields: dict[str, Any]) -> None:
    """Printed in JSON with no more decimals than allowed, and read back, the fields give the same bytes."""
    decimals = {
        "lat_deg": POSITION_DECIMALS,
        "lon_deg": POSITION_DECIMALS,
        "depth_km": DEPTH_DECIMALS,
        "magnitude": MAGNITUDE_DECIMALS,
    }
    payload = {name: value for name, value in fields.items() if value is not None}
    for name, n_decimals in decimals.items():
        if name in payload:
            payload[name] = msgspec.Raw(f"{payload[name]:.{n_decimals}f}".encode())
    for name in ("issued_at", "origin_at", "expires_at"):
        if name in payload:
            payload[name] = core_time(payload[name])
    read = msgspec.json.decode(msgspec.json.encode(payload))
    for name in ("issued_at", "origin_at", "expires_at"):
        read[name] = msgspec.convert(read.get(name), datetime | None)
    for name in decimals:
        read.setdefault(name, None)
    assert core_bytes(**read) == core_bytes(**fields)


@settings(max_examples=40)
@given(cores, st.data())
def test_changing_any_field_breaks_the_signature(fields: dict[str, Any], data: st.DataObject) -> None:
    """Whatever is told otherwise than it was signed is refused."""
    steps: dict[str, Any] = {
        "event_id": lambda value: value + "x",
        "report_no": lambda value: value + 1,
        "kind": lambda value: data.draw(st.sampled_from([kind for kind in ReportKind if kind != value])),
        "status": lambda value: data.draw(st.sampled_from([status for status in AlertStatus if status != value])),
        "issued_at": lambda value: value + timedelta(milliseconds=1),
        "origin_at": lambda value: value + timedelta(milliseconds=1) if value else TOHOKU["origin_at"],
        "lat_deg": lambda value: 1.0 if value is None else value + 0.00002,
        "lon_deg": lambda value: 1.0 if value is None else value + 0.00002,
        "depth_km": lambda value: 1.0 if value is None else value + 0.002,
        "magnitude": lambda value: 1.0 if value is None else value + 0.02,
        "expires_at": lambda value: value + timedelta(milliseconds=1),
    }
    assert steps.keys() == fields.keys()
    verifier = Verifier({KEY.key_id: KEY.public_bytes})
    signature = KEY.sign(core_bytes(**fields))
    assert verifier.verify(KEY.key_id, core_bytes(**fields), signature)
    for name, step in steps.items():
        changed = {**fields, name: step(fields[name])}
        assert not verifier.verify(KEY.key_id, core_bytes(**changed), signature), name


def test_only_a_trusted_key_of_that_name_counts() -> None:
    """Neither an unknown key nor a known one under another's name passes."""
    core = core_bytes(**TOHOKU)
    verifier = Verifier({KEY.key_id: KEY.public_bytes})
    assert not verifier.verify(OTHER_KEY.key_id, core, OTHER_KEY.sign(core))
    assert not verifier.verify(KEY.key_id, core, OTHER_KEY.sign(core))
    assert not Verifier({KEY.key_id: OTHER_KEY.public_bytes}).verify(KEY.key_id, core, KEY.sign(core))


@given(
    st.one_of(st.none(), st.integers(), st.text(), st.just(KEY.key_id), st.lists(st.text())),
    st.binary(),
    st.one_of(st.none(), st.integers(), st.text(), st.binary(), st.text(min_size=86, max_size=86)),
)
def test_garbage_is_refused_without_an_error(key_id: object, core: bytes, signature: object) -> None:
    """Anything may come over the wire."""
    assert not Verifier({KEY.key_id: KEY.public_bytes}).verify(key_id, core, signature)


def test_one_signature_has_one_text() -> None:
    """Padding, the other alphabet and spare bits at the end are refused though they mean the same bytes."""
    core = b"core"
    n_tries = 0
    while not set(signature := KEY.sign(core)) & {"-", "_"}:
        n_tries += 1
        core += b"."
        assert n_tries < 100
    verifier = Verifier({KEY.key_id: KEY.public_bytes})
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    spare = signature[:-1] + alphabet[alphabet.index(signature[-1]) + 1]
    assert as_raw(spare) == as_raw(signature)
    assert verifier.verify(KEY.key_id, core, signature)
    for other in (f"{signature}==", f"{signature}\n", signature.translate(str.maketrans("-_", "+/")), spare):
        assert not verifier.verify(KEY.key_id, core, other)


def test_the_same_question_is_worked_out_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """A million alerts of one report cost one check, a flood of different ones a bounded memory."""
    verifier = Verifier({KEY.key_id: KEY.public_bytes})
    asked: list[bytes] = []
    check = verifier._check

    def counting(key_id: str, core: bytes, signature: str) -> bool:
        asked.append(core)
        return check(key_id, core, signature)

    monkeypatch.setattr(verifier, "_check", counting)
    signature = KEY.sign(b"core")
    assert all(verifier.verify(KEY.key_id, b"core", signature) for _ in range(1000))
    assert asked == [b"core"]
    for number in range(3000):
        assert not verifier.verify("unknown", str(number).encode(), signature)
    assert len(verifier._checked) <= 1024


def test_a_public_key_of_the_wrong_size_is_not_trusted() -> None:
    """A mistake in the configuration shows when it is made."""
    with pytest.raises(ValueError, match="32"):
        Verifier({"a1b2c3d4": b"short"})


def test_the_key_is_made_on_first_use_and_kept(tmp_path: Path) -> None:
    """The file is for its owner only, whatever the umask, and gives the same key next time."""
    path = tmp_path / "eew" / "signing-key.pem"
    before = os.umask(0)
    try:
        made = SigningKey.load_or_create(path)
    finally:
        os.umask(before)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert [found.name for found in path.parent.iterdir()] == ["signing-key.pem"]
    assert path.read_bytes().startswith(b"-----BEGIN PRIVATE KEY-----")
    assert SigningKey.load_or_create(path).public_bytes == made.public_bytes


def test_the_default_place_is_the_users_data_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing given, the key is the user's."""
    monkeypatch.setattr("platformdirs.user_data_path", lambda name: tmp_path / name)
    made = SigningKey.load_or_create()
    assert SigningKey.load_or_create(tmp_path / "eew" / "signing-key.pem").key_id == made.key_id


def test_a_key_that_was_named_is_never_made(tmp_path: Path) -> None:
    """A slip of the hand in its name is an error that says how to make one, and makes none."""
    with pytest.raises(InputError, match=r"missing.*eew key new .*nokey"):
        SigningKey.named_or_own(tmp_path / "nokey")
    assert list(tmp_path.iterdir()) == []
    made = SigningKey.create(tmp_path / "key.pem")
    assert SigningKey.named_or_own(tmp_path / "key.pem").key_id == made.key_id


def test_without_a_name_it_is_the_users_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """That one is made on first use."""
    monkeypatch.setattr("platformdirs.user_data_path", lambda name: tmp_path / name)
    own = SigningKey.named_or_own(None)
    assert SigningKey.named_or_own(tmp_path / "eew" / "signing-key.pem").key_id == own.key_id


@pytest.mark.parametrize("content", ["", "somebody's only key"])
def test_a_new_key_is_written_over_nothing(content: str, tmp_path: Path) -> None:
    """Whatever stands there stays."""
    path = tmp_path / "key.pem"
    path.write_text(content)
    with pytest.raises(InputError, match="never written over"):
        SigningKey.create(path)
    assert path.read_text() == content
    assert [found.name for found in tmp_path.iterdir()] == ["key.pem"]


def test_many_who_come_first_at_once_agree_on_one_key(tmp_path: Path) -> None:
    """Whoever loses the race takes the winner's key."""
    n_racers = 8
    for race in range(20):
        path = tmp_path / str(race) / "key.pem"
        start = threading.Barrier(n_racers)

        def load(path: Path = path, start: threading.Barrier = start) -> str:
            start.wait(10)
            return SigningKey.load_or_create(path).key_id

        with ThreadPoolExecutor(n_racers) as pool:
            racers = [pool.submit(load) for _ in range(n_racers)]
        assert len({racer.result() for racer in racers}) == 1
        assert [found.name for found in path.parent.iterdir()] == ["key.pem"]


@pytest.mark.parametrize("mode", [0o644, 0o640, 0o604, 0o620])
def test_a_key_that_others_can_reach_is_refused(tmp_path: Path, mode: int) -> None:
    """The error says what was found and how to mend it."""
    path = tmp_path / "key.pem"
    SigningKey.load_or_create(path)
    path.chmod(mode)
    with pytest.raises(InputError, match=f"chmod 600 {path}") as caught:
        SigningKey.load_or_create(path)
    assert caught.value.file == str(path)
    assert caught.value.value == f"{mode:04o}"


def wrong_pem(kind: str) -> bytes:
    """Return a file that is no key of ours."""
    pem, pkcs8 = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
    if kind == "other curve":
        return ec.generate_private_key(ec.SECP256R1()).private_bytes(pem, pkcs8, serialization.NoEncryption())
    if kind == "password":
        return KEY._private_key.private_bytes(pem, pkcs8, serialization.BestAvailableEncryption(b"secret"))
    return {"empty": b"", "text": b"not a key\n", "half": b"-----BEGIN PRIVATE KEY-----\nMC4CAQ"}[kind]


@pytest.mark.parametrize("kind", ["empty", "text", "half", "other curve", "password"])
def test_a_broken_key_file_is_refused_and_left_alone(tmp_path: Path, kind: str) -> None:
    """It may be somebody's only key: the error names the file, nothing is written over."""
    path = tmp_path / "key.pem"
    content = wrong_pem(kind)
    path.touch(0o600)
    path.write_bytes(content)
    with pytest.raises(InputError, match="expected an Ed25519 private key") as caught:
        SigningKey.load_or_create(path)
    assert caught.value.file == str(path)
    assert path.read_bytes() == content
