"""One headless Chromium, as the browser tests and the screenshots use it."""

import json
import os
import shutil
import subprocess
import urllib.error
import urllib.request

from selenium import webdriver
from selenium.webdriver.chrome.service import Service

DESKTOP = (1280, 860)
# The narrowest screen for which WCAG wants pages to reflow (1.4.10).
PHONE = (320, 640)


# Nothing here is behind a proxy.
for name in [name for name in os.environ if name.lower().endswith("_proxy")]:
    del os.environ[name]


class Failure(Exception):
    """What stops the program: a missing program, or a vsd that does not answer."""


def program(*names):
    for name in names:
        path = shutil.which(name)
        if path:
            return path
    raise Failure(f"{names[0]} is not installed; Scripts/bootstrap test screenshots installs it")


def axe_source():
    """Returns axe-core's script. Its package is made for another driver, so only this file of it is used."""
    import importlib.util

    package = importlib.util.find_spec("axe_playwright_python")
    if package is None:
        raise Failure("axe_playwright_python is not installed; Scripts/bootstrap test installs it")
    with open(os.path.join(os.path.dirname(package.origin), "axe.min.js"), encoding="utf-8") as file:
        return file.read()


class Browser:
    def __init__(self):
        options = webdriver.ChromeOptions()
        options.binary_location = program("chromium", "chromium-browser")
        arguments = [
            "--headless=new", "--disable-gpu", "--disable-dev-shm-usage", "--hide-scrollbars", "--no-first-run", "--lang=en",
            "--disable-background-networking", "--disable-component-update", "--disable-extensions", "--disable-sync",
            "--force-color-profile=srgb", "--font-render-hinting=none", "--window-size=%d,%d" % DESKTOP,
        ]
        if os.geteuid() == 0:
            arguments.append("--no-sandbox")
        for argument in arguments:
            options.add_argument(argument)
        options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
        options.add_experimental_option("perfLoggingPrefs", {"enableNetwork": True, "enablePage": False})
        service = Service(executable_path=program("chromedriver"), log_output=subprocess.DEVNULL)
        self.driver = webdriver.Chrome(options=options, service=service)
        self.driver.set_page_load_timeout(30)
        self.driver.set_script_timeout(30)

    def close(self):
        self.driver.quit()

    def command(self, name, **parameters):
        return self.driver.execute_cdp_cmd(name, parameters)

    def colors(self, scheme):
        """Chooses `light` or `dark`."""
        self.command("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])

    def size(self, size, scale=1):
        width, height = size
        self.command(
            "Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=scale, mobile=width < 600)

    def scripts(self, are_on):
        """Switches the scripts of pages on or off. Those of the driver run anyway."""
        self.command("Emulation.setScriptExecutionDisabled", value=not are_on)

    def run(self, script, *arguments):
        return self.driver.execute_script(script, *arguments)

    def wait_for(self, script, *arguments):
        """Runs a script that calls the last of its arguments with the result."""
        return self.driver.execute_async_script(script, *arguments)

    def get(self, address):
        """Opens a page and returns its status, the addresses that it requested, and the errors of its console."""
        self.drain()
        self.driver.get(address)
        return self.drain()

    def drain(self):
        """Returns what happened since the last call: status of the page, requested addresses, errors of the console."""
        status, requested, errors = None, [], []
        for entry in self.driver.get_log("performance"):
            message = json.loads(entry["message"])["message"]
            parameters = message.get("params", {})
            if message["method"] == "Network.requestWillBeSent":
                requested.append(parameters["request"]["url"])
            elif message["method"] == "Network.responseReceived" and parameters.get("type") == "Document":
                status = parameters["response"]["status"]
        for entry in self.driver.get_log("browser"):
            if entry["level"] in ("SEVERE", "WARNING"):
                errors.append(entry["message"])
        return status, requested, errors


class Server:
    """A running vsd, as programs see it."""

    def __init__(self, url, token=None):
        self.url = url.rstrip("/")
        self.token = token

    def get(self, path):
        """Returns status, media type and body."""
        return self._send(urllib.request.Request(self.url + path))

    def post(self, path, body, headers=None):
        request = urllib.request.Request(self.url + path, data=json.dumps(body).encode(), method="POST")
        for name, value in {"Content-Type": "application/json", **(headers or {})}.items():
            request.add_header(name, value)
        status, _, answer = self._send(request)
        if status != 200:
            raise Failure(f"{path} answered {status}: {answer[:300]!r}")

    def json(self, path):
        status, _, body = self.get(path)
        if status != 200:
            raise Failure(f"{path} answered {status}: {body[:300]!r}")
        return json.loads(body)

    def _send(self, request):
        if self.token:
            request.add_header("Authorization", f"Bearer {self.token}")
        try:
            with urllib.request.urlopen(request, timeout=60) as response:
                return response.status, response.headers.get_content_type(), response.read()
        except urllib.error.HTTPError as error:
            return error.code, error.headers.get_content_type(), error.read()
        except urllib.error.URLError as error:
            raise Failure(f"{request.full_url} does not answer: {error}") from error
