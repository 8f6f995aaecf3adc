"""The attacks. Each is a function that takes a run, attacks its vsd for some seconds, and notes its own figures and faults.

Sources other than GitHub have no secret here, so vsd accepts what attackers send to them, except where the attack says "unsigned"
or "wrong signature".
"""

import glob
import gzip
import json
import os
import random
import signal
import socket
import sqlite3
import subprocess
import threading
import time

import victim as v

ATTACKS = {}


def attack(**options):
    """Registers an attack under the name of its function. `Run` reads the options."""

    def register(function):
        ATTACKS[function.__name__.replace("_", "-")] = (function, options)
        return function

    return register


def in_parallel(count, work):
    threads = [threading.Thread(target=work, args=(number,), daemon=True) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def packed(value):
    body = value if isinstance(value, bytes) else json.dumps(value).encode()
    return gzip.compress(body, 6), {"Content-Type": "application/json", "Content-Encoding": "gzip"}


@attack()
def quiet(run):
    """No attack: the baseline of this machine."""
    time.sleep(3)


# Deliveries must never end the process

def far_times(run):
    """Extreme times, which every exporter, page and report must print."""
    vsd = run.vsd
    statuses = []
    for number, (start, queued) in enumerate([("1970-01-01T00:00:00Z", 1e300), (1000, 1e300), (1, -1e300), (1e18, 1e300), (-1e18, 1e18), (1e300, 1e300), (9e15, 9.3e15)]):
        statuses.append(vsd.post("/jenkins", {
            "number": number, "jobName": "a", "fullJobName": "a", "ciUrl": "https://ci.example.org/", "result": "SUCCESS",
            "startTime": start, "endTime": 1, "duration": 1e300 if number else 0, "queueTime": queued}))
    for number, queued in enumerate([-1e300, 1e300, -9.3e9, 9.3e9, -1e300]):
        statuses.append(vsd.post("/gitlab", {
            "object_kind": "pipeline",
            "object_attributes": {
                "id": number, "iid": number, "ref": "main", "sha": "a" * 40, "status": "success", "source": "push",
                "created_at": f"1970-01-01 00:00:0{number % 4} UTC", "finished_at": "1970-01-01 00:00:02 UTC", "queued_duration": queued,
                "duration": 1e300},
            "project": {"id": 1, "path_with_namespace": "acme/site", "web_url": "https://gitlab.com/acme/site"},
            "builds": []}, {"X-Gitlab-Event": "Pipeline Hook"}))
    bounds = [
        "0001-01-01T00:00:00Z", "1677-09-21T00:12:44Z", "1678-01-01T00:00:00Z", "1969-12-31T23:59:59Z", "1970-01-01T00:00:00Z",
        "2199-12-31T23:59:59Z", "2261-12-31T00:00:00Z", "2262-04-11T23:47:16Z", "9999-12-31T23:59:59Z", 0, -1, 9223372036854775807]
    for number, (start, end) in enumerate((start, end) for start in bounds for end in bounds):
        statuses.append(vsd.post("/customhttp", {
            "id": number, "type": "deploy", "namespace": "far", "service": "a", "environment": "b", "outcome": "success",
            "startedAt": start, "endedAt": end, "references": ["1" * 40],
            "phases": [{"name": "x", "startedAt": start, "endedAt": end}], "moments": [{"name": "y", "time": start}]}))
    run.note(f"{statuses.count(200)} of {len(statuses)} accepted: {statuses[:12].count(200)} of 12 of Jenkins and GitLab")
    time.sleep(1)
    reports = ("dora", "lead-time", "deploys", "changes", "flow", "ageing", "forecast?items=5", "reviews", "pipelines", "incidents")
    for path in (
            "/api/v1/spans?limit=1000", "/api/v1/traces?limit=100", "/metrics", "/api/traces?service=customhttp&limit=200",
            *(f"/api/v1/reports/{report}" for report in reports), "/api/v1/reports/dora?since=3650d&bucket=month&group-by=environment",
            "/", "/lead-time", "/deploys", "/changes", "/flow", "/ageing", "/forecast", "/reviews", "/pipelines", "/incidents"):
        status, _ = vsd.get(path)
        if status != 200:
            run.fault(f"{path.split('?')[0]} answers {status}")


@attack(tracer="logging", arguments=["--settle=0s"])
def far_times_printed(run):
    """Extreme times, printed by the logging tracer, the pages and the API."""
    far_times(run)


@attack(sink=True)
def far_times_exported(run):
    """Extreme times, exported to OTLP, Jaeger, Zipkin and Datadog."""
    far_times(run)


@attack(starts=False)
def few_files(run):
    """A start with a limit of 8 to 32 open files: vsd may exit with an error, but must not trap or hang."""
    for files in (8, 16, 24, 32):
        vsd = run.new_vsd(f"files-{files}", files=files)
        vsd.start(patience=10)
        code = vsd.process.poll()
        if code is None:
            in_parallel(4, lambda number: vsd.post("/customhttp", {"id": number, "type": "deploy", "action": "start"}, timeout=5))
            code = vsd.stop(10)
        run.note(f"{files} files: {'stopped' if code == 0 else f'exit {code}'}")
        if code is None or code < 0:
            run.fault(f"with {files} files it ended by {'force' if code is None else f'signal {-code}'}")


# Storage limits and damage

def large_events(subject, count, first, attributes=56, size=16_000):
    text = "x" * size
    return [{
        "id": subject, "type": "deploy", "namespace": "fat", "action": "annotate" if number else "start", "time": 1_790_000_000 + (first + number if number else 0),
        "attributes": {f"n{first + number}.{name}": text for name in range(attributes)},
        "moments": [{"name": f"m{first + number}"}]} for number in range(count)]


@attack(after=25)
def fat_subject(run):
    """Compressed deliveries that would grow one subject to hundreds of megabytes."""
    sent, accepted = 0, 0
    for number in range(16):
        body, headers = packed(large_events("1", 24, number * 24))
        sent += len(body)
        accepted += run.vsd.post("/customhttp", body, headers) == 200
    run.note(f"{accepted} of 16 accepted, {sent / 1e6:.1f} MB sent")


@attack(after=25)
def fat_subject_plain(run):
    """Uncompressed bodies about one subject: 300 of 81 KB, then 2,000 small ones when the subject is full."""
    def send(events):
        return run.vsd.post("/customhttp", json.dumps(events).encode(), {"Content-Type": "application/json"}) == 200
    begin = v.now()
    large = sum(send(large_events("plain", 1, number, attributes=5)) for number in range(300))
    middle = v.now()
    small = sum(send(large_events("plain", 1, number, attributes=1, size=10)) for number in range(300, 2300))
    run.note(f"{large} of 300 large accepted in {middle - begin:.1f} s, {small} of 2000 small in {v.now() - middle:.1f} s")


@attack(after=15)
def fat_list(run):
    """Many large subjects in one list."""
    for number in range(30):
        body, headers = packed([event for each in range(24) for event in large_events(f"{number}-{each}", 1, number)])
        run.vsd.post("/customhttp", body, headers)
    for number in range(3):
        status, body = run.vsd.get("/api/v1/spans?limit=1000&operation=deploy")
        run.note(f"list: {status}, {len(body) / 1e6:.0f} MB")
        if len(body) > 64 << 20:
            run.fault(f"a list of {len(body) / 1e6:.0f} MB")
            break


def newest(vsd, prefix):
    names = sorted(name for name in os.listdir(vsd.store) if name.startswith(prefix) and name.endswith(".sqlite"))
    if not names:
        raise RuntimeError(f"no file {prefix}* in the store: {os.listdir(vsd.store)}")
    return os.path.join(vsd.store, names[-1])


def stored_spans(vsd):
    """Returns the path of the projection's database."""
    for name in sorted(os.listdir(vsd.store)):
        path = os.path.join(vsd.store, name)
        if not name.endswith(".sqlite") or name.startswith("log-"):
            continue
        with sqlite3.connect(path) as store:
            if store.execute("SELECT count(*) FROM sqlite_master WHERE name = 'subject_data'").fetchone()[0]:
                return path
    raise RuntimeError(f"no projection in the store: {os.listdir(vsd.store)}")


def tells_of_damage(run):
    """Checks that an operator learns of the damage, from /readyz and from the log."""
    status, ready = run.vsd.get("/readyz")
    ready = ready.decode(errors="replace").strip()
    lines = [line for line in run.vsd.new_lines() if any(word in line.lower() for word in ("damage", "corrupt", "checksum", "unreadable", "cannot"))]
    run.note(f"readyz {status} {ready[:40]!r}")
    if status == 200 and ready == "ok":
        run.fault("/readyz says ok")
    if not lines:
        run.fault("no line tells of the damage")


@attack(history=60)
def damaged_row(run):
    """Damages the bytes of one subject in the store: vsd must go on with the others and answer lists."""
    with run.stopped():
        with sqlite3.connect(stored_spans(run.vsd)) as store:
            (sequence, data) = store.execute("SELECT seq, data FROM subject_data ORDER BY seq LIMIT 1 OFFSET 20").fetchone()
            damaged = bytearray(data)
            for place in range(4, min(len(damaged), 40)):
                damaged[place] ^= 0xA5
            store.execute("UPDATE subject_data SET data = ? WHERE seq = ?", (bytes(damaged), sequence))
            # vsd shows nothing of the damaged subject until it is repaired, but reports it in /readyz and the log.
            run.may_miss = 1
    # Send a new event for each issue, including the damaged one.
    for number in run.history:
        body = v.github_issue(number, "closed", "closed", "2026-03-05T09:00:00Z")
        run.vsd.connect().attempt("POST", "/github", body, v.github_headers(body, "issues", f"close-{number}"))
    time.sleep(2)
    status, _ = run.vsd.get("/api/v1/spans?limit=1000")
    if status != 200:
        run.fault(f"a list answers {status}")
    tells_of_damage(run)


def damaged_log(run, damage, spared):
    with run.stopped():
        projection = stored_spans(run.vsd)
        path = newest(run.vsd, "log-")
        with sqlite3.connect(path) as log:
            # Checkpoint the write-ahead log, so that the next start sees the damaged rows.
            log.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            rows = log.execute("SELECT first, count, frame FROM delivery_commit ORDER BY first").fetchall()
            victim_row = rows[len(rows) // 2]
            damage(log, victim_row)
        for suffix in ("", "-wal", "-shm"):
            if os.path.exists(projection + suffix):
                os.remove(projection + suffix)
    # At most, the damage also hides later rows in the same frame.
    frames = [row[2] for row in rows]
    lost = sum(row[1] for row in rows if row[2] == victim_row[2] and row[0] >= victim_row[0])
    run.may_miss = lost if spared is None else spared
    run.note(f"{len(rows)} rows in {len(set(frames))} frames")
    missing = run.vsd.missing(run.history, 10)
    run.note(f"{len(missing)} of {len(run.history)} missing")
    if len(missing) > run.may_miss:
        run.fault(f"{len(missing)} acknowledged deliveries are hidden, where the damage is in {run.may_miss}")
    if missing or spared is None:
        tells_of_damage(run)
    run.may_miss = max(run.may_miss, len(missing))


@attack(history=120)
def damaged_log_row(run):
    """Damages bytes in a row of the log and removes the projection, so that vsd rebuilds the spans from the log."""

    def damage(log, row):
        (data,) = log.execute("SELECT data FROM delivery_commit WHERE first = ?", row[:1]).fetchone()
        damaged = bytearray(data)
        damaged[len(damaged) // 2] ^= 0x10
        log.execute("UPDATE delivery_commit SET data = ? WHERE first = ?", (bytes(damaged), row[0]))

    damaged_log(run, damage, None)


@attack(history=120)
def flipped_bit(run):
    """Flips one bit of a row number in the log: vsd must report every lost delivery."""

    def damage(log, row):
        bit = 1 << 12
        log.execute("UPDATE delivery_commit SET first = ? WHERE first = ?", (row[0] ^ bit, row[0]))

    damaged_log(run, damage, None)


# Costs must stay proportional to the input

@attack(after=20)
def deploy_names(run):
    """One deploy that names many services, environments and days."""
    connection = run.vsd.connect()
    for number in range(120):
        body = {
            "id": "1", "type": "deploy", "namespace": "n", "action": "annotate", "service": f"s{number}", "environment": f"e{number}",
            "time": 1_700_000_000 + number * 86_400}
        if number % 3 == 0:
            body.update(action="start")
        elif number % 3 == 1:
            body.update(action="end")
        connection.attempt("POST", "/customhttp", json.dumps(body).encode())


@attack(after=25)
def many_references(run):
    """1,000 events with 100 references each, every one of which vsd reads as up to 32 classic ids."""
    chooser = random.Random(1)
    words = [chooser.choice("abcdefgh") for _ in range(40)]
    events = []
    for number in range(1000):
        references = ["vstrace-github-issue-" + "-".join(words) + f"-{number}-{each}" for each in range(100)]
        events.append({"id": number, "type": "job", "namespace": "r", "action": "start", "references": references})
    body, headers = packed(events)
    status = run.vsd.post("/customhttp", body, headers)
    run.note(f"{len(body) / 1e3:.0f} KB answered {status}")


@attack(after=15)
def parent_chain(run):
    """A chain of 10,000 children, sent from its end and then queried."""
    count = 10_000
    for first in range(count, 0, -1000):
        events = [
            {"id": f"c{number}", "type": "job", "namespace": "chain", "startedAt": 1_790_000_000, "endedAt": 1_790_000_060,
             "parentId": f"c{number - 1}"} for number in range(first, first - 1000, -1)]
        body, headers = packed(events)
        run.vsd.post("/customhttp", body, headers)
    begin = v.now()
    status, _ = run.vsd.get(f"/api/v1/spans/customhttp::chain:job:c{count}", timeout=20)
    run.note(f"one span {status} in {v.now() - begin:.1f} s")
    if status != 200 or v.now() - begin > 5:
        run.fault("one span of a chain takes more than five seconds")
    _, body = run.vsd.get("/api/v1/spans?operation=job&limit=1", timeout=20)
    try:
        trace = json.loads(body)["spans"][0]["traceID"]
        begin = v.now()
        status, _ = run.vsd.get(f"/api/v1/traces/{trace}", timeout=20)
        run.note(f"trace {status} in {v.now() - begin:.1f} s")
    except (ValueError, LookupError):
        run.note("no trace")


def gitlab_change(number, commit, state="opened"):
    return {
        "object_kind": "merge_request", "event_type": "merge_request",
        "user": {"id": 1, "username": "rosa", "name": "Rosa"},
        "project": {"id": 7, "path_with_namespace": "acme/app", "web_url": "https://gitlab.com/acme/app"},
        "object_attributes": {
            "id": 1000 + number, "iid": number, "title": "A change", "state": state, "action": "open",
            "created_at": "2026-03-04 09:00:00 UTC", "updated_at": "2026-03-04 09:00:00 UTC", "source_branch": f"b{number}",
            "target_branch": "main", "source_project_id": 7, "target_project_id": 7, "last_commit": {"id": commit},
            "url": f"https://gitlab.com/acme/app/-/merge_requests/{number}"},
        "labels": []}


def followers(vsd, commit, first, count):
    for begin in range(first, first + count, 500):
        body, headers = packed([
            {"id": number, "type": "build", "namespace": "p", "startedAt": 1_790_000_000, "references": [commit]}
            for number in range(begin, begin + min(500, first + count - begin))])
        vsd.post("/customhttp", body, headers)


@attack(after=25)
def popular_commit(run):
    """500 builds of one commit, then 400 changes with that commit."""
    commit = "c0ffee" + "0" * 34
    followers(run.vsd, commit, 0, 500)
    connection = run.vsd.connect()
    for number in range(1, 401):
        connection.attempt("POST", "/gitlab", json.dumps(gitlab_change(number, commit)).encode(), {"X-Gitlab-Event": "Merge Request Hook"})


@attack(after=15)
def popular_changes(run):
    """4,000 changes with the same head commit, then builds and deploys of that commit, one by one."""
    commit = "decade" + "0" * 34

    def send(part):
        connection = run.vsd.connect()
        for number in range(part * 1000 + 1, part * 1000 + 1001):
            connection.attempt(
                "POST", "/gitlab", json.dumps(gitlab_change(number, commit)).encode(), {"X-Gitlab-Event": "Merge Request Hook"})

    in_parallel(4, send)
    run.vsd.wait_until_idle(20)
    before = run.vsd.processor_seconds()
    for number in range(20):
        followers(run.vsd, commit, 10_000 + number, 1)
    run.vsd.wait_until_idle(20)
    run.note(f"{(run.vsd.processor_seconds() - before) / 20 * 1000:.0f} ms CPU a build")
    before = run.vsd.processor_seconds()
    # A deploy of another commit in between makes each deploy look for its changes.
    for number in range(40):
        run.vsd.post("/customhttp", {
            "id": f"popular-{number}", "type": "deploy", "namespace": "p", "service": "s", "environment": "e", "outcome": "success",
            "startedAt": 1_790_000_000 + number * 60, "endedAt": 1_790_000_030 + number * 60,
            "references": [commit if number % 2 else "facade" + "0" * 34]})
    run.vsd.wait_until_idle(20)
    run.note(f"{(run.vsd.processor_seconds() - before) / 40 * 1000:.0f} ms CPU a deploy")


@attack(after=15)
def crowded_day(run):
    """4,000 deploys of one service to one environment on one day, then more of them, one by one."""
    def deploy(number):
        return {
            "id": f"crowd-{number}", "type": "deploy", "namespace": "p", "service": "crowd", "environment": "e", "outcome": "success",
            "startedAt": 1_790_000_000 + number, "endedAt": 1_790_000_001 + number, "references": [f"{number:040x}"]}

    for begin in range(0, 4000, 500):
        body, headers = packed([deploy(number) for number in range(begin, begin + 500)])
        run.vsd.post("/customhttp", body, headers)
    run.vsd.wait_until_idle(20)
    before = run.vsd.processor_seconds()
    for number in range(4000, 4040):
        run.vsd.post("/customhttp", deploy(number))
        time.sleep(0.02)
    run.vsd.wait_until_idle(20)
    run.note(f"{(run.vsd.processor_seconds() - before) / 40 * 1000:.0f} ms CPU a deploy")


@attack(after=15)
def long_pushes(run):
    """200 pushes to one branch with 1,000 commits each, whose ids have 2,000 bytes; 5,000 branches at one commit; deploys of it."""
    vsd = run.vsd
    commit = "facade" + "0" * 34

    def push(branch, before, after, commits):
        return packed({
            "object_kind": "push", "ref": f"refs/heads/{branch}", "before": before, "after": after,
            "project": {"id": 9, "path_with_namespace": "acme/long", "default_branch": "main"},
            "total_commits_count": len(commits), "commits": [{"id": name, "timestamp": "2026-03-04T09:00:00Z"} for name in commits]})

    def send(part):
        connection = vsd.connect()
        for number in range(part * 50, part * 50 + 50):
            names = [f"{number:08x}{index:08x}" * 125 for index in range(1000)]
            body, headers = push("main", f"{number:040x}", f"{number + 1:040x}", names)
            connection.attempt("POST", "/gitlab", body, headers | {"X-Gitlab-Event": "Push Hook"})
        for number in range(part * 1250, part * 1250 + 1250):
            body, headers = push(f"b{number}", "0" * 40, commit, [])
            connection.attempt("POST", "/gitlab", body, headers | {"X-Gitlab-Event": "Push Hook"})

    in_parallel(4, send)
    run.vsd.wait_until_idle(30)
    before = vsd.processor_seconds()
    for number in range(20):
        vsd.post("/customhttp", {
            "id": number, "type": "deploy", "namespace": "long", "service": "a", "environment": "production", "outcome": "success",
            "startedAt": 1_790_000_000 + number, "endedAt": 1_790_000_010 + number, "repository": "acme/long",
            "references": [commit if number % 2 else f"{number:040x}"]})
    run.vsd.wait_until_idle(30)
    run.note(f"{(vsd.processor_seconds() - before) / 20 * 1000:.0f} ms CPU a deploy")


@attack(after=10)
def many_groups(run):
    """20,000 deploys of as many services, and 5,000 of one commit within an hour; then four readers of reports by service and day."""
    vsd = run.vsd
    now = int(time.time())
    for first in range(0, 25_000, 500):
        body, headers = packed([
            {"id": number, "type": "deploy", "namespace": "groups", "environment": "production", "outcome": "success",
             "service": f"service {number}" if number < 20_000 else "one", "references": ["c0de" + "0" * 36],
             "startedAt": now - 3000 + number // 10, "endedAt": now - 2990 + number // 10}
            for number in range(first, first + 500)])
        vsd.post("/customhttp", body, headers)
    vsd.wait_until_idle(30)
    sizes = []

    def read(part):
        for report in ("dora", "lead-time"):
            for query in ("group-by=service&bucket=day", "group-by=service", "group-by=service&bucket=day&format=csv"):
                status, body = vsd.get(f"/api/v1/reports/{report}?since=365d&{query}")
                sizes.append(len(body))
                if status not in (200, 503):
                    run.fault(f"the report {report} with {query} answers {status}")

    in_parallel(4, read)
    run.note(f"answers of up to {max(sizes) / 1e6:.0f} MB")


@attack(after=8)
def long_labels(run):
    """Names of the maximum length in every label, then small deliveries."""
    for part in range(4):
        body, headers = packed([
            {"id": "1", "type": f"{part}-{number}-" + "t" * 1000, "namespace": f"{part}-{number}-" + "n" * 1000,
             "startedAt": 1_790_000_000, "endedAt": 1_790_000_060, "service": "s" * 1000, "environment": f"{number}" + "e" * 1000}
            for number in range(500)])
        run.vsd.post("/customhttp", body, headers)
    run.vsd.wait_until_idle(15)
    status, body = run.vsd.get("/metrics")
    run.note(f"/metrics {status}, {len(body) / 1e6:.1f} MB")
    if len(body) > 24 << 20:
        run.fault(f"/metrics of {len(body) / 1e6:.0f} MB")
    written = written_bytes(run.vsd)
    for number in range(20):
        run.vsd.post("/customhttp", {"id": f"small-{number}", "type": "0-0-" + "t" * 1000, "startedAt": 1_790_000_000, "endedAt": 1_790_000_060})
        time.sleep(0.05)
    time.sleep(1)
    run.note(f"{(written_bytes(run.vsd) - written) / 20 / 1e6:.1f} MB written a small delivery")


def written_bytes(vsd):
    try:
        with open(f"/proc/{vsd.process.pid}/io") as file:
            return int(next(line for line in file if line.startswith("wchar:")).split()[1])
    except (OSError, StopIteration):
        return 0


@attack(after=3)
def lists_of_numbers(run):
    """25 MB of [1,1,...], plain and compressed, several at once."""
    plain = b"[" + b"1," * (12 << 20) + b"1]"
    body, headers = packed(plain)

    def send(number):
        if number % 2:
            run.vsd.post("/customhttp", plain)
        else:
            run.vsd.post("/customhttp", body, headers)

    for _ in range(2):
        in_parallel(4, send)


# Unsigned traffic and slow readers

def deaf(vsd, path):
    """Returns a connection that sends a request and does not read the response."""
    connection = socket.socket()
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    connection.settimeout(5)
    connection.bind((v.ATTACKER, 0))
    connection.connect(("127.0.0.1", vsd.port))
    connection.sendall(f"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
    return connection


@attack(after=1)
def unread_answers(run):
    """Sixty clients that ask for large /metrics and forty for large lists and traces, and read nothing."""
    for part in range(4):
        body, headers = packed([
            {"id": number, "type": f"t{part}-{number}-" + "t" * 200, "namespace": f"n{number}" + "n" * 200,
             "startedAt": 1_790_000_000, "endedAt": 1_790_000_060, "parentId": f"root-{part}", "attributes": {"a": "y" * 2000}}
            for number in range(1000)])
        run.vsd.post("/customhttp", body, headers)
    run.vsd.wait_until_idle(20)
    paths = ["/metrics"] * 60 + ["/api/v1/spans?limit=1000"] * 20 + ["/api/traces?service=customhttp&limit=200"] * 20
    held = []
    for path in paths:
        try:
            held.append(deaf(run.vsd, path))
        except OSError:
            pass
    time.sleep(8)
    run.note(f"{len(held)} connections")
    for connection in held:
        connection.close()


def trickle(connections, seconds):
    """Sends one byte per second on each connection, then closes all of them."""
    for _ in range(seconds):
        for connection in connections:
            try:
                connection.sendall(b" ")
            except OSError:
                pass
        time.sleep(1)
    for connection in connections:
        connection.close()


@attack(after=2)
def body_budget(run):
    """130 endless compressed bodies with a wrong signature: kilobytes that inflate to megabytes each."""
    body, _ = packed(b'{"a": "' + b"0" * 2_400_000 + b'"}')
    held = []
    for number in range(130):
        connection = socket.socket()
        connection.settimeout(2)
        try:
            connection.bind((v.ATTACKER, 0))
            connection.connect(("127.0.0.1", run.vsd.port))
            connection.sendall(
                b"POST /github HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nX-GitHub-Event: issues\r\n"
                b"Content-Encoding: gzip\r\nX-GitHub-Delivery: 1\r\nX-Hub-Signature-256: sha256=" + b"0" * 64
                + b"\r\nContent-Length: %d\r\n\r\n" % (len(body) + 100) + body[:-4])
            held.append(connection)
        except OSError:
            connection.close()
    trickle(held, 6)


@attack(after=2)
def gzip_flood(run):
    """Small bodies that inflate to 25 MB, with a wrong signature."""
    body, headers = packed(b'{"a": "' + b"0" * (24 << 20) + b'"}')
    headers.update({"X-GitHub-Event": "issues", "X-GitHub-Delivery": "1", "X-Hub-Signature-256": "sha256=" + "0" * 64})
    end = v.now() + 8
    answers = []

    def send(number):
        connection = run.vsd.connect(timeout=20)
        while v.now() < end:
            answers.append(connection.attempt("POST", "/github", body, headers))

    in_parallel(8, send)
    run.note(f"{len(answers)} sent, {answers.count(401)} x 401, {answers.count(None)} without answer")


@attack(after=2, fresh=True)
def silent_connections(run):
    """1,100 connections that send nothing and reconnect when vsd closes them."""
    v.raise_file_limit()
    held = []

    def add():
        connection = socket.socket()
        connection.setblocking(False)
        try:
            connection.bind((v.ATTACKER, 0))
            connection.connect_ex(("127.0.0.1", run.vsd.port))
            held.append(connection)
        except OSError:
            connection.close()

    end = v.now() + 8
    slowest = 0.0
    while v.now() < end:
        for connection in list(held):
            try:
                if connection.recv(1) == b"":
                    raise ConnectionResetError
            except (BlockingIOError, InterruptedError):
                pass
            except OSError:
                held.remove(connection)
                connection.close()
        while len(held) < 1100:
            before = len(held)
            add()
            if len(held) == before:
                break
        begin = v.now()
        status, _ = run.vsd.get("/healthz", timeout=5)
        slowest = max(slowest, v.now() - begin)
        if status != 200:
            run.fault("/healthz is not answered")
            break
        time.sleep(0.2)
    run.note(f"health within {slowest * 1000:.0f} ms")
    for connection in held:
        connection.close()


@attack(after=1)
def slow_bodies(run):
    """200 connections that send one byte of a body per second."""
    held = []
    for number in range(200):
        try:
            connection = socket.socket()
            connection.settimeout(2)
            connection.bind((v.ATTACKER, 0))
            connection.connect(("127.0.0.1", run.vsd.port))
            connection.sendall(b"POST /customhttp HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n\r\n{")
            held.append(connection)
        except OSError:
            pass
    trickle(held, 5)


@attack(starts=False)
def full_pipe(run):
    """Nobody reads the output of vsd: it must still answer, and stop on SIGTERM."""
    reading, writing = os.pipe()
    port = free_port()
    vsd = run.new_vsd("pipe", tracer="logging", stdout=writing, arguments=[f"--addr=127.0.0.1:{port}", "--settle=0s"])
    vsd.launch()
    vsd.port = port
    answered = 0
    end = v.now() + 20
    while vsd.get("/healthz", timeout=2)[0] != 200 and v.now() < end:
        time.sleep(0.05)
    for number in range(600):
        status = vsd.post(
            "/customhttp", {"id": number, "type": "deploy", "startedAt": 1_790_000_000, "endedAt": 1_790_000_060,
                            "attributes": {"a": "z" * 500}}, timeout=3)
        if status is None and vsd.get("/healthz", timeout=3)[0] != 200:
            run.fault(f"it answers nothing after {answered} deliveries")
            break
        answered += status == 200
    # The log lines of rejected requests must not fill the pipe either.
    for number in range(300):
        vsd.connect(timeout=2).attempt("POST", "/github", b"{}", {"X-GitHub-Event": "issues", "X-Hub-Signature-256": "sha256=00"})
    time.sleep(1)
    status, _ = vsd.get("/healthz", timeout=3)
    begin = v.now()
    code = vsd.stop(15)
    run.note(f"{answered} of 600 answered, stopped with {code} in {v.now() - begin:.1f} s")
    if status != 200:
        run.fault("/healthz is not answered")
    if code != 0:
        run.fault("SIGTERM did not end it within 15 s" if code is None else f"it ended with {code}")
    os.close(reading)
    os.close(writing)


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as server:
        return server.getsockname()[1]


@attack(after=0)
def replayed_type(run):
    """Replays a captured delivery with a valid signature under other event types."""
    connection = run.vsd.connect()
    number = 900_001
    opened = v.github_issue(number)
    connection.attempt("POST", "/github", opened, v.github_headers(opened, "issues", "captured-1"))
    comment = json.loads(opened)
    comment.update(action="deleted", comment={
        "id": 1, "body": "no", "user": {"login": "tal", "id": 3, "type": "User"}, "created_at": "2026-03-04T10:00:00Z",
        "updated_at": "2026-03-04T10:00:00Z", "html_url": f"https://github.com/acme/site/issues/{number}#issuecomment-1"})
    comment = json.dumps(comment).encode()
    connection.attempt("POST", "/github", comment, v.github_headers(comment, "issue_comment", "captured-2"))
    answers = {}
    for event in ("issues", "pull_request", "push", "deployment_status", "workflow_run", "release", "check_run"):
        answers[event] = connection.attempt("POST", "/github", comment, v.github_headers(comment, event, f"replayed-{event}"))
    time.sleep(1)
    status, body = run.vsd.get("/api/v1/spans/" + v.issue_key(number))
    run.note(f"replayed as issues: {answers['issues']}")
    try:
        span = json.loads(body)["spans"][0]
        if span["end"] is not None:
            run.fault(f"a deleted comment ended the issue as {span['outcome']}")
    except (ValueError, LookupError):
        run.fault(f"the issue is not there: {status}")


@attack(after=0)
def foreign_host(run):
    """Asks for /metrics under a foreign host name that resolves to loopback (DNS rebinding)."""
    status, _ = run.vsd.get("/metrics", {"Host": "evil.example"})
    run.note(f"/metrics {status}")
    if status == 200:
        run.fault("/metrics answers a name that is not this machine's")
    if run.vsd.get("/metrics")[0] != 200:
        run.fault("/metrics does not answer localhost")


# Disk and clock

@attack(starts=False)
def full_disk(run):
    """A start on a full disk: vsd must serve reads, answer 503 to deliveries, and accept them again when there is room."""
    place = os.path.join(run.directory, "disk")
    os.makedirs(place)
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=24m", "tmpfs", place], capture_output=True).returncode != 0:
        run.skip("mounting a small disk takes root")
        return
    try:
        vsd = run.new_vsd("disk/vsd")
        vsd.log = os.path.join(run.directory, "full-disk.log")
        if not vsd.start():
            run.fault("it does not start on an empty disk")
            return
        vsd.post("/customhttp", {"id": 1, "type": "deploy", "action": "start", "namespace": "disk"})
        time.sleep(1)
        vsd.stop()
        filler = os.path.join(place, "filler")
        with open(filler, "wb", buffering=0) as file:
            try:
                for size in (1 << 20, 4096, 1):
                    while True:
                        try:
                            file.write(b"x" * size)
                        except OSError:
                            break
            except OSError:
                pass
        if not vsd.start(patience=15):
            run.fault(f"it does not start on a full disk: {(vsd.new_lines() or ['nothing printed'])[-1][:120]}")
            return
        reading = vsd.get("/api/v1/spans")[0]
        writing = vsd.post("/customhttp", {"id": 2, "type": "deploy", "action": "start", "namespace": "disk"})
        os.remove(filler)
        end = v.now() + 30
        again = None
        while v.now() < end and again != 200:
            again = vsd.post("/customhttp", {"id": 3, "type": "deploy", "action": "start", "namespace": "disk"})
            time.sleep(0.5)
        run.note(f"full: reading {reading}, a delivery {writing}; with room again {again}")
        if (reading, writing, again) != (200, 503, 200):
            run.fault("reading, a delivery, a delivery with room should be 200, 503, 200")
        vsd.stop()
    finally:
        vsd.kill()
        subprocess.run(["umount", place], capture_output=True)


def listed_deliveries(vsd, condition):
    """Returns up to 4,000 deliveries from the list of deliveries."""
    found, cursor = [], ""
    for _ in range(40):
        status, body = vsd.get(f"/api/v1/deliveries?limit=100&{condition}{cursor}")
        if status != 200:
            break
        page = json.loads(body)
        found += page["deliveries"]
        if not page["next"]:
            break
        cursor = f"&cursor={page['next']}"
    return found


@attack(history=60)
def clock_ahead(run):
    """A clock that is over two years ahead for some seconds: vsd must not remove acknowledged deliveries."""
    library = next(iter(glob.glob("/usr/lib/*/faketime/libfaketime.so.1") + glob.glob("/usr/lib*/faketime/libfaketime.so.1")), None)
    if not library:
        run.skip("there is no faketime; Scripts/bootstrap hostile installs it")
        return
    for number in run.history[:30]:
        body = v.github_issue(number, "closed", "closed", "2026-03-05T09:00:00Z")
        run.vsd.connect().attempt("POST", "/github", body, v.github_headers(body, "issues", f"close-{number}"))
    time.sleep(1)
    with run.stopped():
        wrong = run.new_vsd(".", environment={"LD_PRELOAD": library, "FAKETIME": "+800d", "FAKETIME_DONT_FAKE_MONOTONIC": "1"})
        if not wrong.start():
            raise RuntimeError("it does not start: " + (wrong.new_lines() or ["nothing printed"])[-1][:200])
        wrong.post("/customhttp", {"id": 2, "type": "deploy", "action": "start", "namespace": "clock"})
        time.sleep(6)
        wrong.stop()
    missing = run.vsd.missing(run.history, 3)
    deliveries = len(listed_deliveries(run.vsd, "source=github"))
    run.note(f"{len(missing)} of {len(run.history)} spans removed, {deliveries} deliveries listed")
    if missing:
        run.fault(f"{len(missing)} spans were removed")
    if deliveries < len(run.history):
        run.fault(f"the log has {deliveries} of {len(run.history)} deliveries")
    run.may_miss = len(missing)


@attack(starts=False)
def kill_nine(run):
    """Repeated kills under load from attackers and the honest sender: vsd must not lose or set aside acknowledged deliveries."""
    acknowledged, first = [], 1
    vsd = run.new_vsd("killed")
    chooser = random.Random(3)
    for turn in range(8):
        if not vsd.start():
            run.fault(f"it does not start in round {turn}")
            return
        sender = v.HonestSender(vsd.port, pace=0.005, first_number=first)
        ending = threading.Event()

        def harass(number):
            connection = vsd.connect(timeout=5)
            flood, headers = packed(b'{"a": "' + b"0" * (8 << 20) + b'"}')
            while not ending.is_set() and vsd.is_alive:
                if number == 0:
                    connection.attempt("POST", "/github", flood, headers)
                elif number == 1:
                    body, packing = packed(large_events(f"k{turn}", 4, 0, attributes=8))
                    connection.attempt("POST", "/customhttp", body, packing)
                else:
                    connection.attempt("POST", "/customhttp", json.dumps(
                        {"id": "1", "type": "deploy", "namespace": "k", "startedAt": chooser.choice([0, 1e15, 1_790_000_000])}).encode())

        threads = [threading.Thread(target=harass, args=(number,), daemon=True) for number in range(3)]
        for thread in threads:
            thread.start()
        time.sleep(0.4 + chooser.random())
        vsd.process.send_signal(signal.SIGKILL)
        vsd.process.wait()
        ending.set()
        result = sender.stop()
        acknowledged += result["acknowledged"]
        first += len(result["latencies"]) + 2
        for thread in threads:
            thread.join(10)
    if not vsd.start():
        run.fault("it does not start again")
        return
    missing = vsd.missing(acknowledged, 30)
    unreadable = listed_deliveries(vsd, "source=github&result=unreadable")
    aside = [delivery for delivery in unreadable if (delivery["deliveryID"] or "").startswith("honest-")]
    run.note(f"8 kills, {len(acknowledged)} acknowledged, {len(missing)} lost, {len(aside)} set aside")
    if missing:
        run.fault(f"{len(missing)} acknowledged deliveries are lost")
    if aside:
        run.fault(f"{len(aside)} of the honest sender's deliveries are set aside as unreadable")
    vsd.stop()
