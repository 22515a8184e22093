"""The words users see when a result file or folder is not what it should be."""

import random
import shutil
import subprocess
import sys

import h5py
import pytest
from synthetic import SMALL, Treatment, results_folder, trial

from neurosim.analysis import open_results, overview_figure, save_figure, trial_rates
from neurosim.errors import NeurosimError, ResultSchemaError
from neurosim.recording import load_trial, read_header, read_record, write_trial
from neurosim.recording.files import verify


@pytest.fixture(scope="module")
def good(tmp_path_factory):
    return results_folder(
        tmp_path_factory.mktemp("good"), SMALL, {"vehicle": Treatment()}, subjects=1, record=0.3
    )


@pytest.fixture
def folder(good, tmp_path):
    return shutil.copytree(good, tmp_path / "results")


def damaged(path):
    return f"{path} is truncated, damaged or not a result file: delete it and run the experiment again"


def test_no_folder_no_summary(tmp_path):
    with pytest.raises(
        ResultSchemaError, match="nowhere is not a folder: give the folder that 'neurosim run' wrote"
    ):
        open_results(tmp_path / "nowhere")
    with pytest.raises(ResultSchemaError, match="holds no summary.h5: run its experiment again"):
        open_results(tmp_path)
    (tmp_path / "file").write_text("x")
    with pytest.raises(ResultSchemaError, match="is not a folder"):
        open_results(tmp_path / "file")


def test_who_is_beside_the_results_is_told_where_they_are(good, tmp_path, monkeypatch):
    shutil.copytree(good, tmp_path / "results" / "acute_ssri")
    shutil.copytree(good, tmp_path / "results" / "scan")
    monkeypatch.chdir(tmp_path)
    for given, words in (
        ("results", "results holds no summary.h5; folders in it that do: acute_ssri, scan"),
        ("results/acute_ssir", "results/acute_ssir is not a folder: .*; did you mean results/acute_ssri"),
        ("acute_ssri", "acute_ssri is not a folder: .*; did you mean results/acute_ssri"),
        ("results/acute_ssri/summary.h5", "summary.h5 is not a folder: .*; did you mean results/acute_ssri"),
        ("results/acute_ssri/trials", "trials holds no summary.h5; did you mean results/acute_ssri"),
    ):
        with pytest.raises(ResultSchemaError, match=words) as caught:
            open_results(given)
        assert "\n" not in str(caught.value)


@pytest.mark.parametrize("part", [0.0, 0.3, 0.9, 0.999])
def test_a_truncated_summary(folder, part):
    path = folder / "summary.h5"
    content = path.read_bytes()
    path.write_bytes(content[: int(part * len(content))])
    with pytest.raises(ResultSchemaError) as caught:
        open_results(folder)
    assert damaged(path) in str(caught.value)


@pytest.mark.parametrize("read", [load_trial, read_header, read_record])
def test_a_file_that_was_not_written_to_its_end(folder, read):
    (path,) = (folder / "trials").glob("*.h5")
    with h5py.File(path, "a") as file:
        del file.attrs["complete"]
    with pytest.raises(
        ResultSchemaError, match="was not written to its end .no attribute 'complete'.: delete it"
    ):
        read(path)


