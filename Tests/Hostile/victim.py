"""The vsd under attack and the honest sender that measures it. Uses only loopback and the standard library."""

import ctypes
import hashlib
import hmac
import http.client
import json
import multiprocessing
import os
import resource
import shutil
import signal
import socket
import subprocess
import threading
import time
import urllib.parse

GITHUB_SECRET = "a secret of the hostile run"
REPOSITORY = 197_483_389
# Every address in 127/8 is local. The honest sender and the attackers use different ones, as they would on a network.
HONEST = "127.0.0.1"
ATTACKER = "127.0.0.9"
# The limit on the address space of vsd, so that an attack that exhausts its memory does not harm this machine.
VICTIM_ADDRESS_SPACE = 6 << 30

try:
    LIBC = ctypes.CDLL("libc.so.6")
except OSError:
    LIBC = None


def now():
    return time.monotonic()


def median(values):
    return percentile(values, 0.5)


def percentile(values, share):
    if not values:
        return float("inf")
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]


# Payloads

def github_issue(number, action="opened", state="open", closed=None):
    """Returns a GitHub issue payload, reduced to the members that matter here."""
    address = f"https://github.com/acme/site/issues/{number}"
    return json.dumps({
        "action": action,
        "issue": {
            "url": address.replace("github.com", "api.github.com/repos"), "html_url": address, "id": 2_010_000 + number,
            "number": number, "title": "Basket forgets its discount", "user": {"login": "rosa", "id": 501, "type": "User"},
            "labels": [], "state": state, "comments": 0, "created_at": "2026-03-04T09:00:00Z",
            "updated_at": closed or "2026-03-04T09:00:00Z", "closed_at": closed,
        },
        "repository": {
            "id": REPOSITORY, "name": "site", "full_name": "acme/site", "html_url": "https://github.com/acme/site",
            "owner": {"login": "acme", "id": 1, "type": "Organization"}, "default_branch": "main",
        },
        "sender": {"login": "rosa", "type": "User"},
    }).encode()


def github_headers(body, event, delivery, secret=GITHUB_SECRET):
    signature = hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
    return {
        "Content-Type": "application/json", "User-Agent": "GitHub-Hookshot/hostile", "X-GitHub-Event": event,
        "X-GitHub-Delivery": delivery, "X-Hub-Signature-256": f"sha256={signature}",
    }


def issue_key(number):
    return f"github:github.com:{REPOSITORY}:issue:{number}"


class Connection:
    """A keep-alive connection that reconnects after an error."""

    def __init__(self, port, source=ATTACKER, timeout=30):
        self.port, self.source, self.timeout, self.http = port, source, timeout, None

    def request(self, method, path, body=None, headers=None):
        """Returns status, headers and body. Raises OSError or http.client.HTTPException."""
        if self.http is None:
            self.http = http.client.HTTPConnection(
                "127.0.0.1", self.port, timeout=self.timeout, source_address=(self.source, 0))
        try:
            self.http.request(method, path, body=body, headers=headers or {})
            response = self.http.getresponse()
            return response.status, dict(response.getheaders()), response.read()
        except BaseException:
            self.close()
            raise

    def attempt(self, method, path, body=None, headers=None):
        """Returns the status, or None if there was no response."""
        try:
            return self.request(method, path, body, headers)[0]
        except (OSError, http.client.HTTPException):
            return None

    def close(self):
        if self.http is not None:
            self.http.close()
        self.http = None


# The honest sender

