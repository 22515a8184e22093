"""The report in a real browser: drawn, silent, asking nothing of the network, and as narrow as a phone."""

import html
import json
import os
import re
import shutil
import subprocess

import pytest
from html_page import read_page
from report_util import Numbers, figures_of, same
from synthetic import FOUR_ARMS, FULL, SMALL, results_folder

from neurosim import run
from neurosim.analysis import Axis, open_results
from neurosim.report import write_report

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(CHROMIUM is None, reason="no chromium on the path (Debian: apt-get install chromium)"),
]
PHONE = 390
#: What a browser asks for on its own behalf has this in place of the page that asks.
ITSELF = "not an origin"
#: Frames a page, and says what is in it: widths, and what each figure has drawn.
MEASURE = """<!DOCTYPE html><html><body style="margin:0">
<iframe id="page" style="width:%dpx;height:844px;border:0" src="%s"></iframe>
<script>setTimeout(function () {
  var page = document.getElementById("page").contentDocument, drawn = {};
  page.querySelectorAll(".plot").forEach(function (plot) {
    drawn[plot.id] = plot.querySelectorAll(".scatterlayer .point, .scatterlayer .js-line, .heatmaplayer image").length;
  });
  var said = {width: page.documentElement.clientWidth, needed: page.documentElement.scrollWidth, drawn: drawn};
  document.body.setAttribute("data-measured", JSON.stringify(said));
}, 9000);</script></body></html>"""


def browse(address, folder, *flags):
    """The page as the browser has it, what was said on its console, and what it asked of the network."""
    log = folder / "net.json"
    command = [
        CHROMIUM, "--headless=new", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking",
        "--disable-component-update", "--disable-sync", "--disable-extensions", "--allow-file-access-from-files",
        f"--user-data-dir={folder / 'profile'}", "--enable-logging=stderr", f"--log-net-log={log}",
        "--virtual-time-budget=20000", *flags, "--dump-dom", address,
    ]  # fmt: skip
    environment = {**os.environ, "HOME": str(folder)}
    answer = subprocess.run(command, capture_output=True, text=True, check=True, env=environment)
    console = [line for line in answer.stderr.splitlines() if ":CONSOLE" in line]
    return answer.stdout, console, requests_of(json.loads(log.read_text(encoding="utf-8")))


def requests_of(log):
    """Addresses that pages asked for."""
    starts = log["constants"]["logEventTypes"]["URL_REQUEST_START_JOB"]
    asked = [event.get("params", {}) for event in log["events"] if event["type"] == starts]
    return [one["url"] for one in asked if "url" in one and one.get("initiator") != ITSELF]


def at_point(treatment, point):
    return treatment


KINDS = {
    "arms": (FULL, {"arms": FOUR_ARMS, "subjects": 3}),
    "plane": (
        SMALL,
        {"axes": [Axis("dose", (0.1, 1.0, 9.0), "mg/kg", "p"), Axis("f", (0.0, 1.0), "x", "q")], "at_point": at_point},
    ),
}


#: Experiments that ship: the main job, and one without spikes.
RUNS = {"acute_escitalopram": {"workers": 2}, "d2_occupancy": {}}


@pytest.fixture(scope="module", params=[*KINDS, *RUNS])
def report(request, tmp_path_factory):
    folder = tmp_path_factory.mktemp("report")
    if request.param in RUNS:
        run(request.param, output=folder, **RUNS[request.param]).close()
    else:
        world, options = KINDS[request.param]
        results_folder(folder, world, record=1.0, **options)
    return write_report(folder)


def test_a_request_and_an_error_would_be_seen(tmp_path):
    page = tmp_path / "bad.html"
    page.write_text('<img src="http://127.0.0.1:9/x.png"><script>nothing.at.all()</script>')
    _, console, asked = browse(page.as_uri(), tmp_path)
    assert asked == ["http://127.0.0.1:9/x.png"]
    assert any("nothing is not defined" in line for line in console)


@pytest.mark.parametrize("width", [PHONE, 1200])
def test_the_page_is_drawn_fits_and_asks_for_nothing(report, tmp_path, width):
    frame = tmp_path / "frame.html"
    frame.write_text(MEASURE % (width, report.as_uri()), encoding="utf-8")
    dom, console, asked = browse(frame.as_uri(), tmp_path, "--window-size=1300,900")
    assert console == []
    assert asked == []
    measured = json.loads(html.unescape(re.search(r'data-measured="([^"]*)"', dom)[1]))
    assert measured["needed"] <= measured["width"] <= width
    drawn = {f"{name}-plot" for name in figures_of(read_page(report.read_text(encoding="utf-8")))}
    assert set(measured["drawn"]) == drawn
    assert all(measured["drawn"].values()), measured["drawn"]


def test_what_the_browser_holds_is_what_the_summary_says(report, tmp_path):
    """The page after its scripts have run: nothing was changed, hidden or left out."""
    dom, console, _ = browse(report.as_uri(), tmp_path)
    assert console == []
    found = re.findall(
        r'<data value="([^"]*)" data-variable="([^"]*)" data-statistic="([^"]*)" data-at="([^"]*)">', dom
    )
    assert len(found) == report.read_text(encoding="utf-8").count("<data value=")
    with open_results(report.parent) as results:
        numbers = Numbers(results)
        for value, variable, statistic, at in found:
            if variable.startswith("validation/"):
                continue
            wanted = numbers.expected(variable, statistic, json.loads(html.unescape(at)))
            assert same(float(value), wanted), (variable, statistic, at)
