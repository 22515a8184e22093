"""The words a person sees when something is wrong: one clear sentence on standard error, and the exit status."""

import os
import re
import signal
import subprocess
import sys
import time

import pytest

from neurosim.cli import main


@pytest.fixture
def command(capfd):
    """Run the command in this process; returns its exit status, standard output and standard error."""

    def call(*arguments):
        with pytest.raises(SystemExit) as left:
            main([str(a) for a in arguments])
        out, err = capfd.readouterr()
        return left.value.code, out, err

    return call


def edit(path, old, new):
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")


MISTAKES = {
    "unknown drug": (
        "drug: escitalopram",
        "drug: escitalopam",
        r"tiny_experiment\.yaml:15: arms\.ssri\.drugs\.0\.drug: unknown drug 'escitalopam'; did you mean 'escitalopram'\?",
    ),
    "negative concentration": (
        "5 nM",
        "-5 nM",
        r"tiny_experiment\.yaml:15: arms\.ssri\.drugs\.0\.concentration: '-5 nM' is out of range; allowed: at least 0 nM",
    ),
    "negative dose": (
        "concentration: 5 nM",
        "dose: -5 mg/kg, route: ip",
        r"tiny_experiment\.yaml:15: arms\.ssri\.drugs\.0\.dose: '-5 mg/kg' is out of range",
    ),
    "mV where nM belongs": (
        "5 nM",
        "5 mV",
        r"tiny_experiment\.yaml:15: .*concentration: '5 mV' is a voltage; needs a concentration, e\.g\. '50 nM'",
    ),
    "unknown population": (
        "population: DRN_HT",
        "population: DRN_5HT",
        r"tiny_experiment\.yaml:17: .*unknown population 'DRN_5HT'; did you mean 'DRN_HT'\?",
    ),
    "unknown key": (
        "subjects: 2",
        "subjcets: 2",
        r"tiny_experiment\.yaml:4: subjcets: .*did you mean 'subjects'\?",
    ),
    "unknown circuit": (
        "circuit: tiny",
        "circuit: tinny",
        r"tiny_experiment\.yaml:3: circuit: unknown circuit 'tinny'; did you mean 'tiny'\?",
    ),
}


@pytest.mark.parametrize("verb", ["run", "check", "cite", "assumptions"])
@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_in_an_experiment_is_answered_with_its_place(tiny, command, fake_engine, verb, mistake):
    old, new, words = MISTAKES[mistake]
    edit(tiny / "tiny_experiment.yaml", old, new)
    status, out, err = command(verb, "tiny_experiment")
    assert status == 2
    assert re.match(f"error: {words}", err), err
    assert err.count("\n") == 1
    assert out == ""
    assert fake_engine.runs == 0


CIRCUIT_MISTAKES = {
    "unknown transmitter": (
        "transmitter: DA",
        "transmitter: dopamine",
        r"tiny\.yaml:\d+: populations\.VTA_DA\.transmitter: unknown transmitter 'dopamine'; allowed: DA, 5-HT, NE",
    ),
    "unknown receptor": (
        "receptor: 5-HT1A",
        "receptor: 5-HT1AA",
        r"tiny\.yaml:\d+: sites\.HT1A_DRN\.receptor: unknown receptor '5-HT1AA'; did you mean '5-HT1A'\?",
    ),
    "pool that is not there": (
        "HT1A_DRN: {receptor: 5-HT1A",
        "HT1A_DRN: {receptor: D2",
        r"tiny\.yaml:\d+: sites\.HT1A_DRN\.hears: unknown region with a pool of DA 'DRN'; allowed: VTA, NAc",
    ),
    "near field of a population that releases nothing there": (
        "population: VTA_DA, tau: 100 ms",
        "population: DRN_HT, tau: 100 ms",
        r"tiny\.yaml:\d+: sites\.D2_NAc\.near_field\.population: unknown population that releases DA in NAc 'DRN_HT'",
    ),
}


@pytest.mark.parametrize("mistake", CIRCUIT_MISTAKES)
@pytest.mark.parametrize("arguments", [("run", "tiny_experiment"), ("check", "tiny")])
def test_a_mistake_in_a_circuit_is_answered_with_its_place(tiny, command, fake_engine, mistake, arguments):
    old, new, words = CIRCUIT_MISTAKES[mistake]
    edit(tiny / "tiny.yaml", old, new)
    status, _, err = command(*arguments)
    assert status == 2
    assert re.match(f"error: {words}", err), err


