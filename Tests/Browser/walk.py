#!/usr/bin/env python3
"""Walks the pages of a running vsd in a browser and prints what is wrong with them, a line each.

    walk.py URL VSPERF READ-TOKEN

The vsd at URL must be empty and have the read token. It gets a small history from `vsperf generate`, and items whose names are
hostile. Exit code 1: something is wrong. 2: the walk could not be done.

Each page is looked at in light, in dark and on a phone: no error in the console, no request to elsewhere, nothing that axe finds,
no sideways scrolling, no shift of the layout, no link but to http and https. Then everything is done by keyboard, and without script.
questions.py answers the twelve questions of the README by clicks.
"""

import collections
import csv
import io
import json
import re
import subprocess
import sys
import time
import urllib.parse

# No compiled file beside the sources.
sys.dont_write_bytecode = True

from selenium.common.exceptions import WebDriverException
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

from browser import DESKTOP, PHONE, Browser, Failure, Server, axe_source
from questions import Questions

# The size of the generated history: enough for every kind of row, and quick to take for a debug build.
HISTORY = ["--story=year", "--days=30", "--scale=0.12", "--seed=3", "--connections=8"]
# Bounds of the walk: pages in all, and pages that differ only in an id or in the values of their query.
PAGES, PAGES_ALIKE, QUERIES_ALIKE = 60, 2, 2
# What vsd answers to programs, at an address that pages link to.
DATA = ("/api/", "/metrics", "/readyz", "/healthz")
# Presses of Tab on a page.
TABS = 30

STANDARDS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]

# What senders may put into a title, name, branch or address. None of it may become markup, or a link that runs.
HOSTILE = [
    "<script>window.hostile = 1</script>",
    "\"><img src=x onerror=\"window.hostile = 2\">",
    "' onmouseover='window.hostile = 3",
    "</title></textarea></svg><svg/onload=window.hostile=4>",
    "javascript:window.hostile=5",
    "{{7*7}} ${7*7} %3Cscript%3E &lt;b&gt;",
    "\u202egnp.exe \u2066 \u200f abc",
    "W" * 700,
    "wide " * 120,
    "=HYPERLINK(\"http://elsewhere.invalid\")",
]

# The rows of a long table are alike, so the first ones are enough for axe, which takes long with each.
SHORTEN = """
  for (const body of document.querySelectorAll("tbody")) [...body.children].slice(6).forEach((row) => row.remove());
  const rows = [...document.querySelectorAll(".wf-row")];
  rows.slice(20).forEach((row) => row.remove());
"""

LOOK = """
  const done = arguments[arguments.length - 1];
  const [standards, rules] = arguments;
  const only = rules ? {type: "rule", values: rules} : {type: "tag", values: standards};
  axe.run(document, {runOnly: only, resultTypes: ["violations"], preload: false, iframes: false}).then(
    (result) => done({
      found: result.violations.map((rule) => [rule.id, rule.help, rule.nodes.length, rule.nodes.slice(0, 3).map(
        (node) => node.target.join(" ") + ": " + ((node.any[0] || node.all[0] || node.none[0] || {}).message || ""))]),
    }),
    (error) => done({failed: String(error)}));
"""

FACTS = """
  const all = (selector) => [...document.querySelectorAll(selector)];
  // A link in a chart has no address of its own in the form of those in HTML.
  const target = (link) => new URL(link.getAttribute("href"), location);
  const links = all("a[href]").map((link) => target(link).href);
  return {
    title: document.title, headings: all("h1").length, links, hostile: window.hostile || null,
    schemes: [...new Set(links.map((link) => new URL(link).protocol))],
    unguarded: all("a[href]").filter((link) => target(link).origin !== location.origin && !/noreferrer/.test(link.getAttribute("rel"))).length,
    scripts: all("script").map((script) => script.src || "inline"), styled: all("[style]").length,
    handlers: all("*").filter((element) => element.getAttributeNames().some((name) => name.startsWith("on"))).length,
    foreign: all("img, iframe, object, embed, audio, video").length,
    charts: all("svg:not(svg svg)").filter((svg) => !svg.closest("[aria-hidden]") && !svg.getAttribute("aria-label")
      && !svg.getAttribute("aria-labelledby") && !svg.querySelector(":scope > title")).length,
    shift: Math.round(1000 * (window.shift || 0)) / 1000, shifted: (window.shifted || []).slice(0, 5),
  };
"""

