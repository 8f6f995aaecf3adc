"""Several vsd on a PostgreSQL database, and senders that never give up. Uses the standard library, PostgreSQL and its libpq."""

import ctypes
import glob
import http.client
import json
import os
import shutil
import signal
import socket
import subprocess
import threading
import time

REPOSITORY = 197_483_389
TOKEN = "read-only"
ENVIRONMENT = {"VS_READ_TOKEN": TOKEN, "PATH": os.environ.get("PATH", "/usr/bin:/bin"), "LANG": "C.UTF-8"}


def program(name):
    """The path of a program of PostgreSQL or pgbouncer. Debian keeps those of the server outside of the search path."""
    places = sorted(glob.glob("/usr/lib/postgresql/*/bin"), reverse=True) + os.environ.get("PATH", "").split(":") + ["/usr/sbin"]
    for place in places:
        if os.access(f"{place}/{name}", os.X_OK):
            return f"{place}/{name}"
    raise SystemExit(f"fail-over: {name} is missing: run Scripts/bootstrap test")


def unprivileged(command):
    """PostgreSQL refuses to run as root."""
    if os.getuid() != 0:
        return command
    return ["setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups"] + command


def give_away(path):
    if os.getuid() == 0:
        shutil.chown(path, "nobody", "nogroup")


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_until(condition, what, seconds=40, pause=0.02):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if condition():
            return
        time.sleep(pause)
    raise RuntimeError(f"waited {seconds} s for {what}")


class Postgres:
    """A server in a directory of its own, on a socket there and a port."""

    def __init__(self, directory, name, settings=None, standby_of=None):
        self.directory, self.port, self.process = f"{directory}/{name}", free_port(), None
        self.settings = {"max_connections": "100", "listen_addresses": "*", **(settings or {})}
        os.makedirs(self.directory)
        give_away(self.directory)
        data = f"{self.directory}/data"
        if standby_of is None:
            self._run(["initdb", "-D", data, "-U", "vs", "--auth=trust", "--no-sync", "-E", "UTF8", "--locale=C"])
            with open(f"{data}/pg_hba.conf", "a", encoding="utf-8") as file:
                file.write("host all all 10.231.0.0/16 trust\n")
        else:
            primary = ["-h", standby_of.directory, "-p", str(standby_of.port), "-U", "vs"]
            self._run(["pg_basebackup", "-D", data, "-R", "-X", "stream", "-c", "fast", "--no-sync"] + primary)
        self.start()

    def _run(self, command):
        command = unprivileged([program(command[0])] + command[1:])
        subprocess.run(command, check=True, cwd="/", stdout=subprocess.DEVNULL)

    def start(self):
        command = [program("postgres"), "-D", f"{self.directory}/data", "-k", self.directory, "-p", str(self.port)]
        for name, value in self.settings.items():
            command += ["-c", f"{name}={value}"]
        with open(f"{self.directory}/log", "ab") as log:
            self.process = subprocess.Popen(unprivileged(command), cwd="/", stdout=log, stderr=log)
        wait_until(self.is_ready, "PostgreSQL")

    def is_ready(self):
        probe = [program("pg_isready"), "-q", "-h", self.directory, "-p", str(self.port)]
        return subprocess.run(probe, check=False).returncode == 0

    def kill(self):
        """A crash: SIGKILL to the server and all of its processes."""
        number = self.process.pid
        with open(f"/proc/{number}/task/{number}/children", encoding="ascii") as file:
            children = [int(word) for word in file.read().split()]
        for process in [number] + children:
            try:
                os.kill(process, signal.SIGKILL)
            except ProcessLookupError:
                pass
        self.process.wait()
        self.process = None
        # They live a little longer, and keep the memory that they share.
        wait_until(lambda: not any(os.path.exists(f"/proc/{child}") for child in children), "the end of PostgreSQL")

    def stop(self):
        if self.process:
            self.process.send_signal(signal.SIGQUIT)
            self.process.wait()
            self.process = None

    def query(self, sql, database="postgres"):
        command = [program("psql"), "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-U", "vs"]
        command += ["-h", self.directory, "-p", str(self.port), "-d", database, "-c", sql]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()

    def address(self, host=None):
        return f"postgres:///postgres?host={host or self.directory}&port={self.port}&user=vs"


class PgBouncer:
    """pgbouncer in transaction mode, with fewer connections to the server than it has clients."""

    def __init__(self, directory, server):
        self.directory, self.port = f"{directory}/pgbouncer", free_port()
        os.makedirs(self.directory)
        give_away(self.directory)
        path = f"{self.directory}/pgbouncer.ini"
        with open(path, "w", encoding="utf-8") as file:
            file.write(
                f"[databases]\npostgres = host={server.directory} port={server.port} user=vs\n[pgbouncer]\nlisten_addr =\n"
                f"unix_socket_dir = {self.directory}\nlisten_port = {self.port}\nauth_type = any\npool_mode = transaction\n"
                "default_pool_size = 8\nmax_client_conn = 200\n")
        give_away(path)
        with open(f"{self.directory}/log", "ab") as log:
            command = unprivileged([program("pgbouncer"), path])
            self.process = subprocess.Popen(command, cwd="/", stdout=log, stderr=log)

    def address(self):
        return f"postgres:///postgres?host={self.directory}&port={self.port}&user=vs"

    def stop(self):
        self.process.kill()
        self.process.wait()