USAGE = [
    (("rnu", "x"), r"No such command 'rnu'\. Did you mean 'run'\? \(see 'neurosim --help'\)"),
    (("run",), r"Missing argument 'EXPERIMENT' \(see 'neurosim run --help'\)"),
    (("run", "tiny_experiment", "--outptu", "x"), r"No such option: --outptu .*--output.*"),
    (("run", "tiny_experiment", "--workers", "0"), r".*'--workers'.*"),
    (("run", "nosuch"), r"unknown experiment 'nosuch'; allowed: .*acute_cocaine"),
    (("run", "tiny_experimnt"), r"unknown experiment 'tiny_experimnt'; did you mean 'tiny_experiment'\?"),
    (("run", "nosuch.yaml"), r"nosuch\.yaml: no such file"),
    (("run", "tiny"), r"unknown experiment 'tiny': it is a circuit"),
    (("run", "tiny.yaml"), r"tiny\.yaml:1: schema: this is a circuit, and an experiment is needed"),
    (("run", "tiny_experiment", "--set", "subjects"), r"--set 'subjects': give PATH=VALUE, for example"),
    (("run", "tiny_experiment", "--set", "a=1", "--set", "a=2"), r"--set 'a' is given twice"),
    (("run", "tiny_experiment", "--set", "subject=3"), r"--set subject=3: .* did you mean 'subjects'\?"),
    (
        ("run", "tiny_experiment", "--set", "subjects=x"),
        r"--set subjects=x: subjects: 'x' is not a whole number",
    ),
    (("check", "nosuch"), r"unknown experiment 'nosuch'"),
    (("check", "tiny", "--set", "n=1"), r"--set is rooted in an experiment"),
    (("cite",), r"Missing argument 'EXPERIMENT\|DIR' \(see 'neurosim cite --help'\)"),
    (("cite", "tiny"), r"unknown experiment 'tiny': it is a circuit"),
    (("cite", "tiny_experiment", "--bibtx"), r"No such option: --bibtx .*--bibtex.*"),
    (("cite", "tiny_experiment", "--set", "subjects"), r"--set 'subjects': give PATH=VALUE, for example"),
    (("assumptions", "tiny_experimnt"), r"unknown experiment 'tiny_experimnt'; did you mean 'tiny_experiment'\?"),
    (("assumptions", "tiny_experiment", "--set", "subject=3"), r"--set subject=3: .* did you mean 'subjects'\?"),
    (("show", "escitalopam"), r"no circuit, .* is called 'escitalopam': did you mean 'escitalopram'\?"),
    (("list", "drug"), r"'drug' cannot be listed; did you mean 'drugs'\?"),
    (("schema", "experiments"), r"'experiments' files have no schema; did you mean 'experiment'\?"),
    (("export", ".", "--to", "nbw"), r"unknown format 'nbw'; did you mean 'nwb'\? allowed: nwb, csv"),
    (("export", ".", "--to", "csv", "--fresh"), r"--fresh goes with --to nwb"),
    (("export", "."), r"export \.: say to which format, --to; allowed: nwb, csv"),
    (("cite", "results/nosuch"), r"results/nosuch is not a folder: give the folder that 'neurosim run' wrote"),
    (("cite", "nosuch.yaml"), r"nosuch\.yaml: no such file"),
    (("export", "nosuch", "--to", "csv"), r"nosuch is not a folder: give the folder that 'neurosim run' wrote"),
    (("status", "nosuch"), r"nosuch is not the folder of an experiment: it has no plan\.json"),
]


@pytest.mark.parametrize(("arguments", "words"), USAGE, ids=[" ".join(a) for a, _ in USAGE])
def test_wrong_usage_is_one_sentence_and_status_2(tiny, command, fake_engine, arguments, words):
    status, _, err = command(*arguments)
    assert status == 2
    assert re.match(f"error: {words}", err), err
    assert err.count("\n") == 1
    assert fake_engine.runs == 0


def test_an_output_folder_that_is_a_file_or_lies_in_one(tiny, command, fake_engine):
    (tiny / "occupied").write_text("mine")
    for folder in ("occupied", "occupied/below"):
        status, _, err = command("run", "tiny_experiment", "--output", folder)
        assert status == 2
        assert err == f"error: output folder {folder}: occupied is a file; give a folder with --output DIR\n"
    assert (tiny / "occupied").read_text() == "mine"


@pytest.mark.skipif(not os.path.isdir("/proc/self"), reason="needs /proc, which nobody can write to")
def test_an_output_folder_that_cannot_be_written_to(tiny, command, fake_engine):
    status, _, err = command("run", "tiny_experiment", "--output", "/proc/neurosim")
    assert status == 2
    assert re.fullmatch(
        r"error: output folder /proc/neurosim cannot be written to: .*; give another .*\n", err
    )
    assert fake_engine.runs == 0


