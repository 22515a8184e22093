"""Commands: help with an example each, quick to start, output that can be read and piped."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from neurosim.cli import console, main
from neurosim.cli.app import COMMANDS, app
from neurosim.cli.running import settings
from neurosim.spec import NOTICE


@pytest.fixture
def command(capsys):
    """Run the command in this process; returns what it printed. It must end well."""

    def call(*arguments, status=0):
        with pytest.raises(SystemExit) as left:
            main([str(a) for a in arguments])
        out, err = capsys.readouterr()
        assert left.value.code == status, err
        return out

    return call


@pytest.mark.parametrize("name", COMMANDS)
def test_the_help_of_every_command_has_an_example_that_names_it(command, name):
    text = command(name, "--help")
    assert re.search(rf"Examples?:\n( +neurosim {name} \S.*\n)+", text)


def test_the_list_of_commands_is_the_one_that_exists(command):
    names = [c.name or c.callback.__name__ for c in app.registered_commands]
    assert sorted(names) == sorted(COMMANDS)
    text = command("--help")
    assert all(re.search(rf"^  {name} ", text, re.MULTILINE) for name in COMMANDS)


def test_help_and_version_import_nothing_heavy():
    script = (
        "import sys\n"
        "from neurosim.cli import main\n"
        "try:\n"
        "    main([sys.argv[1]])\n"
        "except SystemExit as left:\n"
        "    assert left.code == 0\n"
        "heavy = {'numpy', 'xarray', 'pint', 'brian2', 'scipy', 'matplotlib', 'h5py'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
    )
    for flag in ("--help", "--version"):
        subprocess.run([sys.executable, "-c", script, flag], check=True, stdout=subprocess.DEVNULL)


def test_run_ends_with_the_table_and_the_paths(tiny, command, fake_engine):
    out = command("run", "tiny_experiment", "--workers", "1")
    assert re.search(r"^rates$", out, re.MULTILINE)
    assert re.search(r"^concentrations$", out, re.MULTILINE)
    assert re.search(r"DRN_HT +Hz +\d", out)
    assert re.search(r"^figure +results/tiny_experiment/overview\.png$", out, re.MULTILINE)
    again = command("run", "tiny_experiment", "--workers", "1")
    assert "Nothing was simulated: all 8 trials are there." in again
    assert "DRN_HT" in command("show", "results/tiny_experiment")


def test_dry_run_and_check_say_what_would_run_and_do_not(tiny, command, fake_engine):
    said = ((["check"], 0, "by experience, none has run yet"), (["run", "--dry-run"], 2, "from one trial"))
    for verb, runs, known in said:
        out = command(*verb, "tiny_experiment", "--set", "subjects=3")
        assert "4 arms x 3 subjects: 12 trials, 0 done, 0 failed, 12 to run" in out
        assert "drug escitalopram" in out
        assert known in out
        assert fake_engine.runs == runs, "one trial of two phases is measured, and thrown away"
    assert not (tiny / "results").exists()
    assert "r = " in command("check", "tiny")


def test_status_prints_the_counts(tiny, command, fake_engine):
    command("run", "tiny_experiment", "--workers", "1")
    out = command("status", "results/tiny_experiment")
    assert re.search(r"^  done +8 +8 ok$", out, re.MULTILINE)
    assert re.search(r"^  missing +0", out, re.MULTILINE)


def test_show_of_a_circuit_says_who_connects_releases_and_hears(tiny, command):
    out = command("show", "tiny")
    assert re.search(r"DRN_HT +VTA_GABA +AMPA +5 +0.5 nS +4 ms +depresses, U 0.5", out)
    assert re.search(r"NAc DA +VTA_DA +150 nM +0.6 +0.25 +1.5 s +0.07 1/s +20 nM - 70 nM", out)
    assert re.search(r"NAc DA +DAT +other +200 nM/s +210 nM", out)
    assert re.search(r"D2_NAc +D2 +VTA_DA +terminal +NAc +10 +all +release into NAc\.DA x \(1 - 0\.6\)", out)
    assert re.search(r"\d+ numbers: \d+ assumed", out)


def test_show_knows_experiments_drugs_receptors_and_carriers(tiny, command):
    assert "escitalopram 5 nM" in command("show", "tiny_experiment")
    drug = command("show", "escitalopram")
    assert re.search(r"SERT +carrier +inhibitor", drug)
    assert re.search(r"Pharmacokinetics in rat: 1 mg/kg ip, once and every 24 h\n +ligand +in +unit", drug)
    assert re.search(r"escitalopram +brain, free +nM +[\d.]+ +[\d.]+ (min|h)", drug)
    assert "transmitter 5-HT" in command("show", "5-HT1A")
    assert "WAY-100635" in command("show", "5-ht1a")
    assert "CP-93129, human" in command("show", "5-HT1B"), "affinities of a species stand beside the default"
    assert "takes 5-HT" in command("show", "SERT")


@pytest.mark.parametrize("what", ["circuits", "experiments", "drugs", "receptors", "targets"])
def test_lists_are_tables_with_a_line_for_each_name(tiny, command, what):
    lines = command("list", what).splitlines()
    expected = {
        "circuits": "tiny",
        "experiments": "tiny_experiment",
        "drugs": "escitalopram",
        "receptors": "5-HT2C",
    }
    assert any(line.startswith(f"{expected.get(what, 'BF01')} ") for line in lines[1:])


@pytest.mark.parametrize("what", ["circuit", "experiment"])
def test_schema_is_json_schema(command, what):
    import json

    assert json.loads(command("schema", what))["type"] == "object"


def test_cache_shows_and_clears_the_programs(command, tmp_path, monkeypatch):
    monkeypatch.setenv("NEUROSIM_CACHE", str(tmp_path))
    assert command("cache").startswith("0 compiled program(s), 0 B")
    assert command("cache", "--clear").endswith("nothing to remove\n")
    program = tmp_path / "programs" / "abc"
    program.mkdir(parents=True)
    (program / "main").write_bytes(b"x" * 2000)
    assert re.search(r"^  abc .* 2 kB .* no: it is not whole$", command("cache"), re.MULTILINE)
    assert "1 removed" in command("cache", "--clear")
    assert not program.exists()


def test_cache_removes_what_cannot_be_used_here(command, tmp_path, monkeypatch):
    from neurosim.engines import cached

    monkeypatch.setenv("NEUROSIM_CACHE", str(tmp_path))
    monkeypatch.setattr(cached, "is_whole", lambda path: True)
    here = cached.fingerprint(cached.compiler_here())
    for name, facts in (("good", here), ("old", {**here, "sources": "edited"})):
        program = tmp_path / "programs" / name
        program.mkdir(parents=True)
        (program / "program.json").write_text(json.dumps({"fingerprint": facts}))
    shown = command("cache")
    assert re.search(r"^  good .* yes$", shown, re.MULTILINE)
    assert re.search(r"^  old .* no: other sources of neurosim$", shown, re.MULTILINE)
    assert "1 removed" in command("cache", "--stale")
    assert [path.name for path in (tmp_path / "programs").iterdir() if path.is_dir()] == ["good"]


def test_settings_are_cut_at_the_first_equals_sign():
    given = ["subjects=8", 'arms.a.set["pools.*.k_out"] = 0.5x', "name=a=b"]
    assert settings(given) == {"subjects": "8", 'arms.a.set["pools.*.k_out"]': "0.5x", "name": "a=b"}
    assert settings(None) == {}


def test_a_table_is_aligned_and_numbers_stand_to_the_right(capsys):
    console.table(["name", "n", "weight"], [["a", 5, "0.5 nS"], ["long_name", 12, "10 nS"]])
    assert (
        capsys.readouterr().out
        == "  name        n  weight\n  a           5  0.5 nS\n  long_name  12   10 nS\n"
    )


def test_a_table_wider_than_the_terminal_continues_below(capsys, monkeypatch):
    monkeypatch.setattr(console.sys.stdout, "isatty", lambda: True, raising=False)
    monkeypatch.setenv("COLUMNS", "24")
    console.table(["x", "one", "two", "three"], [["a", "aaaaaaaaa", "bbbbbbbb", "c"]])
    lines = capsys.readouterr().out.splitlines()
    assert lines == ["  x  one        two", "  a  aaaaaaaaa  bbbbbbbb", "  x  three", "  a  c"]


def test_progress_without_a_terminal_is_plain_lines(capsys):
    from types import SimpleNamespace

    from neurosim.cli.progress import Progress

    with Progress() as progress:
        progress.start(3, 1, 0)
        for key in "ab":
            progress.progress(key, 0.5)
            trial = SimpleNamespace(key=key, arm="vehicle", subject=0)
            progress.ended(trial, SimpleNamespace(outcome="ok", message=""))
    err = capsys.readouterr().err
    assert err.splitlines() == ["3 trials, 1 there already, 2 to run", "2 of 2 trials"]
    assert progress.interrupted == "interrupted; 3 of 3 trials are kept, the same command resumes"


@pytest.mark.parametrize(
    ("seconds", "text"), [(12.4, "12 s"), (300, "5 min"), (9000, "2 h"), (400000, "5 days")]
)
def test_durations_are_for_people(seconds, text):
    from neurosim.runner.estimate import duration_text

    assert duration_text(seconds) == text


@pytest.fixture
def depressed(tiny):
    """The tiny experiment with an arm of a disorder that lies beside it."""
    data = Path(__file__).parents[1] / "data"
    (tiny / "sad.yaml").write_text((data / "sad.yaml").read_text())
    with (tiny / "tiny_experiment.yaml").open("a") as file:
        file.write("  sad:\n    disorders: [{disorder: sad, severity: 0.5}]\n")
    return tiny


def test_a_disorder_is_shown_with_its_sources_and_what_it_is_not(depressed, command):
    for name in ("sad", "sad.yaml"):
        out = command("show", name)
        assert NOTICE in out
        assert re.search(r"cells +cells of DRN_HT +0.5 lost +measured +PARK04", out)
        assert re.search(r"PARK04 +Fearnley & Lees 1991 Brain 114:2283 +https://doi.org/\S+ +yes", out)
        assert re.search(r"PARK06 +dopamine tissue content, .* +a consequence", out)


def test_disorders_are_listed(command):
    out = command("list", "disorders")
    assert all(re.search(rf"^{name} +0 to ", out, re.MULTILINE) for name in ("parkinson", "major_depression", "addiction"))
    assert out.endswith(f"{NOTICE}\n")


@pytest.mark.parametrize("verb", [["check"], ["run", "--dry-run"], ["show"]])
def test_what_tells_of_an_experiment_with_a_disorder_says_what_it_is_not(depressed, command, verb):
    out = command(*verb, "tiny_experiment")
    assert out.count(NOTICE) == 1
    assert "sad, severity 0.5" in out if verb == ["show"] else "cells: DRN_HT loses 25 % of its cells" in out
    assert (verb == ["show"]) or "elsewhere is left out: the circuit lacks what is altered" in out


def test_a_run_says_it_too_and_its_results_keep_it(depressed, capsys, fake_engine, plain_figure):
    with pytest.raises(SystemExit):
        main(["run", "tiny_experiment", "--workers", "1"])
    out, err = capsys.readouterr()
    assert NOTICE in out and NOTICE in err
    assert "warning: arms.sad.disorders.sad: elsewhere is left out" in err
    with pytest.raises(SystemExit):
        main(["show", "results/tiny_experiment"])
    assert NOTICE in capsys.readouterr().out


def test_nothing_is_said_where_there_is_no_disorder(tiny, command):
    assert NOTICE not in command("check", "tiny_experiment") + command("show", "tiny_experiment")


def test_assumptions_and_cite_name_the_disorder(depressed, command):
    assert re.search(r"disorder sad, carriers: sites.D2_NAc.tau +1.5x +derived", command("assumptions", "tiny_experiment"))
    out = command("cite", "tiny_experiment")
    assert re.search(r"^Disorder sad\n  Fearnley, J. M., Lees, A. J. \(1991\)", out, re.MULTILINE)


def test_the_schema_of_disorders_can_be_printed(command):
    assert '"neurosim-disorder/1"' in command("schema", "disorder")
    assert '"GradedDisorder"' in command("schema", "experiment")


#: A command whose work is replaced; something else wants to be told of the end, and a thread is still at work.
REPLACED = """
import atexit, sys, threading, time
import neurosim.cli as cli
def work(arguments):
    atexit.register(lambda: print("told"))
    threading.Thread(target=lambda: (time.sleep(0.2), print("thread"))).start()
    print("worked")
    return {status}