class Hog:
    """Takes every connection that a server has left."""

    def __init__(self, server):
        self.library = ctypes.CDLL("libpq.so.5")
        self.library.PQconnectdb.restype = ctypes.c_void_p
        self.library.PQstatus.argtypes = [ctypes.c_void_p]
        self.library.PQfinish.argtypes = [ctypes.c_void_p]
        # Not as a superuser, for whom the server keeps some.
        server.query("DO $$ BEGIN CREATE USER hog; EXCEPTION WHEN duplicate_object THEN END $$")
        self.text = f"host={server.directory} port={server.port} user=hog dbname=postgres".encode()
        self.connections, self.is_over = [], False
        self.thread = threading.Thread(target=self._take)
        self.thread.start()

    def _take(self):
        while not self.is_over:
            connection = self.library.PQconnectdb(self.text)
            if self.library.PQstatus(connection) == 0:
                self.connections.append(connection)
            else:
                self.library.PQfinish(connection)
                time.sleep(0.01)

    def release(self):
        self.is_over = True
        self.thread.join()
        for connection in self.connections:
            self.library.PQfinish(connection)


class Network:
    """A network namespace with two links: one over which vsd is reached, and one over which it reaches the database."""

    NAME = "vsd-fail-over"

    def __init__(self):
        self.remove()
        self._ip("netns", "add", self.NAME)
        self._ip("-n", self.NAME, "link", "set", "lo", "up")
        for link, network in (("vsf-http", 7), ("vsf-data", 8)):
            self._ip("link", "add", link, "type", "veth", "peer", "name", f"{link}-in", "netns", self.NAME)
            self._ip("addr", "add", f"10.231.{network}.1/30", "dev", link)
            self._ip("link", "set", link, "up")
            self._ip("-n", self.NAME, "addr", "add", f"10.231.{network}.2/30", "dev", f"{link}-in")
            self._ip("-n", self.NAME, "link", "set", f"{link}-in", "up")

    host, database = "10.231.7.2", "10.231.8.1"

    @staticmethod
    def _ip(*words, check=True):
        subprocess.run(["ip", *words], check=check, stderr=None if check else subprocess.DEVNULL)

    @classmethod
    def is_possible(cls):
        if os.getuid() != 0 or not shutil.which("ip"):
            return False
        cls.remove()
        made = subprocess.run(["ip", "netns", "add", cls.NAME], check=False, stderr=subprocess.DEVNULL)
        cls.remove()
        return made.returncode == 0

    def cut(self):
        self._ip("link", "set", "vsf-data", "down")

    def lose_answers(self):
        """What vsd sends arrives at the database, and nothing comes back."""
        self._ip("route", "add", "blackhole", "10.231.8.2/32")

    def mend(self):
        self._ip("route", "del", "blackhole", "10.231.8.2/32", check=False)
        self._ip("link", "set", "vsf-data", "up")

    @classmethod
    def remove(cls):
        cls._ip("route", "del", "blackhole", "10.231.8.2/32", check=False)
        for link in ("vsf-http", "vsf-data"):
            cls._ip("link", "del", link, check=False)
        cls._ip("netns", "del", cls.NAME, check=False)


class Vsd:
    """A vsd process."""

    def __init__(self, binary, store, directory, network=None):
        self.binary, self.store, self.directory, self.network = binary, store, directory, network
        self.host, self.port = network.host if network else "127.0.0.1", free_port()
        os.makedirs(directory, exist_ok=True)
        self.process = None
        self.start()

    def start(self):
        command = [self.binary, f"--store={self.store}", "--tracer=none", f"--addr={self.host}:{self.port}"]
        if self.network:
            command = ["ip", "netns", "exec", self.network.NAME] + command
        environment = {**ENVIRONMENT, "HOME": self.directory, "XDG_STATE_HOME": self.directory}
        with open(f"{self.directory}/log", "ab") as log:
            self.process = subprocess.Popen(command, env=environment, stdout=log, stderr=log)

    def send(self, number):
        self.process.send_signal(number)

    def end(self, number=signal.SIGTERM):
        self.send(number)
        return self.process.wait()

    def request(self, method, path, body=None, headers=None, timeout=5):
        connection = http.client.HTTPConnection(self.host, self.port, timeout=timeout)
        try:
            connection.request(method, path, body=body, headers=headers or {"Authorization": f"Bearer {TOKEN}"})
            response = connection.getresponse()
            return response.status, response.read()
        finally:
            connection.close()

    def send_all(self, deliveries):
        """Sends issues' openings and closings over one connection."""
        connection = http.client.HTTPConnection(self.host, self.port, timeout=30)
        for number, is_closing in deliveries:
            connection.request("POST", "/github", payload(number, is_closing), headers(number, is_closing))
            response = connection.getresponse()
            response.read()
            if response.status != 200:
                raise RuntimeError(f"answer {response.status} to delivery {number}")
        connection.close()

    def json(self, path, timeout=5):
        """The answer, or None if there is none."""
        try:
            status, body = self.request("GET", path, timeout=timeout)
            return json.loads(body) if status == 200 else None
        except (OSError, http.client.HTTPException, ValueError):
            return None

    def leads(self):
        return (self.json("/api/v1/stats") or {}).get("leading") is True

    def terms(self):
        """How often it has begun to lead."""
        return self.log().count("leads: projects deliveries")

    def is_ready(self):
        try:
            return self.request("GET", "/readyz", timeout=1)[0] == 200
        except (OSError, http.client.HTTPException):
            return False

    def log(self):
        with open(f"{self.directory}/log", encoding="utf-8", errors="replace") as file:
            return file.read()

    def spans(self):
        """All spans by their id."""
        spans, path = {}, "/api/v1/spans?limit=500"
        while path:
            page = self.json(path, timeout=30)
            if page is None:
                raise RuntimeError(f"no answer to {path}")
            for span in page["spans"]:
                spans[span["spanID"]] = span
            path = page.get("next") and f"/api/v1/spans?limit=500&cursor={page['next']}"
        return spans


