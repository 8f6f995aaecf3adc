#!/usr/bin/env python3
"""Attacks a vsd while an honest sender with valid signatures measures it, and reports whether the limits held.

    Tests/Hostile/hostile.py [--vsd PATH] [--only NAME,...] [--list] [--json FILE]

Uses only loopback and the standard library. Each attack starts its own vsd on a fresh store in a temporary directory, takes about
half a minute at most, and limits that vsd to 6 GiB of address space. Exit codes: 0 if every limit held, 1 if one did not, 64 for
a mistake in the command line.
"""

import argparse
import contextlib
import json
import os
import sys
import tempfile
import time

import attacks
import victim as v

# The limits, which hold for every attack.
MEDIAN_SECONDS = 0.1
VISIBLE_SECONDS = 1.0
MEMORY_BYTES = 512 << 20


class Run:
    """One attack on one vsd."""

    def __init__(self, name, binary, directory):
        self.name, self.binary, self.directory = name, binary, directory
        function, options = attacks.ATTACKS[name]
        self.function = function
        self.tracer = options.get("tracer", "none")
        self.arguments = list(options.get("arguments", []))
        self.after = options.get("after", 2)
        self.history_count = options.get("history", 0)
        self.fresh = options.get("fresh", False)
        self.starts = options.get("starts", True)
        self.has_sink = options.get("sink", False)
        self.faults, self.notes, self.victims, self.history = [], [], [], []
        self.may_miss = 0
        self.skipped = None
        self.figures = {}
        self.vsd = None
        self.sender = None
        self.results = []
        self.next_number = 1

    # Called by attacks

    def note(self, text):
        self.notes.append(text)

    def fault(self, text):
        self.faults.append(text)

    def skip(self, reason):
        self.skipped = reason

    def new_vsd(self, place, **options):
        directory = os.path.normpath(os.path.join(self.directory, place))
        os.makedirs(directory, exist_ok=True)
        vsd = v.Victim(self.binary, directory, **options)
        self.victims.append(vsd)
        return vsd

    @contextlib.contextmanager
    def stopped(self):
        """Stops vsd and the honest sender while the caller changes files, and restarts both afterwards."""
        self.end_sending()
        self.vsd.stop()
        yield
        if not self.vsd.start():
            raise RuntimeError("vsd does not start again: " + (self.vsd.new_lines() or ["nothing printed"])[-1][:200])
        self.begin_sending()

    # Course of a run

    def begin_sending(self):
        self.sender = v.HonestSender(self.vsd.port, fresh=self.fresh, first_number=self.next_number)

    def end_sending(self):
        if self.sender is None:
            return
        result = self.sender.stop()
        self.sender = None
        self.next_number += len(result["latencies"]) + 2
        self.results.append(result)

    def perform(self):
        begin = v.now()
        sink = v.Sink() if self.has_sink else None
        try:
            if not self.starts:
                self.function(self)
                self.judge_memory()
                return
            if sink:
                at = f"http://127.0.0.1:{sink.port}"
                self.tracer = "otlp,zipkin,datadog,jaeger"
                self.arguments += [
                    "--settle=0s", f"--otlp-endpoint={at}", f"--jaeger-endpoint={at}", f"--datadog-agent-url={at}",
                    f"--zipkin-endpoint={at}/api/v2/spans"]
            self.vsd = self.new_vsd(".", tracer=self.tracer, arguments=self.arguments)
            if not self.vsd.start():
                self.fault("vsd does not start: " + (self.vsd.new_lines() or ["nothing printed"])[-1][:200])
                return
            self.make_history()
            self.begin_sending()
            time.sleep(1)
            try:
                self.function(self)
            except RuntimeError as error:
                self.fault(str(error))
            # The damage may come later, when vsd projects what it has accepted.
            time.sleep(1)
            if self.after:
                self.vsd.wait_until_idle(self.after)
            self.end_sending()
            self.judge()
        finally:
            self.end_sending()
            for vsd in self.victims:
                vsd.kill()
            if sink:
                sink.close()
            self.figures["seconds"] = round(v.now() - begin, 1)

    def make_history(self):
        connection = self.vsd.connect(v.HONEST)
        for number in range(1, self.history_count + 1):
            body = v.github_issue(number)
            if connection.attempt("POST", "/github", body, v.github_headers(body, "issues", f"history-{number}")) == 200:
                self.history.append(number)
            # Each delivery is sent alone, so it gets its own commit in the log, as most real deliveries do.
        self.next_number = self.history_count + 1
        if self.history:
            self.vsd.missing(self.history, 20)

    def judge(self):
        latencies = [value for result in self.results for value in result["latencies"]]
        visible = [value for result in self.results for value in result["visible"]]
        acknowledged = self.history + [number for result in self.results for number in result["acknowledged"]]
        self.figures.update(
            median=v.median(latencies), p99=v.percentile(latencies, 0.99), max=max(latencies, default=float("inf")),
            visible=max(visible, default=float("inf")), deliveries=len(acknowledged),
            refused=sum(result["refused"] for result in self.results))
        if self.figures["median"] > MEDIAN_SECONDS:
            self.fault(f"median {self.figures['median'] * 1000:.0f} ms")
        if self.figures["visible"] > VISIBLE_SECONDS:
            self.fault(f"visible after {self.figures['visible']:.1f} s")

        self.figures["processor"] = self.vsd.processor
        alive = self.vsd.is_alive
        if not alive:
            self.fault(f"vsd ended with {self.vsd.process.poll()}")
        code = self.vsd.stop()
        if alive and code != 0:
            self.fault("SIGTERM did not end it within 30 s" if code is None else f"stopped with {code}")
        if self.vsd.start():
            time.sleep(0.5)
            missing = self.vsd.missing(acknowledged)
            self.figures["missing"] = len(missing)
            if len(missing) > self.may_miss:
                self.fault(f"{len(missing)} of {len(acknowledged)} acknowledged missing after a restart")
            if not self.vsd.is_alive:
                self.fault(f"after a restart vsd ended with {self.vsd.process.poll()}")
            self.vsd.stop()
        else:
            self.figures["missing"] = len(acknowledged)
            self.fault(f"vsd does not start again: {self.vsd.process.poll()}")
        self.figures["store"] = self.vsd.peak_store
        self.judge_memory()

    def judge_memory(self):
        peak = max((vsd.peak_memory for vsd in self.victims), default=0)
        self.figures["memory"] = peak
        if peak > MEMORY_BYTES:
            self.fault(f"{peak / 1e6:.0f} MB of memory")

    # Output

    @property
    def verdict(self):
        return "skip" if self.skipped else "FAIL" if self.faults else "pass"

    def row(self):
        figures = self.figures

        def milliseconds(name):
            value = figures.get(name)
            return "-" if value is None else f"{value * 1000:.0f}" if value != float("inf") else "never"

        def megabytes(name):
            return f"{figures[name] / 1e6:.0f}" if name in figures else "-"

        return [
            self.name, milliseconds("median"), milliseconds("p99"), milliseconds("max"), milliseconds("visible"),
            megabytes("memory"), megabytes("store"), f"{figures['processor']:.1f}" if "processor" in figures else "-",
            str(figures.get("missing", "-")), self.verdict]


