"""The explorers' page in a real browser: knobs turn, pictures and answers follow."""

import html
import json
import re
import shutil
import subprocess

import pytest

from clipaction.masking.conditions import describe
from clipaction.notebook.explorer import offline

BROWSERS = ("chromium", "chromium-browser", "google-chrome")
CHROMIUM = next((path for name in BROWSERS if (path := shutil.which(name))), None)
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason=f"no browser: none of {', '.join(BROWSERS)} is installed")

# Turns knobs one after the other, as a reader would, and writes what the page then shows into its body.
TURN = """
<script type="module">
const root = document.querySelector(".clipaction"), seen = [];
const pause = () => new Promise((done) => setTimeout(done, 20));
const turn = async (act) => {
  const before = root.dataset.ticket;
  act();
  for (let i = 0; i < 500 && root.dataset.ticket === before; i++) await pause();
  see();
};
const knob = (name) => root.querySelector(`.knob[data-name="${name}"]`);
const see = () => {
  const context = root.querySelectorAll("figure canvas")[1].getContext("2d");
  const black = context.getImageData(0, 0, 480, 480).data.filter((v, i) => i % 4 === 0 && v < 8).length / (480 * 480);
  seen.push([root.querySelector(".change").textContent, root.querySelectorAll("figcaption")[1].textContent,
             root.querySelectorAll(".bar").length, black.toFixed(2), root.querySelector(".found").value].join(" | "));
};
addEventListener("error", (event) => seen.push(`error: ${event.message}`));
for (let i = 0; i < 500 && !root.dataset.ticket; i++) await pause();
for (const label of ["shape", "hide a part", "isolate a part", "whole frame", "shape"]) {
  await turn(() => [...root.querySelectorAll(".knob button")].find((button) => button.textContent === label).click());
}
const area = knob("percent").querySelector("select");
area.value = "50";
await turn(() => area.dispatchEvent(new Event("change")));
await turn(() => root.querySelector('button[title="next clip"]').click());
document.body.dataset.seen = JSON.stringify(seen);
</script>
"""


@pytest.fixture
def seen(square_study, tmp_path):
    page = tmp_path / "explorer.html"
    page.write_text(offline.page(square_study).replace("</html>", f"{TURN}</html>"))
    options = ("--headless", "--no-sandbox", "--disable-gpu", "--virtual-time-budget=20000", "--dump-dom")
    profile = f"--user-data-dir={tmp_path / 'profile'}"
    run = subprocess.run([CHROMIUM, *options, profile, page.as_uri()], capture_output=True, text=True, timeout=120)
    found = re.search(r'data-seen="([^"]*)"', run.stdout)
    assert found, run.stderr[-2000:]
    return [line.split(" | ") for line in json.loads(html.unescape(found[1]))]


def test_pictures_words_and_bars_follow_the_knobs(seen, square_study):
    assert not [line for line in seen if line[0].startswith("error")]
    titles = [line[1] for line in seen]
    assert titles == [
        "10 % square",
        "actor and prop hidden (silhouette)",
        "only actor and prop (silhouette)",
        "unmasked",
        "10 % square",
        "50 % square",
        "50 % square",
    ]
    assert titles[0] == describe("shape:square:10:centre:still")
    assert all(int(line[2]) == 10 for line in seen)
    black = [float(line[3]) for line in seen]
    assert 0.08 < black[0] < 0.13 and 0.44 < black[5] < 0.53 and black[3] < 0.02
    assert [line[4] for line in seen] == ["c10"] * 6 + ["c11"]