class HonestSender:
    """Sends signed GitHub deliveries at a steady pace, in a separate process.

    Each delivery has a scheduled time, and its latency counts from that time until the acknowledgment. So while vsd hangs, every
    delivery due in that time is late, not only the first. A delivery without a response of 200 is sent again, as a proxy would.
    """

    def __init__(self, port, pace=0.05, fresh=False, first_number=1):
        self.results, child = multiprocessing.Pipe(duplex=False)
        self.ending = multiprocessing.Event()
        self.process = multiprocessing.Process(
            target=self._run, args=(port, pace, fresh, first_number, self.ending, child), daemon=True)
        self.process.start()
        child.close()

    def stop(self):
        """Stops sending and returns the results.

        These are latencies and times until visible, in seconds, the numbers of the acknowledged issues, and the counts of
        responses other than 200 ("refused") and of missing responses ("silent").
        """
        self.ending.set()
        result = self.results.recv() if self.results.poll(60) else None
        self.process.join(5)
        if self.process.is_alive():
            self.process.kill()
        return result or {"latencies": [], "visible": [], "acknowledged": [], "refused": 0, "silent": 0}

    @staticmethod
    def _run(port, pace, fresh, first_number, ending, results):
        result = {"latencies": [], "visible": [], "acknowledged": [], "refused": 0, "silent": 0}
        watcher = threading.Thread(target=HonestSender._watch, args=(port, ending, result), daemon=True)
        watcher.start()
        connection = Connection(port, source=HONEST, timeout=10)
        begin, number = now(), first_number - 1
        while not ending.is_set():
            number += 1
            due = begin + (number - first_number) * pace
            time.sleep(max(0, due - now()))
            body = github_issue(number)
            headers = github_headers(body, "issues", f"honest-{number}")
            while not ending.is_set():
                status = connection.attempt("POST", "/github", body, headers)
                if fresh:
                    connection.close()
                if status == 200:
                    result["acknowledged"].append((number, now()))
                    result["latencies"].append(now() - due)
                    break
                result["silent" if status is None else "refused"] += 1
                time.sleep(0.05)
        # Count the deliveries that are due but were not sent.
        end = now()
        for missed in range(first_number + len(result["latencies"]), first_number + int((end - begin) / pace)):
            result["latencies"].append(end - begin - (missed - first_number) * pace)
        watcher.join(20)
        result["acknowledged"] = [number for number, _ in result["acknowledged"]]
        results.send(result)

    @staticmethod
    def _watch(port, ending, result):
        seen = 0
        connection = Connection(port, source=HONEST, timeout=15)
        while not ending.is_set():
            if len(result["acknowledged"]) <= seen:
                time.sleep(0.02)
                continue
            seen = len(result["acknowledged"])
            number, acknowledged = result["acknowledged"][-1]
            path = "/api/v1/spans/" + urllib.parse.quote(issue_key(number), safe=":")
            while now() - acknowledged < 15:
                if connection.attempt("GET", path) == 200:
                    break
                time.sleep(0.02)
            result["visible"].append(now() - acknowledged)
            time.sleep(0.2)


# The victim