# Runs before the scripts of each page.
WATCH = """
  window.shift = 0;
  window.shifted = [];
  new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) {
      if (entry.hadRecentInput) continue;
      window.shift += entry.value;
      for (const source of entry.sources) shifted.push((source.node?.nodeName || "") + "." + (source.node?.className || ""));
    }
  }).observe({type: "layout-shift", buffered: true});
"""

# How much text and how many links a page has, and whether its script ran.
LENGTHS = """
  const main = document.querySelector("main");
  return [main.innerText.replace(/\\s+/g, " ").length, main.querySelectorAll("a[href]").length,
    document.documentElement.classList.contains("scripted")];
"""

FOCUSABLE = """
  // The links in charts stand in the tables below them as well, and only there in the order of Tab.
  window.reachable = [...document.querySelectorAll(
    "a[href], button, input:not([type=hidden]), select, textarea, summary, [tabindex]")].filter((element) => !element.disabled
      && element.getAttribute("tabindex") !== "-1" && element.checkVisibility({visibilityProperty: true}));
  window.path = (element) => element.tagName.toLowerCase() + (element.id ? "#" + element.id : "")
    + (element.textContent ? " '" + element.textContent.trim().slice(0, 40) + "'" : "");
"""


def address_shape(path):
    """Returns the address of a page without ids, so that pages of one kind have one shape."""
    parts = [part for part in path.split("/") if part]
    if len(parts) < 2:
        return "/" + "/".join(parts)
    return f"/{parts[0]}/*"


