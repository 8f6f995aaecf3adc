"""Sends CDEvents of every subject with the official CloudEvents SDK and prints the responses.

    send-cdevents.py URL TOKEN

Sends each event in binary and in structured mode; each mode has its own subjects. Prints one line of JSON per event:
{"type": "pipelinerun.queued", "mode": "binary", "id": "...", "status": 200, "body": "success"}
"""

import json
import sys
import urllib.error
import urllib.request
import uuid
from datetime import datetime, timedelta, timezone

from cloudevents.core.bindings import http
from cloudevents.core.v1.event import CloudEvent

BEGINNING = datetime(2024, 3, 5, 10, 0, tzinfo=timezone.utc)
VERSIONS = {"change.created": "0.4.0"}


def cdevents(mode):
    """Yields the events of one change in order, as type without version, source, subject id and content."""
    package = f"pkg:oci/harbour-site@{mode}"
    repository = {"repository": {"id": "harbour/site", "source": "https://git.example"}}
    run = {"pipelineName": "site-ci", "uri": "https://ci.example/runs/1"}
    task = {"taskName": "compile", "uri": "https://ci.example/runs/1/compile", "pipelineRun": {"id": f"run-{mode}"}}
    place = {"environment": {"id": "production"}}
    suite = {**place, "testSuite": {"id": "auth", "name": "Authentication"}}
    case = {**place, "testCase": {"id": "login", "name": "Login"}, "testSuiteRun": {"id": f"suite-{mode}"}}
    ticket = {"summary": "The discount is not shown", "ticketType": "bug", "creator": "Rosa", "uri": f"https://tickets.example/{mode}"}
    incident = {**place, "service": {"id": "site"}, "artifactId": package, "description": "Response time above 100 ms"}
    deploy = {**place, "artifactId": package}
    things = [
        ("ticket", "https://tickets.example", f"ticket-{mode}", {"created": ticket, "updated": ticket}),
        ("repository", "https://git.example", f"repository-{mode}", dict.fromkeys(["created", "modified", "deleted"], {"name": "site"})),
        ("branch", "https://git.example", f"branch-{mode}", dict.fromkeys(["created", "deleted"], repository)),
        ("change", "https://git.example", f"change-{mode}", dict.fromkeys(["created", "updated", "reviewed", "merged"], repository)),
        ("change", "https://git.example", f"abandoned-{mode}", {"abandoned": repository}),
        ("pipelinerun", "/ci", f"run-{mode}", {"queued": run, "started": run, "finished": {**run, "outcome": "success"}}),
        ("taskrun", "/ci", f"task-{mode}", {"started": task, "finished": {**task, "outcome": "error", "errors": "out of memory"}}),
        ("build", "/ci", f"build-{mode}", {"queued": {}, "started": {}, "finished": {"artifactId": package}}),
        ("testsuiterun", "/tests", f"suite-{mode}", {"queued": suite, "started": suite, "finished": {**suite, "outcome": "success"}}),
        ("testcaserun", "/tests", f"case-{mode}", {"queued": case, "started": case, "finished": {**case, "outcome": "failure"}}),
        ("testcaserun", "/tests", f"skipped-{mode}", {"skipped": case}),
        ("testoutput", "/tests", f"output-{mode}", {"published": {"outputType": "log", "testCaseRun": {"id": f"case-{mode}"}}}),
        ("artifact", "/ci", package, {"packaged": {"change": {"id": f"change-{mode}", "source": "https://git.example"}}}),
        ("artifact", "/registry", package, dict.fromkeys(["signed", "published", "downloaded", "deleted"], {})),
        ("environment", "/cd", f"environment-{mode}", dict.fromkeys(["created", "modified", "deleted"], {"name": "Preview"})),
        ("service", "/cd", "site", {"deployed": deploy, "upgraded": deploy, "rolledback": deploy, "published": place, "removed": place}),
        ("incident", "/monitoring", f"incident-{mode}", dict.fromkeys(["detected", "reported", "resolved"], incident)),
        ("ticket", "https://tickets.example", f"ticket-{mode}", {"closed": {**ticket, "resolution": "completed"}}),
    ]
    for subject, source, name, predicates in things:
        for predicate, content in predicates.items():
            yield f"dev.cdevents.{subject}.{predicate}", source, name, content
    yield "dev.cdeventsx.argo-pipelinerun.paused", "/ci", f"run-{mode}", {}


def event(mode, chain, step, kind, source, name, content):
    """Returns an event in its envelope."""
    version = VERSIONS.get(kind.removeprefix("dev.cdevents."), "0.3.0")
    time = BEGINNING + timedelta(minutes=step)
    context = {
        "specversion": "0.5.1", "id": str(uuid.uuid5(chain, f"{step}")), "source": source, "type": f"{kind}.{version}",
        "timestamp": time.isoformat(), "chainId": str(chain),
    }
    attributes = {
        "id": context["id"], "source": source, "type": context["type"], "subject": name, "time": time,
        "datacontenttype": "application/json",
    }
    return CloudEvent(attributes=attributes, data={"context": context, "subject": {"id": name, "content": content}})


def send(url, token, message):
    headers = {**message.headers, "Authorization": f"Bearer {token}"}
    request = urllib.request.Request(url, data=message.body, headers=headers, method="POST")
    try:
        # Ignore the machine's proxy settings.
        with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=60) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


def main():
    url, token = sys.argv[1:]
    for mode, pack in [("binary", http.to_binary_event), ("structured", http.to_structured_event)]:
        chain = uuid.uuid5(uuid.NAMESPACE_URL, f"https://cdevents.example/{mode}")
        for step, (kind, source, name, content) in enumerate(cdevents(mode)):
            packed = event(mode, chain, step, kind, source, name, content)
            status, body = send(url, token, pack(packed))
            line = {"type": kind.split(".", 2)[2], "mode": mode, "id": packed.get_id(), "status": status, "body": body}
            print(json.dumps(line), flush=True)


main()
