#!/usr/bin/env python3
"""Makes pictures of the pages of vsd: a generated year at a fixed date, so that the same code gives the same pictures.

    screenshots.py VSD VSPERF FOLDER [NAME ...]

Writes FOLDER/NAME.png: the overview in light, in dark and on a phone, some other pages of the navigation, and the trace of an
incident. With names, only those. A picture of more than 150 KB is an error.
"""

import os
import pathlib
import subprocess
import sys
import tempfile
import time
import urllib.parse

# No compiled file beside the sources.
sys.dont_write_bytecode = True

from browser import Browser, Failure, Server, program

# A Friday afternoon, when everybody's work is under way.
DATE = "2026-11-20 16:00:00"
HISTORY = ["--story=year", "--seed=1", f"--until={DATE.replace(' ', 'T')}Z", "--connections=16"]
TEAMS = "web=harbour/shop;payments=harbour/payments,PAY;platform=harbour/platform,platform/*,gateway,search,PLAT;data=harbour/reports,reports"
PAGES = ("overview", "lead-time", "flow", "ageing", "incidents", "deploys")
SIZE, PHONE = (1280, 860), (390, 844)
LARGEST = 150_000


class Daemon:
    """A vsd on a clock of its own, with its store in memory."""

    def __init__(self, vsd, home):
        listening = pathlib.Path(home, "listening")
        self.log = open(pathlib.Path(home, "log"), "w+", encoding="utf-8")
        environment = {"PATH": os.environ["PATH"], "HOME": home, "TZ": "UTC"}
        self.process = subprocess.Popen(
            [program("faketime"), "--exclude-monotonic", "-f", f"@{DATE}", vsd, "--addr=127.0.0.1:0", "--store=memory",
             "--tracer=none", f"--teams={TEAMS}", "--active-statuses=In Progress,In Review",
             f"--listening-file={listening}"],
            env=environment, stdout=self.log, stderr=self.log)
        while not (listening.exists() and listening.read_text()):
            if self.process.poll() is not None:
                self.log.seek(0)
                raise Failure("vsd did not start:\n" + self.log.read())
            time.sleep(0.05)
        self.server = Server("http://" + listening.read_text().split()[0])

    def fill(self, vsperf):
        subprocess.run([vsperf, "generate", "history", *HISTORY, "--send", self.server.url], check=True)
        while not self.server.json("/api/v1/reports/dora")["facts"]["complete"]:
            time.sleep(0.2)

    def incident(self):
        """Returns the trace of the incident with the most spans."""
        spans = self.server.json("/api/v1/spans?operation=incident&project=harbour/shop&limit=40")["spans"]
        traces = {span["traceID"] for span in spans}
        sizes = {trace: len(self.server.json(f"/api/v1/traces/{trace}")["spans"]) for trace in traces}
        return max(sorted(sizes), key=sizes.get)

    def close(self):
        self.process.terminate()
        self.process.wait()
        self.log.close()


def take(browser, url, path, size=SIZE, scheme="light"):
    browser.size(size, scale=2 if size == PHONE else 1)
    browser.colors(scheme)
    status, _, errors = browser.get(url)
    if status != 200 or errors:
        raise Failure(f"{url} answers {status}, {errors}")
    browser.run("document.activeElement?.blur(); document.querySelector('#live')?.remove()")
    browser.driver.save_screenshot(str(path))
    subprocess.run(
        [program("pngquant"), "--force", "--skip-if-larger", "--strip", "--speed=1", "--output", str(path), "128", str(path)],
        check=False)
    length = path.stat().st_size
    print(f"{path.name}: {length // 1000} KB")
    if length > LARGEST:
        raise Failure(f"{path} has more than {LARGEST // 1000} KB")


def main(arguments):
    if len(arguments) < 3:
        print(__doc__, file=sys.stderr)
        return 2
    vsd, vsperf, folder, names = arguments[0], arguments[1], pathlib.Path(arguments[2]), arguments[3:]
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as home:
        daemon = Daemon(vsd, home)
        browser = None
        try:
            daemon.fill(vsperf)
            browser = Browser()
            browser.get(daemon.server.url + "/")
            links = browser.run("return [...document.querySelectorAll('.top nav a')].map((link) => link.href)")
            named = [(urllib.parse.urlsplit(link).path.strip("/") or "overview", link) for link in links]
            pictures = [(name, link, SIZE, "light") for name, link in named if name in PAGES]
            pictures += [
                ("overview-dark", daemon.server.url + "/", SIZE, "dark"),
                ("overview-phone", daemon.server.url + "/", PHONE, "light"),
                ("trace", f"{daemon.server.url}/traces/{daemon.incident()}", SIZE, "light"),
            ]
            for name, link, size, scheme in pictures:
                if not names or name in names:
                    take(browser, link, folder / f"{name}.png", size, scheme)
        except (Failure, subprocess.CalledProcessError) as failure:
            print(f"screenshots: {failure}", file=sys.stderr)
            return 1
        finally:
            if browser:
                browser.close()
            daemon.close()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