class Walk:
    def __init__(self, url, vsperf, token):
        self.server = Server(url, token)
        self.vsperf = vsperf
        self.token = token
        self.browser = None
        self.problems = []
        self.origin = "{0.scheme}://{0.netloc}".format(urllib.parse.urlsplit(url))
        self.looked = []
        # The lengths of pages with script, by address.
        self.lengths = {}

    def wrong(self, where, what):
        if len(self.problems) < 100:
            self.problems.append(f"{where}: {what}")

    def expect(self, condition, where, what):
        if not condition:
            self.wrong(where, what)

    # One page

    def open(self, address, status=200):
        """Opens a page and checks what the browser says about it."""
        got, requested, errors = self.browser.get(self.origin + address)
        self.check_load(address, got, requested, errors, status)

    def check_load(self, address, got, requested, errors, status=200):
        self.expect(got == status, address, f"status {got} instead of {status}")
        for other in requested:
            if not other.startswith((self.origin + "/", "data:")):
                self.wrong(address, f"asks elsewhere: {other[:200]}")
        for error in errors:
            # A page that says what is wrong comes with a status that the console tells.
            if status >= 400 and f"status of {status}" in error:
                continue
            self.wrong(address, f"console: {error[:300]}")

    def axe(self, address, when, rules=None):
        result = self.browser.wait_for(LOOK, STANDARDS, rules)
        if result.get("failed"):
            return self.wrong(address, f"axe ended {when}: {result['failed'][:300]}")
        for rule, help_text, count, places in result["found"]:
            self.wrong(address, f"axe {when}: {rule}, {help_text} ({count} places): {'; '.join(places)}"[:700])

    def look(self, address, is_first=True, is_empty=False):
        """Checks the page that is open, and returns its links. The first of a kind also by axe, in dark and by keyboard."""
        browser = self.browser
        self.looked.append(address)
        facts = browser.run(FACTS)
        if facts["shift"] >= 0.1:
            # A page that arrives in parts, as on a busy machine, moves what is painted. One that moves by itself does so again.
            browser.driver.refresh()
            facts = browser.run(FACTS)
        self.expect(facts["title"].endswith(" · ValueStream"), address, f"is called {facts['title'][:100]!r}")
        self.expect(facts["headings"] == 1, address, f"has {facts['headings']} headings of the first level")
        self.expect(facts["hostile"] is None, address, f"ran a hostile text, number {facts['hostile']}")
        self.expect(set(facts["schemes"]) <= {"http:", "https:"}, address, f"links to {facts['schemes']}")
        self.expect(facts["unguarded"] == 0, address, f"{facts['unguarded']} links to elsewhere tell where they come from")
        own = len(facts["scripts"]) == 1 and facts["scripts"][0].startswith(self.origin + "/assets/")
        self.expect(own, address, f"has the scripts {facts['scripts']}")
        for name in ("styled", "handlers", "foreign"):
            self.expect(facts[name] == 0, address, f"has {facts[name]} elements that are {name}")
        self.expect(facts["charts"] == 0, address, f"has {facts['charts']} charts without a name")
        self.expect(facts["shift"] < 0.1, address, f"its layout shifts by {facts['shift']}: {facts['shifted']}")
        if not is_first:
            browser.size(PHONE)
            self.sideways(address)
            browser.size(DESKTOP)
            return [link for link in facts["links"] if link.startswith(self.origin + "/")]
        if is_empty:
            self.axe(address, "in light")
            return []
        self.lengths[address] = browser.run(LENGTHS)
        self.tab_through(address)
        browser.size(PHONE)
        self.sideways(address)
        browser.run(SHORTEN)
        self.axe(address, "on a phone", ["target-size", "scrollable-region-focusable"])
        browser.size(DESKTOP)
        self.axe(address, "in light")
        browser.colors("dark")
        self.axe(address, "in dark", ["color-contrast"])
        browser.colors("light")
        return [link for link in facts["links"] if link.startswith(self.origin + "/")]

    def sideways(self, address):
        wide = self.browser.run(
            """
            const width = document.documentElement.clientWidth;
            if (document.scrollingElement.scrollWidth <= width) return null;
            const inside = (element) => {
              for (let one = element.offsetParent; one; one = one.offsetParent)
                if (/auto|scroll|hidden|clip/.test(getComputedStyle(one).overflowX)) return true;
              return false;
            };
            const wide = [...document.querySelectorAll("body *")].filter(
              (element) => element.getBoundingClientRect().right > width + 1 && !inside(element));
            return document.scrollingElement.scrollWidth + " px of " + width + ": " + wide.slice(-3).map(
              (element) => element.tagName.toLowerCase() + "." + (element.getAttribute("class") || "")).join(", ");
            """)
        self.expect(wide is None, address, f"scrolls sideways on a phone, {wide}")

    # Parts of the walk

    def sign_in(self):
        """Signs in by keyboard, at first with a wrong token."""
        self.open("/changes", status=401)
        self.look("/changes before the sign-in")
        self.open("/changes", status=401)
        self.keys("wrong", Keys.ENTER)
        self.settle("/sign-in with a wrong token", 401)
        alert = self.browser.run("return document.querySelector('[role=alert]')?.textContent || ''")
        self.expect("not the read token" in alert, "/sign-in", f"answers a wrong token with {alert!r}")
        self.axe("/sign-in with a wrong token", "in light")
        self.keys(self.token, Keys.ENTER)
        self.settle("/changes after the sign-in")
        self.expect(self.path() == "/changes", "/sign-in", f"leads to {self.path()} instead of the page that was asked for")

    def sign_out(self):
        self.open("/system")
        button = self.browser.run("return document.querySelector('form[action$=\"/sign-out\"] button')")
        if button is None:
            return self.wrong("/system", "has no button to sign out")
        button.send_keys(Keys.ENTER)
        self.settle("/sign-in after signing out")
        self.open("/changes", status=401)

    def empty_pages(self):
        """Looks at the pages of the navigation while there is nothing to show."""
        self.open("/")
        for address in self.sections():
            self.open(address)
            self.look(address + " of an empty store", is_empty=True)

    def sections(self):
        links = self.browser.run("return [...document.querySelectorAll('.top nav a')].map((link) => link.getAttribute('href'))")
        if len(links) < 6:
            raise Failure(f"the navigation has only {links}")
        return links

    def fill(self):
        """Sends a history, and items with hostile names, and waits until they are counted."""
        sent = subprocess.run(
            [self.vsperf, "generate", "history", *HISTORY, "--send", self.server.url], capture_output=True, text=True, check=False)
        if sent.returncode != 0:
            raise Failure(f"vsperf generate history: {sent.stderr.strip()}")
        now = time.time()

        def when(seconds):
            return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(now - seconds))

        for number, text in enumerate(HOSTILE):
            short = text[:200]
            self.server.post("/customhttp", {
                "id": f"hostile-{number}", "type": ["deploy", "incident", "build", "issue"][number % 4], "namespace": f"evil/{short}",
                "startedAt": when(7200), "endedAt": when(3600), "name": text, "environment": "production", "service": short,
                "url": "https://elsewhere.invalid/'onmouseover='x?" + urllib.parse.quote(short), "attributes": {"text": text}, "outcome": "failure" if number % 2 else "success",
                "phases": [{"name": short, "startedAt": when(7000), "endedAt": when(6000)}],
                "moments": [{"name": short, "time": when(6500)}],
            })
            user = {"login": short, "id": number, "type": "User"}
            repository = {"id": 4242, "name": "evil", "full_name": "evil/evil", "html_url": text, "owner": {"login": "evil"}}
            self.server.post("/github", {
                "action": "opened", "number": number + 1, "repository": repository, "sender": user,
                "pull_request": {
                    "id": 9000 + number, "number": number + 1, "state": "open", "title": text, "body": text, "user": user,
                    "html_url": text, "head": {"ref": short, "sha": f"{number:040x}"}, "base": {"ref": "main", "sha": "f" * 40},
                    "created_at": when(7200), "updated_at": when(7200), "merged": False, "draft": False,
                },
            }, {"X-GitHub-Event": "pull_request", "X-GitHub-Delivery": f"hostile-{number}"})
        for _ in range(600):
            if self.server.json("/api/v1/reports/dora")["facts"]["complete"]:
                return
            time.sleep(0.1)
        raise Failure("the facts of the history are still computed")

    def pages(self):
        """Walks from the navigation along the links of each page, and looks at pages of every kind."""
        self.open("/")
        queue = collections.deque(self.origin + section for section in self.sections())
        queue.append(self.origin + "/search?q=" + urllib.parse.quote(HOSTILE[1]))
        queue.append(self.origin + "/search?q=evil")
        queue.append(self.origin + "/nowhere")
        queue.append(self.origin + "/changes?outcome=%3Cscript%3E")
        seen, of_shape, of_query, data = set(), collections.Counter(), collections.Counter(), collections.Counter()
        while queue and len(seen) < PAGES:
            link = urllib.parse.urlsplit(queue.popleft())
            address = link.path + (f"?{link.query}" if link.query else "")
            query = urllib.parse.parse_qs(link.query)
            shape, names = address_shape(link.path), tuple(sorted(query))
            if address in seen or link.path.startswith(("/assets/", "/sign-")):
                continue
            if link.path.startswith(DATA) or "format" in query:
                kind = (shape, query.get("format", [""])[0])
                data[kind] += 1
                if data[kind] == 1:
                    self.data(address)
                continue
            if of_query[shape, names] >= 1 and of_shape[shape] >= PAGES_ALIKE or of_shape[shape] >= QUERIES_ALIKE:
                continue
            seen.add(address)
            of_shape[shape] += 1
            of_query[shape, names] += 1
            self.open(address, status=404 if link.path == "/nowhere" else 400 if "%3Cscript%3E" in address else 200)
            queue.extend(self.look(address, is_first=of_shape[shape] == 1))
        for shape in ("/", "/reports/*", "/deploys/*", "/changes/*", "/traces/*", "/deliveries/*", "/search", "/connect"):
            self.expect(of_shape[shape] > 0, "the walk", f"found no page {shape}")
        kinds = {form for _, form in data}
        self.expect({"csv", "json"} <= kinds or len(data) > 4, "the walk", f"found only the forms {sorted(kinds)}")

    def data(self, address):
        """Checks what a page is for programs: JSON or CSV."""
        status, kind, body = self.server.get(address)
        self.expect(status == 200, address, f"status {status}")
        if kind == "application/json":
            try:
                json.loads(body)
            except ValueError as error:
                self.wrong(address, f"is no JSON: {error}")
        elif kind == "text/csv":
            rows = list(csv.reader(io.StringIO(body.decode())))
            self.expect(len(rows) > 0 and len({len(row) for row in rows}) == 1, address, "has rows of several lengths")
            for row in rows[1:]:
                cells = [cell for cell in row if re.match(r"[=+@]", cell)]
                self.expect(not cells, address, f"has a cell that a spreadsheet runs: {cells[:1]}")
        else:
            self.expect(kind in ("text/plain", "application/openmetrics-text", "application/problem+json"), address, f"is {kind}")

    def questions(self):
        """Answers the questions of the README by clicking from the overview on."""
        for line in Questions(self.browser, self.origin, self.wrong).all():
            print(line)

    # Keyboard

    def keys(self, *keys):
        ActionChains(self.browser.driver, duration=0).send_keys(*keys).perform()

    def path(self):
        return urllib.parse.urlsplit(self.browser.driver.current_url).path

    def settle(self, where, status=200):
        """Waits for the page that a key opened, and checks it."""
        got, requested, errors = None, [], []
        for _ in range(100):
            now = self.browser.drain()
            got, requested, errors = now[0] or got, requested + now[1], errors + now[2]
            if got is not None and got != 303 and self.browser.run("return document.readyState") == "complete":
                break
            time.sleep(0.05)
        self.check_load(where, got, requested, errors, status)

    def tab_through(self, address):
        """Presses Tab from the top and near the end: each control gets the focus, in order, and shows it."""
        self.browser.run(FOCUSABLE + """
          window.reached = [];
          document.addEventListener("focusin", (event) => {
            const style = getComputedStyle(event.target);
            const shown = style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 1 || event.target.id === "main";
            window.reached.push([reachable.indexOf(event.target), shown, path(event.target)]);
          }, true);
          document.activeElement?.blur();
          getSelection().removeAllRanges();
        """)
        count = self.browser.run("return reachable.length")
        begins = [0]
        if count > TABS:
            begins.append(count - TABS // 3)
        for begin in begins:
            self.browser.run("""
              const [begin] = arguments;
              if (begin) reachable[begin - 1].focus(); else { document.body.tabIndex = -1; document.body.focus(); document.body.removeAttribute("tabindex"); }
              window.reached = [];
            """, begin)
            presses = min(count - begin, TABS if begin == 0 else TABS // 3)
            self.keys(Keys.TAB * presses)
            reached = self.browser.run("return window.reached")
            hidden = [name for _, shown, name in reached if not shown]
            self.expect(not hidden, address, f"shows no focus on {hidden[:3]}")
            order = [index for index, _, _ in reached if index >= 0]
            # The browser also stops at regions that scroll, which take no part in the count.
            wanted = list(range(begin, begin + len(order)))
            strays = len(reached) - len(order)
            if order != wanted or len(order) < presses - strays:
                missing = self.browser.run(
                    "return arguments[0].map((index) => path(reachable[index]))", sorted(set(wanted) - set(order))[:3])
                self.wrong(address, f"Tab does not reach every control in order: {len(order)} of {presses}, without {missing}")

    def single_keys(self):
        """Tries the keys that pages have: `?`, `/`, `g`, and those of the waterfall."""
        browser = self.browser
        self.open("/changes")
        self.keys("?")
        listed = browser.run("return [...document.querySelectorAll('dialog[open] kbd')].map((key) => key.textContent)")
        self.expect({"/", "?", "g"} <= set(listed), "/changes", f"? lists only {listed}")
        self.axe("/changes with the list of keys", "in light")
        self.keys(Keys.ESCAPE)
        self.wait("/changes", "Escape leaves the list of keys", "return document.querySelector('dialog') === null")
        self.keys("/")
        self.expect(browser.run("return document.activeElement.id") == "q", "/changes", "/ does not go to the search")
        self.keys("evil?g/d", Keys.ENTER)
        self.settle("/search by keyboard")
        self.expect(self.path() == "/search", "/changes", f"the search leads to {self.path()}")
        typed = browser.run("return document.querySelector('#q').value")
        self.expect(typed == "evil?g/d", "/search", f"keys act while somebody types: {typed!r}")
        for key, path in (("d", "/deploys"), ("c", "/changes"), ("l", "/deliveries"), ("s", "/system")):
            self.keys("g", key)
            self.settle(f"g {key}")
            self.expect(self.path() == path, "keys", f"g {key} leads to {self.path()}")
        self.waterfall_keys()

    def waterfall_keys(self):
        browser = self.browser
        traces = {span["traceID"] for span in self.server.json("/api/v1/spans?operation=pull_request&limit=50")["spans"]}
        sizes = {trace: len(self.server.json(f"/api/v1/traces/{trace}")["spans"]) for trace in sorted(traces)[:20]}
        trace = "/traces/" + max(sizes, key=sizes.get)
        self.open(trace)
        self.keys("f")
        first = browser.run("return document.activeElement.closest('.wf-row') && document.activeElement.textContent")
        self.expect(bool(first), trace, "f does not go to a span")
        self.keys("f", "b")
        again = browser.run("return document.activeElement.textContent")
        self.expect(again == first, trace, "b does not go back")
        self.keys(Keys.ENTER)
        self.wait(trace, "Enter does not show the span", "return new URL(location.href).searchParams.has('span')")
        before = browser.run("return document.querySelectorAll('.wf-rows details[open]').length")
        if before:
            self.keys("]")
            after = browser.run("return document.querySelectorAll('.wf-rows details[open]').length")
            self.expect(after < before, trace, "] collapses nothing")
            self.keys("[")
        self.keys("=")
        self.wait(trace, "= does not zoom", "return new URL(location.href).searchParams.has('from')")
        self.keys("0")
        self.wait(trace, "0 does not show the whole trace", "return !new URL(location.href).searchParams.has('from')")
        self.keys("?")
        listed = browser.run("return [...document.querySelectorAll('dialog[open] kbd')].map((key) => key.textContent)")
        self.expect({"f", "b", "[", "0"} <= set(listed), trace, f"? lists only {listed}")
        self.keys(Keys.ESCAPE)
        _, requested, errors = browser.drain()
        self.check_load(trace + " by keyboard", 200, requested, errors)

    def wait(self, where, otherwise, script):
        for _ in range(100):
            if self.browser.run(script):
                return
            time.sleep(0.05)
        self.wrong(where, otherwise)

    # Without script

    def without_script(self):
        """Opens pages of every kind with scripts off: the same text, the same links, and forms that work."""
        browser = self.browser
        browser.scripts(False)
        for address, with_script in self.lengths.items():
            if "?" in address or " " in address or address == "/nowhere":
                continue
            self.open(address)
            without = browser.run(LENGTHS)
            self.expect(with_script[2] and not without[2], address, "the test did not switch the script off")
            # Ages of what is open grow between the two.
            same = abs(without[0] - with_script[0]) < 60 + with_script[0] / 20 and without[1] == with_script[1]
            self.expect(same, address, f"has {without[:2]} letters and links without script, {with_script[:2]} with it")
        self.open("/changes")
        field = browser.driver.find_element(By.ID, "q")
        field.send_keys("evil", Keys.ENTER)
        self.settle("/search without script")
        self.expect(self.path() == "/search", "/changes", f"the search without script leads to {self.path()}")
        self.open("/changes")
        form = browser.driver.find_element(By.CSS_SELECTOR, "form.filters [name=project]")
        form.send_keys("evil/evil", Keys.ENTER)
        self.settle("/changes filtered without script")
        self.expect("project=evil" in browser.driver.current_url, "/changes", "the filter does not work without script")
        browser.scripts(True)

    def all(self):
        self.browser = Browser()
        try:
            self.browser.command("Page.addScriptToEvaluateOnNewDocument", source=axe_source() + ";" + WATCH)
            self.browser.colors("light")
            self.browser.size(DESKTOP)
            for part in (
                self.sign_in, self.empty_pages, self.fill, self.pages, self.questions, self.single_keys, self.without_script, self.sign_out,
            ):
                begun = time.monotonic()
                part()
                print(f"{part.__name__}: {time.monotonic() - begun:.1f} s")
        finally:
            self.browser.close()


def main(arguments):
    if len(arguments) != 3:
        print(__doc__, file=sys.stderr)
        return 2
    walk = Walk(*arguments)
    try:
        walk.all()
    except (Failure, WebDriverException) as failure:
        walk.wrong("the walk", str(failure))
    print(f"looked at {len(walk.looked)} pages")
    for problem in walk.problems:
        print(problem)
    return 1 if walk.problems else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