@pytest.mark.parametrize("read", [load_trial, read_header, read_record])
@pytest.mark.parametrize("content", [b"", b"\x89HDF\r\n\x1a\n" + b"\0" * 600, b"not HDF5 at all"])
def test_garbage(tmp_path, read, content):
    path = tmp_path / "x.h5"
    path.write_bytes(content)
    with pytest.raises(ResultSchemaError) as caught:
        read(path)
    assert damaged(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_file_that_is_not_there(tmp_path):
    with pytest.raises(ResultSchemaError, match="x.h5 does not exist: run the experiment first"):
        read_record(tmp_path / "x.h5")


def test_another_schema(folder):
    with h5py.File(folder / "summary.h5", "a") as file:
        file.attrs["schema"] = "neurosim-results/99"
    with pytest.raises(
        ResultSchemaError, match="holds 'neurosim-results/99', this version reads 'neurosim-results/1'"
    ):
        open_results(folder)


def test_another_program_s_file(tmp_path):
    with h5py.File(tmp_path / "x.h5", "w") as file:
        file.attrs["complete"] = 1
    with pytest.raises(ResultSchemaError, match="holds 'no schema'"):
        read_header(tmp_path / "x.h5")


def test_a_whole_file_that_lacks_a_variable(folder):
    (path,) = (folder / "trials").glob("*.h5")
    with h5py.File(path, "a") as file:
        del file["receptors"]
    with pytest.raises(ResultSchemaError, match="truncated, damaged or not a result file"):
        read_record(path)


def test_whatever_bytes_change_nothing_but_a_sentence_comes_out(folder):
    """Overwritten stretches: a reader that let one pass would show numbers, names or units that nobody wrote."""
    (path,) = (folder / "trials").glob("*.h5")
    whole, draw = path.read_bytes(), random.Random(5)
    for _ in range(60):
        content = bytearray(whole)
        start = draw.randrange(len(content))
        length = draw.choice([1, 16, 400, 4000])
        content[start : start + length] = bytes(byte ^ draw.randrange(1, 256) for byte in content[start : start + length])
        path.write_bytes(content)
        for read in (read_header, read_record, load_trial):
            with pytest.raises(ResultSchemaError) as caught:
                read(path)
            assert damaged(path) in str(caught.value)


@pytest.mark.parametrize("n", [1, 24, 25, 4000])
def test_an_end_that_is_cut_off_or_zero(folder, n):
    (path,) = (folder / "trials").glob("*.h5")
    whole = path.read_bytes()
    for content in (whole[:-n], whole[:-n] + bytes(n)):
        path.write_bytes(content)
        with pytest.raises(ResultSchemaError) as caught:
            read_header(path)
        assert damaged(path) in str(caught.value)


def test_a_file_of_before_there_were_seals_is_read(folder):
    (path,) = (folder / "trials").glob("*.h5")
    sealed = read_record(path)
    with h5py.File(path, "a") as file:
        del file.attrs["seal"]
    assert not path.read_bytes()[-24:].startswith(b"\nneurosim")
    verify(path)
    assert read_record(path).values.keys() == sealed.values.keys()


def test_a_folder_that_cannot_be_written_to(tmp_path):
    (tmp_path / "trials").write_text("a file where the folder should be")
    result = trial(record=0.2)
    with pytest.raises(ResultSchemaError, match=r"cannot write .*k0.h5: .*check that the folder is writable"):
        write_trial(tmp_path, result, trial_rates(result))
    with pytest.raises(ResultSchemaError, match=r"cannot write .*x\.png: .*trials is a file, not a folder"):
        save_figure(_figure(), tmp_path / "trials" / "x.png")


def _figure():
    from matplotlib.figure import Figure

    return Figure(figsize=(1, 1))


def test_a_full_disk_is_one_sentence_and_leaves_nothing(tmp_path):
    """A limit on the size of files stands in for the end of the disk."""
    code = (
        "import resource, sys\n"
        "sys.path.insert(0, sys.argv[2])\n"
        "from pathlib import Path\n"
        "from synthetic import SMALL, trial\n"
        "from neurosim.analysis import trial_rates\n"
        "from neurosim.errors import ResultSchemaError\n"
        "from neurosim.recording import write_trial\n"
        "result = trial('k', SMALL, record=2.0)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (20000, 20000))\n"
        "try:\n"
        "    write_trial(Path(sys.argv[1]), result, trial_rates(result))\n"
        "except ResultSchemaError as error:\n"
        "    print(error)\n"
        "    print([p.name for p in Path(sys.argv[1]).rglob('*') if p.is_file()])\n"
    )
    here = str(__import__("pathlib").Path(__file__).parents[1])
    done = subprocess.run([sys.executable, "-c", code, str(tmp_path), here], capture_output=True, text=True)
    sentence, left = done.stdout.splitlines()
    assert sentence.startswith(f"cannot write {tmp_path}/trials/k.h5: ")
    assert sentence.endswith("check that the folder is writable and the disk is not full")
    assert left == "[]"


def test_rates_are_not_forgotten(tmp_path):
    with pytest.raises(ResultSchemaError, match="trial k0: the rates lack firing_rate"):
        write_trial(tmp_path, trial(record=0.2), {})


def test_figures_name_what_they_lack(good):
    with open_results(good) as results:
        with pytest.raises(ResultSchemaError, match="no phase 'drag' in these results: did you mean 'drug'"):
            results.plot.raster(phase="drag")
        with pytest.raises(ResultSchemaError, match="has no scan, so it has no dose-response curve"):
            results.plot.dose_response()
        with pytest.raises(NeurosimError, match="no arm 'vehicel'"):
            results.plot.balance(arms=["vehicel"])
        assert overview_figure(results)
