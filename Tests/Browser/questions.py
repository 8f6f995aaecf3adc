#!/usr/bin/env python3
"""Answers the twelve questions of the README by clicking through the pages of a vsd, as somebody does who sees them first.

    questions.py URL [READ-TOKEN]

Prints a line for each question: clicks, seconds and the answer. Exit code 1: a question has no answer, or one that takes more than
two clicks or is not on the first screen. The vsd at URL must have a history that ends now.

A click leads along a link that is visible on the page. The answer must stand in the first 860 pixels.
"""

import re
import sys
import time

# No compiled file beside the sources.
sys.dont_write_bytecode = True

from selenium.common.exceptions import WebDriverException

from browser import DESKTOP, Browser, Failure, Server

DURATION = r"\d[\d.]* (?:s|min|h|d)\b"
MOST_CLICKS = 2

# Each question: the texts of the links to click from the overview, the elements among which the answer is, and the answer's form.
QUESTIONS = (
    ("How often do we deploy?", [], ".tile", r"Deployment frequency\s+([\d.,]+ \S+ \S+)"),
    ("What share of deploys succeeds?", [], ".questions tr", rf"(\d+(?:\.\d+)? %)\s*\d+ of \d+"),
    ("How long are issues open?", ["Flow"], ".tile", rf"Time open, median\s+({DURATION}[\s\S]*85 % within {DURATION})"),
    ("How long do builds take?", ["Pipelines"], ".tile", rf"Run time, median\s+({DURATION})"),
    ("How long do deploys take?", [], ".questions tr", rf"({DURATION})[^\n]*\s\d+ deploys?\s*$"),
    ("How long do pull requests take, by repository?", ["Reviews"], "table tr", rf"/\S+\s+\d+\s.*?({DURATION})"),
    ("Where does the time go between idea and production?", ["Lead time"], "h1", r"(\w+ takes the most: \d+ % of .*)"),
    ("What was in yesterday's production deploy?", ["yesterday in production", "CHANGES"], "table tr", r"^(\S.*\S)\s+\S+/\S+"),
    ("What broke, what fixed it, how long did it take?", ["Incidents"], "table tr", rf"^(\S.*{DURATION}.*\S/.*)"),
    ("What is stuck now, and which review waits longest?", ["Ageing"], ".lead", rf"(The longest in review is .*, for {DURATION})"),
    ("Which job is slowest, and which fails most?", ["Pipelines"], ".lead", r"(The slowest job is .* Most failures are of .*: \d+ of \d+)"),
    ("Is it better than last week?", ["7 d"], "h1", r"(.*(?:before|deliver).*)"),
)

# The answer among the elements, and whether it stands in the first screen.
FIND = """
  const [selector, form] = arguments;
  const pattern = new RegExp(form, "m");
  for (const element of document.querySelectorAll("main " + selector)) {
    const found = element.innerText.match(pattern);
    if (!found) continue;
    const box = element.getBoundingClientRect();
    return [found[1].replace(/\\s+/g, " ").slice(0, 120), Math.round(box.top + scrollY), innerHeight];
  }
  return null;
"""

# A visible link with this text; `CHANGES` is the first that says how many changes a deploy brings.
CLICK = """
  const [text] = arguments;
  const fits = (link) => text === "CHANGES" ? /^[1-9]\\d* changes?$/.test(link.innerText.trim()) : link.innerText.trim() === text;
  const link = [...document.querySelectorAll("a[href]")].find((link) => fits(link) && link.checkVisibility() && link.getClientRects().length);
  if (!link) return false;
  window.left = true;
  link.click();
  return true;
"""


class Questions:
    def __init__(self, browser, origin, tell):
        self.browser = browser
        self.origin = origin
        # Takes what is wrong: where, and what.
        self.tell = tell

    def wait(self):
        """Waits for the page behind a click."""
        for _ in range(400):
            try:
                if self.browser.run("return !window.left && document.readyState === 'complete'"):
                    return
            except WebDriverException:
                # The page changes at this moment.
                pass
            time.sleep(0.02)
        raise Failure("a click led to no page")

    def click(self, text):
        if not self.browser.run(CLICK, text):
            return False
        self.wait()
        return True

    def go(self, links):
        """Clicks from the overview on. On a Monday nothing may have gone out yesterday, so the week before serves as well."""
        self.browser.get(self.origin + "/")
        for index, text in enumerate(links):
            if self.click(text):
                continue
            if text != "CHANGES" or not (self.click("the last 7 days") and self.click(text)):
                return f"there is no link {text!r} after {links[:index]}"
        return None

    def ask(self, question, links, selector, form):
        """Returns the answer and the seconds that it took."""
        begun = time.monotonic()
        missing = self.go(links)
        if missing:
            self.tell(question, missing)
            return None
        found = self.browser.run(FIND, selector, form)
        seconds = time.monotonic() - begun
        if found is None:
            self.tell(question, f"no answer on {self.browser.driver.current_url}")
            return None
        answer, top, height = found
        if top > height - 20:
            self.tell(question, f"its answer is {top} pixels from the top, below the first screen")
        if len(links) > MOST_CLICKS:
            self.tell(question, f"takes {len(links)} clicks")
        return answer, seconds

    def all(self):
        """Asks every question, and returns lines about the answers."""
        self.browser.size(DESKTOP)
        lines = []
        for question, links, selector, form in QUESTIONS:
            found = self.ask(question, links, selector, form)
            if found:
                lines.append(f"{question} {len(links)} clicks, {found[1]:.1f} s: {found[0]}")
        return lines


def main(arguments):
    if len(arguments) not in (1, 2):
        print(__doc__, file=sys.stderr)
        return 2
    problems = []
    browser = Browser()
    try:
        if len(arguments) == 2:
            browser.command("Network.setExtraHTTPHeaders", headers={"Authorization": f"Bearer {arguments[1]}"})
        server = Server(arguments[0])
        for line in Questions(browser, server.url, lambda where, what: problems.append(f"{where}: {what}")).all():
            print(line)
    except (Failure, WebDriverException) as failure:
        problems.append(str(failure))
    finally:
        browser.close()
    for problem in problems:
        print(problem)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
