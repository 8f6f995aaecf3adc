#!/usr/bin/env python3
"""Tries what happens to several vsd on a PostgreSQL database when one of them, the database or the network fails.

    Tests/FailOver/fail-over.py [--vsd PATH] [--only NAME,...] [--list]

In each trial, three vsd take deliveries from six senders, which repeat a delivery until it is acknowledged. Then something fails.
Afterwards, every acknowledged delivery must have been recorded exactly once, and every vsd must show the same spans as a vsd with a
store in a directory that got the same deliveries. Prints a table with times. Slow trials do not fail.

Uses only this machine. Trials of the network need root, and are skipped without. Exit codes: 0 if nothing was lost or doubled, 1 if
something was, 64 for a mistake in the command line.
"""

import argparse
import os
import pathlib
import shutil
import signal
import sys
import tempfile
import threading
import time

import cluster as c

CHECKOUT = pathlib.Path(__file__).resolve().parent.parent.parent


class Trial:
    """Three vsd under load, and what is measured of them."""

    def __init__(self, binary, directory):
        self.binary, self.directory = binary, directory
        self.daemons, self.closing, self.notes, self.faults = [], [], [], []
        self.senders = self.began = self.address = None
        self.terms = []

    def server(self, name="server", **options):
        server = c.Postgres(self.directory, name, **options)
        self.closing.append(server.stop)
        return server

    def start(self, address, network=None, own_address=None):
        """Starts three vsd. With a network, the first runs in it, and reaches the database at an address of its own."""
        self.address = address
        for number in range(1, 4):
            is_apart = network is not None and number == 1
            vsd = c.Vsd(
                self.binary, own_address if is_apart else address, f"{self.directory}/vsd-{number}", network if is_apart else None)
            self.daemons.append(vsd)
            if number == 1:
                c.wait_until(vsd.leads, "the first vsd to lead")
        for vsd in self.daemons:
            c.wait_until(vsd.is_ready, "a vsd")
        self.senders = c.Senders(self.daemons)
        time.sleep(2)

    def leader(self):
        for _ in range(3000):
            for vsd in self.daemons:
                if vsd.process.poll() is None and vsd.leads():
                    return vsd
            time.sleep(0.02)
        raise RuntimeError("nobody leads")

    def begin(self):
        """Call it right before the failure."""
        self.terms = [vsd.terms() for vsd in self.daemons]
        self.began = time.monotonic()

    def has_new_term(self, others):
        return any(
            vsd.terms() > before for vsd, before in zip(self.daemons, self.terms) if vsd not in others)

    def measure(self, others=(), ends_term=True):
        """Waits until a vsd begins to lead, and until a delivery that was acknowledged after the failure is visible."""
        if ends_term:
            c.wait_until(lambda: self.has_new_term(others), "a new leader")
            self.notes.append(f"a vsd leads again after {time.monotonic() - self.began:.1f} s")
        c.wait_until(lambda: self.senders.first_after(self.began), "a delivery")
        _, number = self.senders.first_after(self.began)
        reader = next(vsd for vsd in self.daemons if vsd not in others)
        c.wait_until(lambda: reader.json(f"/api/v1/spans/{c.key(number)}", timeout=5) is not None, "a span")
        self.notes.append(f"first new delivery visible after {time.monotonic() - self.began:.1f} s")
        time.sleep(2)

    def finish(self):
        """Ends the load, and compares."""
        self.senders.stop()
        self.faults += self.senders.failures
        acknowledged = set(self.senders.acknowledged)
        for vsd in self.daemons:
            if vsd.process.poll() is not None:
                vsd.start()
            c.wait_until(vsd.is_ready, "a vsd to be ready again")
        self.leader()
        alone = c.Vsd(self.binary, f"{self.directory}/alone-store", f"{self.directory}/alone")
        self.daemons.append(alone)
        c.wait_until(alone.is_ready, "the vsd with a directory")
        # In another order. That does not matter.
        alone.send_all(sorted(acknowledged, key=lambda delivery: (not delivery[1], delivery[0])))
        expected = alone.spans()
        recorded = self.recorded(self.daemons[0], len(acknowledged))
        lost, doubled = max(0, len(acknowledged) - recorded), max(0, recorded - len(acknowledged))
        if lost or doubled:
            self.faults.append(f"{len(acknowledged)} deliveries were acknowledged, and {recorded} recorded")
        for vsd in self.daemons[:3]:
            spans = vsd.spans()
            if spans != expected:
                differing = [key for key in set(spans) | set(expected) if spans.get(key) != expected.get(key)]
                self.faults.append(f"{vsd.directory}: {len(differing)} of {len(expected)} spans differ, such as {differing[0]}")
        return {
            "deliveries": len(acknowledged), "pause": self.pause(), "slowest": self.senders.slowest, "refused": self.senders.refused,
            "lost": lost, "doubled": doubled,
        }

    @staticmethod
    def recorded(vsd, expected):
        """The number of recorded deliveries, once all are projected."""
        count = None
        for _ in range(500):
            stats = vsd.json("/api/v1/stats", timeout=10)
            count = stats["deliveries"]["recorded"] if stats else count
            if count == expected:
                break
            time.sleep(0.02)
        return count

    def pause(self):
        """The longest time in which no delivery was acknowledged, from the failure on."""
        times = [self.began] + [time for time in self.senders.times() if time > self.began]
        return max((after - before for before, after in zip(times, times[1:])), default=0.0)

    def close(self):
        if self.senders:
            self.senders.is_over = True
        for vsd in self.daemons:
            if vsd.process.poll() is None:
                vsd.send(signal.SIGKILL)
                vsd.process.wait()
        if self.senders:
            self.senders.stop()
        for close in reversed(self.closing):
            close()