cli._status = work
sys.argv = ["neurosim", "list"]
cli.main()
"""


@pytest.mark.parametrize(("status", "code"), [("0", 0), ("2", 2), ("1 / 0", 1)])
def test_a_command_ends_at_once_but_after_all_that_wanted_to_end_before(status, code):
    answer = subprocess.run([sys.executable, "-c", REPLACED.format(status=status)], capture_output=True, text=True)
    assert (answer.returncode, answer.stdout) == (code, "worked\nthread\ntold\n")
    assert ("ZeroDivisionError" in answer.stderr) == (code == 1)


def test_an_interrupt_while_workers_are_begun_is_one(monkeypatch, command):
    def interrupted(arguments):
        raise KeyboardInterrupt

    monkeypatch.setattr("neurosim.cli._workers_begun", interrupted)
    command("run", "acute_escitalopram", status=130)


def test_a_caller_in_python_goes_on(monkeypatch, command):
    registered = []
    monkeypatch.setattr("atexit.register", registered.append)
    command("--version")
    assert not registered


@pytest.mark.parametrize("arguments", ["list drugs", "show midbrain_raphe"])
def test_a_reader_that_has_seen_enough_is_no_error(arguments):
    command = [sys.executable, "-m", "neurosim", *arguments.split()]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, bufsize=1) as process:
        process.stdout.close()
        words = process.stderr.read()
    assert (process.returncode, words) == (0, "")