HEADINGS = ["attack", "median ms", "p99 ms", "max ms", "visible ms", "memory MB", "store MB", "CPU s", "missing", ""]
LIMITS = ["limit", f"{MEDIAN_SECONDS * 1000:.0f}", "", "", f"{VISIBLE_SECONDS * 1000:.0f}", f"{MEMORY_BYTES / 1e6:.0f}", "", "", "0", ""]
WIDTHS = [20, 9, 8, 8, 10, 9, 8, 7, 7, 4]


def line(cells):
    return "  ".join(
        cell.ljust(width) if index == 0 else cell.rjust(width) for index, (cell, width) in enumerate(zip(cells, WIDTHS))).rstrip()


def main():
    here = os.path.dirname(os.path.abspath(__file__))
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--vsd", default=os.path.join(here, "../../.build-release/release/vsd"), help="the program to attack")
    parser.add_argument("--only", default="", help="names of attacks, separated by commas")
    parser.add_argument("--list", action="store_true", help="print the attacks and end")
    parser.add_argument("--json", help="write the figures there, to compare two programs")
    options = parser.parse_args()
    if options.list:
        for name, (function, _) in attacks.ATTACKS.items():
            print(f"{name:20}  {(function.__doc__ or '').strip().splitlines()[0] if function.__doc__ else ''}")
        return 0
    names = [name for name in options.only.split(",") if name] or list(attacks.ATTACKS)
    unknown = [name for name in names if name not in attacks.ATTACKS]
    if unknown or not os.access(options.vsd, os.X_OK):
        print(f"hostile: there is no attack {unknown[0]}; --list names them" if unknown else f"hostile: there is no {options.vsd}",
              file=sys.stderr)
        return 64
    print(line(HEADINGS))
    print(line(LIMITS), flush=True)
    runs = []
    for name in names:
        directory = tempfile.mkdtemp(prefix="vsd-hostile-")
        run = Run(name, os.path.abspath(options.vsd), directory)
        try:
            run.perform()
        finally:
            v.remove(directory)
        runs.append(run)
        print(line(run.row()))
        for text in ["; ".join(run.notes)] * bool(run.notes) + [f"skipped: {run.skipped}"] * bool(run.skipped):
            print(f"    {text}")
        for fault in run.faults:
            print(f"    FAIL: {fault}")
        sys.stdout.flush()
    failed = [run.name for run in runs if run.faults]
    seconds = sum(run.figures.get("seconds", 0) for run in runs)
    print(f"\n{len(runs) - len(failed)} of {len(runs)} attacks within the limits, {seconds:.0f} s"
          + (f"; not: {', '.join(failed)}" if failed else ""))
    if options.json:
        with open(options.json, "w") as file:
            json.dump([{"attack": run.name, "verdict": run.verdict, "notes": run.notes, "faults": run.faults, **run.figures}
                       for run in runs], file, indent=1, default=str)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