def test_a_disk_that_fills_up_ends_the_run_and_keeps_what_is_whole(tiny, command, fake_engine, monkeypatch):
    from neurosim.errors import ResultSchemaError
    from neurosim.runner import execute

    write, done = execute.write_trial, []

    def until_full(folder, trial, *rest, **options):
        if len(done) == 2:
            raise ResultSchemaError(f"cannot write {folder}: No space left on device")
        done.append(trial.key)
        return write(folder, trial, *rest, **options)

    monkeypatch.setattr(execute, "write_trial", until_full)
    status, _, err = command("run", "tiny_experiment", "--workers", "1")
    assert status == 2
    assert "No space left on device" in err.splitlines()[-1]
    assert len(list((tiny / "results" / "tiny_experiment" / "trials").glob("*.h5"))) == 2


def test_a_damaged_summary_is_one_sentence(tiny, command, fake_engine):
    assert command("run", "tiny_experiment", "--workers", "1")[0] == 0
    summary = tiny / "results" / "tiny_experiment" / "summary.h5"
    whole = summary.read_bytes()
    summary.write_bytes(whole[: len(whole) // 3])
    status, out, err = command("show", "results/tiny_experiment")
    assert status == 2
    assert re.match(r"error: .*summary\.h5 is truncated, damaged or not a result file: ", err), err
    assert command("run", "tiny_experiment", "--workers", "1")[0] == 0
    assert fake_engine.runs == 14
    assert command("show", "results/tiny_experiment")[0] == 0


def test_failed_trials_are_named_with_their_reason_and_the_status_is_1(
    tiny, command, fake_engine, monkeypatch
):
    def before(plan):
        if (plan.cells["inv_C_m"] == 0).any():
            raise ValueError("made to fail")

    monkeypatch.setattr(fake_engine, "before", staticmethod(before))
    status, out, err = command("run", "tiny_experiment", "--workers", "1")
    assert status == 1
    assert "arm raphe_lesion, subject 0: failed: ValueError: made to fail" in err
    assert err.splitlines()[-1] == "error: 2 of 8 trials failed; --retry-failed runs them again"
    assert "vehicle" in out
    status, out, err = command("status", "results/tiny_experiment")
    assert status == 0
    assert "ValueError: made to fail" in out
    assert command("run", "tiny_experiment", "--workers", "1")[0] == 1


def test_an_interrupt_says_what_is_kept_and_the_status_is_130(tiny, command, fake_engine, monkeypatch):
    def before(plan):
        if fake_engine.runs > 6:
            raise KeyboardInterrupt

    monkeypatch.setattr(fake_engine, "before", staticmethod(before))
    status, _, err = command("run", "tiny_experiment", "--workers", "1")
    assert status == 130
    last = err.splitlines()[-1]
    assert last == "error: interrupted; 4 of 8 trials are kept, the same command resumes"


def children_of(pid):
    """Processes below a process, from /proc."""
    found = []
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            try:
                with open(f"/proc/{entry}/stat") as file:
                    parent = int(file.read().rsplit(")", 1)[1].split()[1])
            except OSError:
                continue
            if parent == pid:
                found += [int(entry), *children_of(int(entry))]
    return found


@pytest.mark.skipif(not os.path.isdir("/proc/self"), reason="needs /proc to see processes")
@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_the_workers_too(tiny, sent):
    command = [sys.executable, "-m", "neurosim", "run", "tiny_experiment", "--workers", "2"]
    process = subprocess.Popen(
        command, env=os.environ | {"CXX": "/nonexistent"}, stderr=subprocess.PIPE, text=True
    )
    marks = tiny / "results" / "tiny_experiment" / "trials"
    deadline = time.monotonic() + 300
    while time.monotonic() < deadline and not list(marks.glob("*.running")):
        time.sleep(0.05)
    workers = children_of(process.pid)
    assert workers
    process.send_signal(sent)
    _, err = process.communicate()
    assert process.returncode == 130
    assert "trials are kept, the same command resumes" in err
    while time.monotonic() < deadline and any(os.path.exists(f"/proc/{pid}") for pid in workers):
        time.sleep(0.05)
    assert not any(os.path.exists(f"/proc/{pid}") for pid in workers)


SAID = {
    "a circuit is run": (["run", "tiny"], r"unknown experiment 'tiny': it is a circuit; an experiment names it"),
    "a key with dots": (
        ["check", "tiny_experiment", "--set", "levels.NAc.DA=40 nM"],
        r"it leaves out 'levels'; a path can add one value to it, and a key with dots stands in brackets",
    ),
    "no output folder": (["run", "tiny_experiment", "--output", ""], r"output folder '' has no name"),
    "a key is mistyped": (
        ["check", "tiny_experiment", "--set", "arms.ssri.drugs.escitalopram.concentraton=5 nM"],
        r"did you mean 'concentration'\?",
    ),
    "less than a cell": (
        ["check", "tiny_experiment", "--set", "arms.raphe_lesion.lesions.DRN_HT.fraction=0.001"],
        r"'0\.001' of the 24 cells of DRN_HT is none; allowed: from 0\.021",
    ),
    "a step too short": (["check", "tiny_experiment", "--set", "protocol.dt=1e-9 ms"], r"'1e-9 ms' is out of range"),
    "a phase without end": (
        ["check", "tiny_experiment", "--set", "protocol.phases.drug.record=1e300 s"],
        r"out of range; allowed: at most 1e\+06 s",
    ),
    "too many subjects": (["check", "tiny_experiment", "--set", "subjects=100000000"], r"subjects: .*at most 100000"),
    "a folder that is a file": (["status", "tiny.yaml"], r"tiny\.yaml is not a folder"),
}


@pytest.mark.parametrize("case", SAID)
def test_what_was_silent_or_slow_is_said(case, command, tiny):
    arguments, words = SAID[case]
    status, _, err = command(*arguments)
    assert status == 2 and re.search(words, err), err


AXES = {
    "one value twice": (
        "{a: {path: arms.ssri.drugs.escitalopram.concentration, values: [1 nM, 2 nM]}, "
        "b: {path: arms.ssri.drugs.0.concentration, values: [3 nM, 4 nM]}}",
        r"scan\.b: sets the same value as the axis 'a': arms\.ssri\.drugs\.0\.concentration",
    ),
    "a value twice": (
        "{a: {path: arms.ssri.drugs.0.concentration, values: [1 nM, 0.001 uM]}}",
        r"scan\.a: '0\.001 uM' is there twice",
    ),
    "a name of the results": (
        "{outcome: {path: arms.ssri.drugs.0.concentration, values: [1 nM, 2 nM]}}",
        r"the name 'outcome' is already taken in the results",
    ),
    "too many points": (
        "{a: {path: arms.ssri.drugs.0.concentration, log: [1 nM, 1 uM, 2000]}, b: {path: seed, linear: [0, 999, 1000]}}",
        r"the scan has 2000000 points; allowed: at most 1000000",
    ),
}


@pytest.mark.parametrize("case", AXES)
def test_a_scan_that_would_mislead_or_never_end_is_refused(case, command, tiny):
    axes, words = AXES[case]
    text = (tiny / "tiny_experiment.yaml").read_text(encoding="utf-8")
    (tiny / "tiny_experiment.yaml").write_text(f"{text}scan: {axes}\n", encoding="utf-8")
    status, _, err = command("check", "tiny_experiment")
    assert status == 2 and re.search(words, err), err


def test_fresh_keeps_what_is_there_when_the_new_run_is_refused(command, tiny, fake_engine, plain_figure):
    assert command("run", "tiny_experiment", "--workers", "1")[0] == 0
    before = sorted((tiny / "results" / "tiny_experiment" / "trials").iterdir())
    status, _, err = command("run", "tiny_experiment", "--fresh", "--set", "protocol.phases.*.record=900000 s")
    assert status == 2 and "would write" in err
    assert sorted((tiny / "results" / "tiny_experiment" / "trials").iterdir()) == before


def test_a_drug_that_never_acts_is_said(command, tiny):
    edit(tiny / "tiny_experiment.yaml", "concentration: 5 nM", "dose: 5 mg/kg, route: ip, time: 2 h")
    status, out, _ = command("check", "tiny_experiment")
    assert status == 0 and "is in the brain in no phase; the last phase is at 30 min" in out


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["haloperidol", "--dose", "3"], "'3' has no unit; needs a dose, e.g. '10 mg/kg'"),
        (["haloperidol", "--route", "orl"], "no route 'orl' in the reference tables; did you mean 'oral'?"),
        (["haloperidol", "--species", "cat"], "no species 'cat' in the reference tables; did you mean 'rat'?"),
        (["haloperidol", "--species", "rat", "--every", "0 h"], "report on haloperidol: every is 0; allowed: a positive"),
        (["eticlopride", "--species", "rat"], "drug eticlopride in rat: no table gives a volume of distribution"),
        (["WAY-100635", "--species", "rat", "--route", "oral"], "no table gives the bioavailability of the route oral"),
        (["SERT", "--dose", "1 mg/kg"], "show SERT: it is a carrier and does not take --dose; allowed: the name of a drug"),
    ],
)
def test_show_of_a_drug_says_what_is_wrong_with_a_dose(command, arguments, words):
    code, out, err = command("show", *arguments)
    assert code == 2 and words in err and err.count("\n") == 1
    assert out == "", "the sentence stands alone, not below a page"
