"""``eew devices`` makes, imports and tells about populations, and says what is wrong in one line."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from eew.cli.main import main
from eew.devices.population.store import load
from eew.model.records import DeviceKind


def make(out: Path, *options: str) -> int:
    return main(
        ["devices", "make", "--region", "taiwan", "--devices", "500", "--seed", "1", "--out", str(out), *options]
    )


def test_make_writes_a_population_and_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A population is made, and one line tells how many of what and where."""
    assert make(tmp_path / "taiwan", "--tv-share", "0") == 0
    assert len(load(tmp_path / "taiwan")) == 500
    said = capsys.readouterr()
    assert said.out == f"500 devices (500 phones, 0 TVs) written to {tmp_path / 'taiwan'}\n"
    assert said.err == ""


def test_one_in_five_is_a_tv_by_default(tmp_path: Path) -> None:
    """Without --tv-share about 100 of 500 devices are TVs."""
    make(tmp_path / "taiwan")
    assert 60 < (load(tmp_path / "taiwan").kind == DeviceKind.TV).sum() < 140


def test_make_says_what_it_replaces(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Making over a population replaces it and says so."""
    make(tmp_path / "taiwan")
    assert make(tmp_path / "taiwan") == 0
    assert "in place of the population that was there" in capsys.readouterr().out


def test_make_takes_a_disc_in_the_south_and_west(tmp_path: Path) -> None:
    """A disc with negative coordinates is not mistaken for an option."""
    out = tmp_path / "santiago"
    assert make(out, "--region", "-33.45,-70.66,30") == 0
    assert load(out).region == "-33.45,-70.66,30"


def test_make_says_when_no_town_is_there(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A disc in the empty sea is filled evenly, and that is said."""
    out = tmp_path / "sea"
    assert make(out, "--region", "-50,-130,100") == 0
    assert "no town within -50,-130,100: devices lie evenly over the disc" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("options", "said"),
    [
        pytest.param(["--region", "atlantis"], "--region: 'atlantis': expected one of california", id="region"),
        pytest.param(["--region", "1,2,-3"], "--region: '1,2,-3': expected LAT", id="disc"),
        pytest.param(["--devices", "many"], "--devices: 'many': expected a whole number", id="devices-word"),
        pytest.param(["--devices", "0"], "--devices: 0: expected a whole number from 1", id="devices-none"),
        pytest.param(["--seed", "1.5"], "--seed: '1.5': expected a whole number", id="seed"),
        pytest.param(["--tv-share", "20%"], "--tv-share: '20%': expected a number", id="share-word"),
        pytest.param(["--tv-share", "20"], "--tv-share: 20.0: expected a number from 0 to 1", id="share-range"),
    ],
)
def test_bad_options_end_with_2_and_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], options: list[str], said: str
) -> None:
    """A bad option is named with its value and what was expected; nothing is written."""
    assert make(tmp_path / "out", *options) == 2
    error = capsys.readouterr().err
    assert said in error
    assert error.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


def test_foreign_directory_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A directory of somebody else's ends with 2 before anything is made."""
    (tmp_path / "thesis.txt").write_text("five years of work")
    assert make(tmp_path) == 2
    assert "thesis.txt" in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]