class Victim:
    """A vsd with its store. Records its memory, CPU time and store size."""

    def __init__(self, binary, directory, arguments=(), environment=None, files=None, tracer="none", stdout=None):
        self.binary, self.directory, self.arguments, self.environment = binary, directory, list(arguments), environment or {}
        self.files, self.tracer, self.stdout = files, tracer, stdout
        self.peak_memory = 0
        self.peak_store = 0
        self.processor = 0.0
        self.process = None
        self.log = os.path.join(directory, "vsd.log")
        self.store = os.path.join(directory, "store")

    def launch(self):
        """Starts vsd without waiting."""
        environment = {"PATH": os.environ.get("PATH", ""), "HOME": self.directory, "VS_GITHUB_SECRET": GITHUB_SECRET}
        environment.update(self.environment)
        if "LD_PRELOAD" in environment:
            # A preloaded library that sets variables moves the environment, and Swift then does not find the arguments. So vsd
            # also gets these settings as variables.
            environment.update({"VS_ADDR": "127.0.0.1:0", "VS_STORE": self.store, "VS_TRACER_BACKEND": self.tracer})
        arguments = [self.binary, f"--store={self.store}", f"--tracer={self.tracer}", *self.arguments]
        if not any(argument.startswith("--addr=") for argument in arguments):
            arguments.append("--addr=127.0.0.1:0")

        def limit():
            # Let vsd end with this program, however the program ends (PR_SET_PDEATHSIG on Linux).
            if LIBC is not None:
                LIBC.prctl(1, signal.SIGKILL)
            resource.setrlimit(resource.RLIMIT_AS, (VICTIM_ADDRESS_SPACE, VICTIM_ADDRESS_SPACE))
            resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
            if self.files:
                resource.setrlimit(resource.RLIMIT_NOFILE, (self.files, self.files))

        self.offset = os.path.getsize(self.log) if os.path.exists(self.log) else 0
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(
                arguments, env=environment, stdin=subprocess.DEVNULL, stdout=self.stdout or log, stderr=log, preexec_fn=limit)
        threading.Thread(target=self._sample, args=(self.process,), daemon=True).start()
        return self.process

    def start(self, patience=60):
        """Starts vsd and waits until it listens. Returns False if it exits or does not listen within `patience` seconds."""
        self.launch()
        end = now() + patience
        while now() < end:
            port = self._port()
            if port:
                self.port = port
                return True
            if self.process.poll() is not None:
                return False
            time.sleep(0.02)
        return False

    def _port(self):
        if self.stdout is not None:
            return None
        for line in self.new_lines():
            if '"listening":["' in line:
                return int(line.split('"listening":["')[1].split('"')[0].rsplit(":", 1)[1])
        return None

    def new_lines(self):
        """Returns the lines printed since the last start."""
        with open(self.log, "rb") as log:
            log.seek(self.offset)
            return log.read().decode(errors="replace").splitlines()

    @property
    def is_alive(self):
        return self.process.poll() is None

    def stop(self, patience=30):
        """Sends SIGTERM and returns the exit code, the negative signal that ended vsd, or None if it had to be killed."""
        if self.is_alive:
            self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(patience)
        except subprocess.TimeoutExpired:
            self.kill()
            return None

    def kill(self):
        if self.process and self.is_alive:
            self.process.kill()
            self.process.wait()

    def processor_seconds(self):
        try:
            with open(f"/proc/{self.process.pid}/stat") as file:
                fields = file.read().rsplit(")", 1)[1].split()
            return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
        except OSError:
            return self.processor

    def _sample(self, process):
        turn = 0
        while process.poll() is None:
            try:
                with open(f"/proc/{process.pid}/status") as file:
                    for line in file:
                        if line.startswith("VmHWM:"):
                            self.peak_memory = max(self.peak_memory, int(line.split()[1]) << 10)
            except OSError:
                pass
            if process is self.process:
                self.processor = max(self.processor, self.processor_seconds())
            if turn % 20 == 0:
                self.peak_store = max(self.peak_store, self.store_bytes())
            turn += 1
            time.sleep(0.05)

    def store_bytes(self):
        total = 0
        for root, _, names in os.walk(self.store):
            for name in names:
                try:
                    total += os.lstat(os.path.join(root, name)).st_size
                except OSError:
                    pass
        return total

    # Requests

    def connect(self, source=ATTACKER, timeout=30):
        return Connection(self.port, source, timeout)

    def get(self, path, headers=None, timeout=30):
        """Returns status and body, or None and the error if there was no response."""
        try:
            status, _, body = self.connect(timeout=timeout).request("GET", path, headers=headers)
            return status, body
        except (OSError, http.client.HTTPException) as error:
            return None, str(error).encode()

    def post(self, path, body, headers=None, timeout=60):
        if not isinstance(body, bytes):
            body = json.dumps(body).encode()
        return self.connect(timeout=timeout).attempt("POST", path, body, headers)

    def missing(self, numbers, patience=60):
        """Returns the issues that vsd does not show. Asks again until it shows all, or `patience` seconds are over."""
        left, end = set(numbers), now() + patience
        while left:
            left -= self._listed(left, end)
            if not left or now() > end or not self.is_alive:
                break
            time.sleep(0.2)
        return sorted(left)

    def _listed(self, numbers, end):
        """Returns the issues that the list of spans shows. Asks for single issues if the list fails."""
        found, path = set(), "/api/v1/spans?source=github&limit=1000"
        while path and now() < end:
            status, body = self.get(path)
            if status != 200:
                break
            page = json.loads(body)
            found.update(int(span["key"].rsplit(":", 1)[1]) for span in page["spans"] if ":issue:" in span["key"])
            if not page["next"]:
                return found & numbers
            path = f"/api/v1/spans?source=github&limit=1000&cursor={page['next']}"
        connection = self.connect(HONEST)
        for number in numbers - found:
            if now() > end or not self.is_alive:
                break
            if connection.attempt("GET", "/api/v1/spans/" + urllib.parse.quote(issue_key(number), safe=":")) == 200:
                found.add(number)
        return found & numbers

    def wait_until_idle(self, patience):
        """Waits until vsd uses less than 0.35 of a CPU, about the load of the honest sender, or has ended.

        Returns False if it is still busy after `patience` seconds.
        """
        end = now() + patience
        while now() < end and self.is_alive:
            before, at = self.processor_seconds(), now()
            time.sleep(1)
            if (self.processor_seconds() - before) / (now() - at) < 0.35:
                return True
        return not self.is_alive


def raise_file_limit():
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard if hard != resource.RLIM_INFINITY else 65536, hard))


class Sink:
    """A backend that accepts every export request with 200."""

    def __init__(self):
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection):
        with connection, connection.makefile("rb") as reader:
            try:
                while True:
                    length = 0
                    line = reader.readline()
                    if not line:
                        return
                    while line.strip():
                        if line.lower().startswith(b"content-length:"):
                            length = int(line.split(b":")[1])
                        if line.lower().startswith(b"expect:"):
                            connection.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
                        line = reader.readline()
                    reader.read(length)
                    connection.sendall(
                        b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}")
            except OSError:
                return

    def close(self):
        self.listener.close()


def remove(directory):
    shutil.rmtree(directory, ignore_errors=True)