def key(number):
    return f"github:github.com:{REPOSITORY}:issue:{number}"


def payload(number, is_closing):
    address = f"https://github.com/acme/site/issues/{number}"
    closed = "2024-03-04T10:00:00Z" if is_closing else None
    return json.dumps({
        "action": "closed" if is_closing else "opened",
        "issue": {
            "url": address.replace("github.com", "api.github.com/repos"), "html_url": address, "id": 2_010_000 + number,
            "number": number, "title": "Basket forgets its discount", "user": {"login": "rosa", "id": 501, "type": "User"},
            "labels": [], "state": "closed" if is_closing else "open", "comments": 0,
            "created_at": "2024-03-04T09:00:00Z", "updated_at": closed or "2024-03-04T09:00:00Z", "closed_at": closed,
        },
        "repository": {
            "id": REPOSITORY, "name": "site", "full_name": "acme/site", "html_url": "https://github.com/acme/site",
            "owner": {"login": "acme", "id": 1, "type": "Organization"}, "default_branch": "main",
        },
        "sender": {"login": "rosa", "type": "User"},
    }).encode()


def headers(number, is_closing):
    return {
        "Content-Type": "application/json", "X-GitHub-Event": "issues", "X-GitHub-Delivery": f"{number}-{is_closing}",
    }


class Senders:
    """Threads that send an issue's opening and closing, each to any vsd until one acknowledges it.

    Of the acknowledged deliveries, every seventh goes to another vsd once more, as from a sender that has not read the answer.
    """

    def __init__(self, daemons, count=6, pause=0.02):
        self.daemons, self.pause = daemons, pause
        self.lock = threading.Lock()
        self.next = 1
        self.acknowledged = {}
        self.refused = 0
        self.slowest = 0.0
        self.is_over = False
        self.failures = []
        self.threads = [threading.Thread(target=self._run, args=(index,)) for index in range(count)]
        for thread in self.threads:
            thread.start()

    def _run(self, index):
        try:
            while not self.is_over:
                number = self.take_number()
                for is_closing in (False, True):
                    self._deliver(number, is_closing)
                time.sleep(self.pause)
        except Exception as error:  # What ends a sender makes the trial fail.
            self.failures.append(f"sender {index}: {error}")

    def take_number(self):
        with self.lock:
            self.next += 1
            return self.next - 1

    def note(self, number, is_closing):
        """Remembers an acknowledged delivery."""
        with self.lock:
            self.acknowledged[(number, is_closing)] = time.monotonic()

    def _deliver(self, number, is_closing):
        began = time.monotonic()
        turn = number
        while time.monotonic() < began + 120:
            turn += 1
            vsd = self.daemons[turn % len(self.daemons)]
            if self.post(vsd, number, is_closing):
                self.note(number, is_closing)
                with self.lock:
                    self.slowest = max(self.slowest, time.monotonic() - began)
                if number % 7 == 0:
                    self.post(self.daemons[(turn + 1) % len(self.daemons)], number, is_closing)
                return
            time.sleep(0.02)
        raise RuntimeError(f"nobody takes delivery {number}")

    def post(self, vsd, number, is_closing):
        try:
            body = payload(number, is_closing)
            status, answer = vsd.request("POST", "/github", body, headers(number, is_closing), timeout=2)
            if status == 200 and answer.strip() in (b"success", b"duplicate"):
                return True
        except (OSError, http.client.HTTPException):
            pass
        with self.lock:
            self.refused += 1
        return False

    def times(self):
        with self.lock:
            return sorted(self.acknowledged.values())

    def first_after(self, instant):
        """The issue whose opening was acknowledged first after an instant, and when."""
        with self.lock:
            found = [(time, number) for (number, is_closing), time in self.acknowledged.items() if time > instant and not is_closing]
        return min(found) if found else None

    def stop(self):
        self.is_over = True
        for thread in self.threads:
            thread.join()