# Trials


def end_leader(trial, number, address):
    """Ends or stops the leader, which comes back later."""
    trial.start(address)
    leader = trial.leader()
    trial.begin()
    leader.send(number)
    if number == signal.SIGSTOP:
        trial.measure([leader])
        leader.send(signal.SIGCONT)
        c.wait_until(lambda: "has lost the lease" in leader.log(), "the loss of the lease")
        time.sleep(2)
        return
    threading.Thread(target=leader.process.wait).start()
    trial.measure([leader])
    leader.start()
    time.sleep(2)


def kill_leader(trial):
    """kill -9 of the leader"""
    end_leader(trial, signal.SIGKILL, trial.server().address())


def stop_leader(trial):
    """orderly stop of the leader"""
    end_leader(trial, signal.SIGTERM, trial.server().address())


def sleep_leader(trial):
    """leader sleeps past its lease (SIGSTOP)"""
    end_leader(trial, signal.SIGSTOP, trial.server().address())


def kill_follower(trial):
    """kill -9 of a follower"""
    trial.start(trial.server().address())
    leader = trial.leader()
    follower = next(vsd for vsd in trial.daemons if vsd is not leader)
    trial.begin()
    follower.end(signal.SIGKILL)
    trial.measure([follower], ends_term=False)
    follower.start()
    time.sleep(2)


def end_server(trial, end):
    """Ends the server, and starts it again at once."""
    server = trial.server()
    trial.start(server.address())
    trial.begin()
    end(server)
    server.start()
    trial.measure(ends_term=False)


def crash_of_server(trial):
    """kill -9 of PostgreSQL, started at once"""
    end_server(trial, lambda server: server.kill())


def restart_of_server(trial):
    """restart of PostgreSQL"""
    end_server(trial, lambda server: server.stop())


def standby(trial, primary):
    server = trial.server("standby", standby_of=primary)
    trial.start(
        f"postgres:///postgres?host={primary.directory},{server.directory}&port={primary.port},{server.port}&user=vs"
        "&target_session_attrs=read-write")
    return server


def promote(trial, primary, server):
    """Lets a standby take over from the primary, which crashes."""
    time.sleep(1)
    trial.begin()
    primary.kill()
    server.query("SELECT pg_promote()")
    trial.notes.append(f"promoted after {time.monotonic() - trial.began:.1f} s")
    trial.measure()


def fail_over(trial):
    """fail-over to a synchronous standby"""
    primary = trial.server("primary")
    server = standby(trial, primary)
    primary.query("ALTER SYSTEM SET synchronous_standby_names = '*'")
    primary.query("SELECT pg_reload_conf()")
    c.wait_until(lambda: primary.query("SELECT sync_state FROM pg_stat_replication") == "sync", "the synchronous standby")
    promote(trial, primary, server)


def fail_over_asynchronous(trial):
    """fail-over to a standby that lacks the last second"""
    primary = trial.server("primary")
    server = standby(trial, primary)
    server.query("ALTER SYSTEM SET primary_conninfo = ''")
    server.query("SELECT pg_reload_conf()")
    c.wait_until(lambda: server.query("SELECT count(*) FROM pg_stat_wal_receiver") == "0", "the end of streaming")
    promote(trial, primary, server)
    c.wait_until(lambda: any("are appended again" in vsd.log() for vsd in trial.daemons), "the deliveries that the standby lacks")
    time.sleep(2)
    lines = [line for vsd in trial.daemons for line in vsd.log().splitlines() if "are appended again" in line]
    trial.notes.append(f"{len(lines)} vsd appended again what the standby lacked")


def network(trial, fail):
    lan = c.Network()
    trial.closing.append(lan.remove)
    server = trial.server()
    trial.start(server.address(), lan, server.address(lan.database))
    leader = trial.leader()
    if leader is not trial.daemons[0]:
        trial.faults.append("another vsd leads than the one whose network fails")
    trial.begin()
    fail(lan)
    trial.measure([leader])
    time.sleep(15)
    lan.mend()
    c.wait_until(leader.is_ready, "the vsd that was cut off")
    time.sleep(2)


def network_cut(trial):
    """leader cut off from the database for 20 s"""
    network(trial, lambda lan: lan.cut())


def answers_lost(trial):
    """leader reaches the database, but no answer returns, for 20 s"""
    network(trial, lambda lan: lan.lose_answers())