def test_import_lists_what_it_leaves_out(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Good rows become a population; bad ones are counted, shown with line numbers and listed in a file."""
    path, out = tmp_path / "list.csv", tmp_path / "out"
    path.write_text("id,lat_deg,lon_deg,kind\na,35,139,tv\nb,0,0,tv\na,35,139,tv\nc,95,139,\nd,36,140,\n")
    assert main(["devices", "import", str(path), "--out", str(out)]) == 0
    assert sorted(load(out).id.tolist()) == [b"a", b"d"]
    said = capsys.readouterr().out
    assert "2 devices (1 phones, 1 TVs) written" in said
    assert "3 rows left out" in said
    assert f"{path}:3: lat_deg: '0': latitude and longitude both 0" in said
    assert f"{path}:4: id: 'a': id already seen" in said
    assert f"{path}:5: lat_deg: '95': out of range" in said
    assert len((out / "rejected.csv").read_text().splitlines()) == 4


def test_import_of_many_bad_rows_stays_readable(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Of a thousand bad rows twenty are shown, and all are in the file."""
    path, out = tmp_path / "list.csv", tmp_path / "out"
    path.write_text("id,lat_deg,lon_deg\na,35,139\n" + "b,0,0\n" * 1000)
    assert main(["devices", "import", str(path), "--out", str(out)]) == 0
    said = capsys.readouterr().out
    assert said.count(f"{path}:") == 20
    assert "and 980 more" in said
    assert len((out / "rejected.csv").read_text().splitlines()) == 1001


def test_import_without_bad_rows_lists_none(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Where nothing is left out there is no list of it, not even a former one."""
    path, out = tmp_path / "list.csv", tmp_path / "out"
    path.write_text("id,lat_deg,lon_deg\na,35,139\nb,0,0\n")
    main(["devices", "import", str(path), "--out", str(out)])
    path.write_text("id,lat_deg,lon_deg\na,35,139\n")
    capsys.readouterr()
    assert main(["devices", "import", str(path), "--out", str(out)]) == 0
    assert "left out" not in capsys.readouterr().out
    assert not (out / "rejected.csv").exists()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        pytest.param("id,lat_deg,lon_deg\na,0,0\n", "none usable", id="nothing-left"),
        pytest.param("name\nx\n", "list.csv:1: id: 'missing'", id="no-header"),
        pytest.param(None, "list.csv", id="no-file"),
    ],
)
def test_unusable_list_ends_with_2(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], text: str | None, said: str
) -> None:
    """A list of nothing usable is named in one line, and no population is written."""
    path = tmp_path / "list.csv"
    if text is not None:
        path.write_text(text)
    assert main(["devices", "import", str(path), "--out", str(tmp_path / "out")]) == 2
    error = capsys.readouterr().err
    assert said in error
    assert error.count("\n") == 1
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("name", ["list.csv", "list.geojson"])
def test_export_writes_a_list_and_never_over_another_unasked(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    """What is there stays unless --replace is given, and then it is said."""
    make(tmp_path / "taiwan")
    out = tmp_path / name
    words = ["devices", "export", str(tmp_path / "taiwan"), "--out", str(out)]
    capsys.readouterr()
    assert main(words) == 0
    said = capsys.readouterr().out
    assert said.startswith("500 devices (")
    assert f"written to {out}\n" in said
    assert "GeoNames" in said
    written = out.read_bytes()
    assert written.count(b"eew/v1/alerts/device/") == 500
    out.write_text("mine")
    assert main(words) == 2
    assert out.read_text() == "mine"
    capsys.readouterr()
    assert main([*words, "--replace"]) == 0
    assert "in place of the file that was there" in capsys.readouterr().out
    assert out.read_bytes() == written
    assert {entry.name for entry in tmp_path.iterdir()} == {"taiwan", name}


@pytest.mark.parametrize(
    ("population", "out", "named"),
    [
        ("nowhere", "list.csv", "nowhere/devices.toml"),
        ("taiwan", "list.parquet", ".csv or .geojson"),
        ("taiwan", "nowhere/list.csv", "a folder that exists"),
        ("taiwan", "folder.csv", "a file"),
    ],
)
def test_export_that_cannot_be_ends_with_2_and_one_line(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    population: str,
    out: str,
    named: str,
) -> None:
    """Nothing is written."""
    monkeypatch.chdir(tmp_path)
    make(tmp_path / "taiwan")
    (tmp_path / "folder.csv").mkdir()
    capsys.readouterr()
    assert main(["devices", "export", population, "--out", out]) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert named in error
    assert {entry.name for entry in tmp_path.iterdir()} == {"taiwan", "folder.csv"}


def test_interrupt_while_exporting_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither half a list nor what it was written in, and what was there is still there."""
    make(tmp_path / "taiwan")
    out = tmp_path / "list.csv"
    out.write_text("mine")

    def interrupted(*_: object, **__: object) -> Iterator[str]:
        yield "id\n"
        raise KeyboardInterrupt

    monkeypatch.setattr("eew.devices.population.exporter.exported", interrupted)
    assert main(["devices", "export", str(tmp_path / "taiwan"), "--out", str(out), "--replace"]) == 130
    assert out.read_text() == "mine"
    assert {entry.name for entry in tmp_path.iterdir()} == {"taiwan", "list.csv"}


def test_info_tells_what_is_there(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Region, seed, counts, extent and GeoNames' credit are told."""
    make(tmp_path / "taiwan", "--tv-share", "1")
    capsys.readouterr()
    assert main(["devices", "info", str(tmp_path / "taiwan")]) == 0
    said = capsys.readouterr().out
    for words in ("taiwan", "500 (0 phones, 500 TVs)", "t000000000, t000000499", "GeoNames", "CC BY 4.0"):
        assert words in said


def test_info_on_an_import_credits_nobody(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """An imported population has no seed and owes GeoNames nothing."""
    (tmp_path / "list.csv").write_text("id,lat_deg,lon_deg\na,35,139\n")
    main(["devices", "import", str(tmp_path / "list.csv"), "--out", str(tmp_path / "out")])
    capsys.readouterr()
    assert main(["devices", "info", str(tmp_path / "out")]) == 0
    said = capsys.readouterr().out
    assert "none (imported)" in said
    assert "GeoNames" not in said


def test_info_on_nothing_ends_with_2(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What is no population says how to make one."""
    assert main(["devices", "info", str(tmp_path)]) == 2
    assert "eew devices make" in capsys.readouterr().err


def test_interrupt_while_writing_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ctrl-C ends with 130 and leaves no directory that looks like a population."""

    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("eew.devices.population.store._write_columns", interrupted)
    assert make(tmp_path / "taiwan") == 130
    assert list(tmp_path.iterdir()) == []


def test_long_work_is_told_in_plain_lines(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without a terminal, what takes longer than two seconds says how far it is."""
    monkeypatch.setattr("eew.view.progress.QUIET_S", -1.0)
    make(tmp_path / "taiwan")
    said = capsys.readouterr().err.splitlines()
    assert said
    assert all(line.startswith(("making devices: ", "writing devices: ")) for line in said)
    assert said[0].endswith("%")
