#!/usr/bin/env python3
"""Computes the five delivery metrics from raw GitHub webhooks, without any code of ValueStream.

    recompute.py deliveries.jsonl FROM TO [SERVICE=PREFIX ...]

FROM and TO are RFC 3339 times. SERVICE=PREFIX tells the services of one repository apart by the start of the
environment's name; the service's files are below `services/SERVICE/`. Prints one JSON object.

It is slow and simple on purpose: it knows the whole history at once, and holds the commits that each commit contains as
a set. The order of the deliveries does not matter.
"""
import collections
import datetime
import json
import statistics
import sys

DAY = 86_400
BLAME_WITHIN = 7 * DAY
RELEASE_SPAN = 3600


def seconds(text):
    return datetime.datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp() if text else None


class Change:
    def __init__(self, name):
        self.name = name
        self.first_commit = self.opened = self.merged = self.landed = None
        self.title, self.branch, self.labels, self.reverts = "", "", [], None


class Repository:
    def __init__(self):
        self.pushes = []
        self.pulls = {}
        self.files = {}
        self.deploys = {}
        self.incidents = {}


def read(path):
    repositories = collections.defaultdict(Repository)
    with open(path, encoding="utf-8") as lines:
        for line in lines:
            delivery = json.loads(line)
            body = delivery["body"]
            repository = repositories[body["repository"]["full_name"]]
            event = delivery["event"]
            if event == "push":
                repository.pushes.append(body)
            elif event in ("pull_request", "pull_request_review"):
                pull = body["pull_request"]
                known = repository.pulls.get(pull["number"])
                if known is None or (seconds(pull["updated_at"]), pull["merged"]) >= (seconds(known["updated_at"]), known["merged"]):
                    repository.pulls[pull["number"]] = pull
            elif event == "issues":
                issue = body["issue"]
                known = repository.incidents.get(issue["number"])
                if known is None or seconds(issue["updated_at"]) >= seconds(known["updated_at"]):
                    repository.incidents[issue["number"]] = issue
            elif event in ("deployment", "deployment_status"):
                deploy = repository.deploys.setdefault(body["deployment"]["id"], {"states": {}})
                deploy["deployment"] = body["deployment"]
                if "deployment_status" in body:
                    status = body["deployment_status"]
                    deploy["states"][status["state"]] = seconds(status["created_at"])
    return repositories


def contents(repository):
    """The commits that each pushed commit contains."""
    moves = {push["after"]: push for push in repository.pushes}
    known = {}
    for after in list(moves):
        chain = []
        while after in moves and after not in known:
            chain.append(after)
            after = moves[after]["before"]
        below = known.get(after, frozenset())
        for commit in reversed(chain):
            below = known[commit] = below | {c["id"] for c in moves[commit]["commits"]}
    return known


def changes(name, repository):
    """All merged pull requests and direct pushes to main."""
    found = []
    first_of_branch = {}
    for push in sorted(repository.pushes, key=lambda push: seconds(push["head_commit"]["timestamp"])):
        for commit in push["commits"]:
            repository.files[commit["id"]] = commit["modified"]
        branch = push["ref"].removeprefix("refs/heads/")
        if push["created"] and push["commits"]:
            first_of_branch[branch] = min(seconds(commit["timestamp"]) for commit in push["commits"])
    merges, by_number = {}, {}
    for number, pull in repository.pulls.items():
        if not pull["merged"]:
            continue
        change = Change(f"{name}#{number}")
        change.first_commit = first_of_branch.get(pull["head"]["ref"])
        change.opened, change.merged = seconds(pull["created_at"]), seconds(pull["merged_at"])
        change.landed, change.title = pull["merge_commit_sha"], pull["title"]
        change.labels = [label["name"] for label in pull["labels"]]
        merges[change.landed] = by_number[number] = change
        change.branch = pull["head"]["ref"]
        found.append(change)
    for change in found:
        # The button that reverts a pull request names the branch `revert-NUMBER-BRANCH`.
        if change.title.startswith('Revert "') and change.branch.startswith("revert-"):
            change.reverts = by_number.get(int(change.branch.split("-")[1]))
    for push in repository.pushes:
        if push["ref"] != "refs/heads/main":
            continue
        rest = push["commits"]
        for index, commit in enumerate(push["commits"]):
            if commit["id"] in merges:
                rest = push["commits"][index + 1:]
        if rest and not push["created"]:
            change = Change(f"{name}@{push['after'][:12]}")
            change.first_commit = min(seconds(commit["timestamp"]) for commit in rest)
            change.merged = change.opened = seconds(push["head_commit"]["timestamp"])
            change.landed = rest[-1]["id"]
            found.append(change)
    return found


class Release:
    def __init__(self, commit, start, created):
        self.commit, self.start, self.created = commit, start, created
        self.end = None
        self.environments = set()
        self.brought = []
        self.rules, self.rework = set(), set()
        self.remedies, self.incidents = [], []


def releases_of(deploys):
    releases = []
    for deploy in sorted(deploys, key=lambda deploy: (deploy["start"], deploy["id"])):
        for release in reversed(releases):
            if (release.commit == deploy["commit"] and deploy["start"] - release.start <= RELEASE_SPAN
                    and deploy["environment"] not in release.environments):
                break
        else:
            release = Release(deploy["commit"], deploy["start"], deploy["created"])
            releases.append(release)
        release.environments.add(deploy["environment"])
        release.end = min(release.end or deploy["end"], deploy["end"])
    return sorted(releases, key=lambda release: release.end)