def connections_exhausted(trial):
    """no connection left for 8 s, and kill -9 of the leader meanwhile"""
    server = trial.server(settings={"max_connections": "60"})
    trial.start(server.address())
    leader = trial.leader()
    hog = c.Hog(server)
    c.wait_until(lambda: len(hog.connections) > 0, "a connection")
    time.sleep(1)
    trial.begin()
    leader.end(signal.SIGKILL)
    time.sleep(8)
    hog.release()
    trial.notes.append(f"{len(hog.connections)} connections were taken")
    trial.measure([leader])
    leader.start()
    time.sleep(2)


def pooled(trial, number):
    bouncer = c.PgBouncer(trial.directory, trial.server())
    trial.closing.append(bouncer.stop)
    end_leader(trial, number, bouncer.address())


def pooled_kill(trial):
    """through pgbouncer: kill -9 of the leader"""
    pooled(trial, signal.SIGKILL)


def pooled_stop(trial):
    """through pgbouncer: orderly stop of the leader"""
    pooled(trial, signal.SIGTERM)


def pooled_sleep(trial):
    """through pgbouncer: leader sleeps past its lease"""
    pooled(trial, signal.SIGSTOP)


def visibility(trial):
    """nothing fails: how long a delivery to a follower takes to be visible there"""
    trial.start(trial.server().address())
    leader = trial.leader()
    follower = next(vsd for vsd in trial.daemons if vsd is not leader)
    trial.begin()
    trial.senders.stop()
    times = []
    for index in range(100):
        number = trial.senders.take_number()
        assert trial.senders.post(follower, number, False)
        began = time.monotonic()
        c.wait_until(lambda: follower.json(f"/api/v1/spans/{c.key(number)}") is not None, "a span", pause=0.001)
        times.append(1000 * (time.monotonic() - began))
        trial.senders.note(number, False)
        # Not in step with the looks of the leader at the log.
        time.sleep(0.01 + index % 7 * 0.007)
    times.sort()
    trial.notes.append(f"visible after {times[50]:.0f} ms in the median, {times[90]:.0f} ms at the 90th percentile")


TRIALS = {
    "visibility": visibility,
    "kill-leader": kill_leader, "stop-leader": stop_leader, "sleep-leader": sleep_leader, "kill-follower": kill_follower,
    "crash-of-server": crash_of_server, "restart-of-server": restart_of_server, "fail-over": fail_over,
    "fail-over-asynchronous": fail_over_asynchronous, "network-cut": network_cut, "answers-lost": answers_lost,
    "connections-exhausted": connections_exhausted, "pooled-kill": pooled_kill, "pooled-stop": pooled_stop,
    "pooled-sleep": pooled_sleep,
}
NETWORK = {"network-cut", "answers-lost"}


def run(name, binary):
    """Runs a trial. Returns false if it failed."""
    directory = tempfile.mkdtemp(prefix="vsd-fail-over-")
    os.chmod(directory, 0o711)
    trial = Trial(binary, directory)
    figures = None
    try:
        TRIALS[name](trial)
        figures = trial.finish()
    except Exception as error:  # One trial that breaks must not hide the others.
        trial.faults.append(f"{type(error).__name__}: {error}")
    if trial.faults:
        for vsd in trial.daemons:
            lines = [line for line in vsd.log().splitlines() if "source" not in line]
            for line in lines[-10:]:
                print(f"    {os.path.basename(vsd.directory)}: {line[:300]}")
    trial.close()
    shutil.rmtree(directory, ignore_errors=True)
    print(f"{name}: {TRIALS[name].__doc__}")
    if figures:
        print(
            f"    {figures['deliveries']} deliveries, {figures['lost']} lost, {figures['doubled']} doubled; none was acknowledged for "
            f"{figures['pause']:.1f} s, the slowest took {figures['slowest']:.1f} s; {figures['refused']} answers other than 200")
    for note in trial.notes:
        print(f"    {note}")
    for fault in trial.faults:
        print(f"    FAILED: {fault}")
    sys.stdout.flush()
    return not trial.faults


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--vsd", default=str(CHECKOUT / ".build-release/release/vsd"))
    parser.add_argument("--only", help="the names of trials, with commas")
    parser.add_argument("--list", action="store_true")
    arguments = parser.parse_args()
    if arguments.list:
        for name, trial in TRIALS.items():
            print(f"{name:24}{trial.__doc__}")
        return 0
    names = arguments.only.split(",") if arguments.only else list(TRIALS)
    for name in names:
        if name not in TRIALS:
            print(f"fail-over: there is no trial {name}; --list names all", file=sys.stderr)
            return 64
    if not os.access(arguments.vsd, os.X_OK):
        print(f"fail-over: there is no program {arguments.vsd}; make vsd builds one", file=sys.stderr)
        return 64
    skipped = [name for name in names if name in NETWORK and not c.Network.is_possible()]
    for name in skipped:
        print(f"==== SKIPPED: {name}: it needs root and network namespaces")
    results = [run(name, os.path.abspath(arguments.vsd)) for name in names if name not in skipped]
    return 0 if all(results) else 1


if __name__ == "__main__":
    sys.exit(main())