def judge(releases, known, incidents):
    def recent(release, when):
        return when - release.end <= BLAME_WITHIN

    first_with = {}
    for index, release in enumerate(releases):
        for change in release.brought:
            first_with.setdefault(change, index)
    for index, release in enumerate(releases):
        if index == 0:
            continue
        before = releases[index - 1]
        if known[release.commit] < known[before.commit] and release.created >= before.start:
            same = [i for i in range(index) if releases[i].commit == release.commit]
            first = same[-1] + 1 if same else index - 1
            if first < index:
                release.rework.add("rollback")
                if recent(releases[first], release.start):
                    releases[first].rules.add("rollback")
                    releases[first].remedies.append(release)
        for change in release.brought:
            if "hotfix" in change.labels:
                release.rework.add("hotfix")
                if recent(before, release.start):
                    before.rules.add("hotfix")
                    before.remedies.append(release)
            if change.reverts is None:
                continue
            depth, original = 1, change.reverts
            while original.reverts is not None:
                depth, original = depth + 1, original.reverts
            if depth % 2 == 0:
                continue
            brought = first_with.get(change.reverts)
            if brought == index:
                continue
            release.rework.add("revert")
            if brought is not None and brought < index and recent(releases[brought], release.start):
                releases[brought].rules.add("revert")
                releases[brought].remedies.append(release)
    for incident in incidents:
        began, resolved = seconds(incident["created_at"]), seconds(incident["closed_at"])
        before = [release for release in releases if release.end <= began]
        if before and recent(before[-1], began):
            before[-1].rules.add("incident")
            before[-1].incidents.append(resolved)


def recoveries(releases):
    """The end and the length of each failure. Failures that overlap are one."""
    found = []
    for release in releases:
        if not release.rules:
            continue
        ends = [remedy.end for remedy in release.remedies]
        if release.incidents and None not in release.incidents:
            ends.append(max(release.incidents))
        end = min(ends) if ends else None
        if found and (found[-1][1] is None or release.end < found[-1][1]):
            start, last = found[-1]
            found[-1] = (start, None if last is None or end is None else max(last, end))
        else:
            found.append((release.end, end))
    return found


def main():
    path, begin, end = sys.argv[1], seconds(sys.argv[2]), seconds(sys.argv[3])
    prefixes = dict(rule.split("=") for rule in sys.argv[4:])
    lead, leads_of_service, ends, open_failures = {}, {}, [], 0
    counts = collections.Counter()
    rules, recovered = collections.Counter(), []
    for name, repository in sorted(read(path).items()):
        known = contents(repository)
        all_changes = changes(name, repository)
        groups = collections.defaultdict(list)
        for number, deploy in repository.deploys.items():
            environment = deploy["deployment"]["environment"]
            service = next((s for s, prefix in prefixes.items() if environment.startswith(prefix)), name)
            if "success" not in deploy["states"] or not deploy["deployment"]["production_environment"]:
                continue
            created = seconds(deploy["deployment"]["created_at"])
            groups[service].append({
                "id": number, "commit": deploy["deployment"]["sha"], "environment": environment, "created": created,
                "start": deploy["states"].get("in_progress", created), "end": deploy["states"]["success"]})
        for service, deploys in groups.items():
            releases = releases_of(deploys)
            seen = known[releases[0].commit]
            for release in releases[1:]:
                new = known[release.commit] - seen
                seen |= new
                for change in all_changes:
                    files = repository.files.get(change.landed, [])
                    if change.landed in new and (service == name or any(f"services/{service}/" in f for f in files)):
                        release.brought.append(change)
                        key = (service, change)
                        leads_of_service[key] = (release.end, change)
                        if change not in lead or release.end < lead[change]:
                            lead[change] = release.end
            judge(releases, known, repository.incidents.values() if service == name else [])
            for release in releases:
                if begin <= release.end < end:
                    ends.append(release.end)
                    counts["total"] += 1
                    counts["failed"] += bool(release.rules)
                    counts["rework"] += bool(release.rework)
                    rules.update(release.rules)
            for start, over in recoveries(releases):
                if over is not None and begin <= over < end:
                    recovered.append(over - start)
                elif start < end and (over is None or over >= end):
                    open_failures += 1
    times, clock, unknown = {}, 0, 0
    for change, released in lead.items():
        if not begin <= released < end:
            continue
        if change.first_commit is None:
            unknown += 1
        elif released < change.first_commit:
            clock += 1
        else:
            times[change.name] = released - change.first_commit
    print(json.dumps({
        "lead_time": {"median_seconds": statistics.median(times.values()) if times else None, "n": len(times),
                      "clock": clock, "first_commit_unknown": unknown, "changes": times},
        "deployment_frequency": {"deploys": len(ends), "per_day": len(ends) / ((end - begin) / DAY)},
        "change_fail_rate": {"failed": counts["failed"], "total": counts["total"], "rules": dict(sorted(rules.items()))},
        "failed_deployment_recovery_time": {
            "median_seconds": statistics.median(recovered) if recovered else None, "n": len(recovered), "open": open_failures},
        "rework_rate": {"rework": counts["rework"], "total": counts["total"]},
    }, indent=1, sort_keys=True))


if __name__ == "__main__":
    main()
