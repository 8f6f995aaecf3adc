#!/usr/bin/env python3
"""Plays the life of some repositories with the traps of real ones, and writes the webhooks that GitHub would send.

    history.py SEED DAYS > deliveries.jsonl

One delivery per line: {"id", "event", "at", "body"}, in the order in which things happened. The history begins on
2025-01-06, a Monday. It contains merges of all three kinds, direct pushes, reverts, reverts of reverts, hotfixes,
rollbacks, redeploys, failed deploys, a repository with two services, two regions, incidents and clocks that
are off by minutes.

`recompute.py` tells what is true of it.
"""
import datetime
import hashlib
import json
import random
import sys

BEGIN = datetime.datetime(2025, 1, 6, tzinfo=datetime.timezone.utc)
HOUR = 3600


def stamp(seconds):
    return (BEGIN + datetime.timedelta(seconds=int(seconds))).strftime("%Y-%m-%dT%H:%M:%SZ")


class Repository:
    """A repository in which `main` is deployed."""

    def __init__(self, world, number, name, services):
        self.world, self.number, self.name, self.services = world, number, name, services
        # The commit of `main`.
        self.head = None
        self.items = 0

    def reference(self):
        return {
            "id": 1000 + self.number, "name": self.name, "full_name": f"acme/{self.name}",
            "owner": {"login": "acme", "type": "Organization"}, "default_branch": "main",
            "html_url": f"https://github.com/acme/{self.name}",
        }

    def number_item(self):
        self.items += 1
        return self.items


class World:
    def __init__(self, seed):
        self.random = random.Random(seed)
        self.deliveries = []
        self.counter = 0
        self.repositories = [
            Repository(self, 1, "shop", [None]), Repository(self, 2, "payments", [None]),
            Repository(self, 3, "suite", ["cart", "till"]),
        ]
        self.people = ["ada", "grace", "linus", "margaret", "dennis", "barbara"]

    def send(self, at, event, repository, body):
        self.counter += 1
        body = dict(body, repository=repository.reference(), sender={"login": "ada", "type": "User"})
        self.deliveries.append((at, self.counter, {"id": f"d{self.counter}", "event": event, "at": stamp(at), "body": body}))

    def commit(self, at, message, files):
        self.counter += 1
        sha = hashlib.sha1(f"{self.counter}:{message}".encode()).hexdigest()
        return {
            "id": sha, "message": message, "timestamp": stamp(at), "distinct": True, "added": [], "removed": [],
            "modified": files, "author": {"name": "a", "username": "ada"},
        }

    def push(self, at, repository, branch, before, commits, created=False):
        zero = "0" * 40
        after = commits[-1]
        self.send(at, "push", repository, {
            "ref": f"refs/heads/{branch}", "before": before or zero, "after": after["id"],
            "created": created, "deleted": False, "forced": False, "commits": commits,
            "head_commit": dict(after, timestamp=stamp(at)),
        })

    # Changes

    def files(self, repository, service):
        return [f"services/{service}/main.go" if service else "main.go"]

    def change(self, repository, at, title=None, labels=(), method=None, quick=False, files=None, branch=None):
        """Opens, reviews and merges a pull request. Returns when it is merged, with the commit that it left."""
        r = self.random
        number = repository.number_item()
        service = r.choice(repository.services)
        files = files or self.files(repository, service)
        author = r.choice(self.people + ["renovate[bot]"])
        method = method or ("squash" if len(repository.services) > 1 else r.choice(["squash", "merge", "rebase"]))
        branch = branch or f"topic-{number}"
        speed = 0.05 if quick else 1
        own = [self.commit(at - r.uniform(0.1, 20) * HOUR * speed, f"work on {number}", files)]
        self.push(at, repository, branch, None, list(own), created=True)
        opened = at + r.uniform(60, 3 * HOUR) * speed
        is_draft = not quick and r.random() < 0.2
        pull = {
            "id": repository.number * 100_000 + number, "number": number, "title": title or f"Change {number}",
            "body": "", "draft": is_draft, "user": {"login": author, "type": "Bot" if "[bot]" in author else "User"},
            "labels": [{"name": name} for name in labels], "created_at": stamp(opened), "closed_at": None, "merged_at": None,
            "merged": False, "merge_commit_sha": None, "state": "open", "html_url": f"https://github.com/acme/{repository.name}/pull/{number}",
            "additions": r.randrange(1, 500), "deletions": r.randrange(0, 200),
            "base": {"ref": "main", "sha": repository.head, "repo": repository.reference()},
        }

        def say(when, action, event="pull_request", **more):
            body = dict(pull, updated_at=stamp(when), commits=len(own),
                        head={"ref": branch, "sha": own[-1]["id"], "repo": repository.reference()})
            self.send(when, event, repository, {"action": action, "number": number, "pull_request": body, **more})

        say(opened, "opened")
        now = opened
        if is_draft:
            now += r.uniform(0.5, 30) * HOUR
            pull["draft"] = False
            say(now, "ready_for_review")
        if r.random() < 0.7:
            now += r.uniform(0.2, 40) * HOUR * speed
            more = self.commit(now - r.uniform(60, 600), f"more on {number}", files)
            self.push(now, repository, branch, own[-1]["id"], [more])
            own.append(more)
            say(now + 5, "synchronize")
        if r.random() < 0.8:
            now += r.uniform(0.1, 30) * HOUR * speed
            reviewer = r.choice([p for p in self.people if p != author])
            say(now, "submitted", "pull_request_review", review={
                "id": self.counter + 1, "state": "approved", "user": {"login": reviewer, "type": "User"},
                "submitted_at": stamp(now), "commit_id": own[-1]["id"]})
        merged = now + r.uniform(60, 6 * HOUR) * speed
        return Merge(repository, merged, own, method, say, pull, files, number, branch)

    def direct(self, repository, at):
        service = repository.services[0]
        commits = [self.commit(at - self.random.uniform(10, 5 * HOUR), "direct", self.files(repository, service))]
        return Merge(repository, at, commits, "direct")


class Merge:
    """A merge, or a direct push, that is due at a time. They are carried out in the order of their times."""

    def __init__(self, repository, at, commits, method, say=None, pull=None, files=None, number=None, branch=None):
        self.repository, self.at, self.commits, self.method = repository, at, commits, method
        self.say, self.pull, self.files, self.number, self.branch = say, pull, files, number, branch

    def carry_out(self):
        """Moves `main`. Returns its new commit."""
        repository = self.repository
        world = repository.world
        own = [dict(commit, distinct=False) for commit in self.commits]
        if self.method == "direct":
            pushed = self.commits
        elif self.method == "squash":
            pushed = [world.commit(self.at, f"squash {self.number}", self.files)]
        elif self.method == "merge":
            pushed = own + [world.commit(self.at, f"merge {self.number}", [])]
        else:
            pushed = [world.commit(self.at, f"rebased {self.number}", self.files) for _ in self.commits]
        before, repository.head = repository.head, pushed[-1]["id"]
        world.push(self.at + 1, repository, "main", before, pushed)
        if self.pull is not None:
            self.pull.update(state="closed", merged=True, merged_at=stamp(self.at), closed_at=stamp(self.at),
                             merge_commit_sha=repository.head)
            self.say(self.at, "closed")
        return repository.head


def deploy(world, repository, service, region, sha, at, fails=False, skew=0):
    """Deploys a commit. Returns when it is over."""
    world.counter += 1
    number = world.counter
    environment = f"{service}-{region}" if service else region
    waits = world.random.uniform(5, 120)
    runs = world.random.uniform(60, 900)
    deployment = {
        "id": number, "sha": sha, "ref": "main", "task": "deploy", "environment": environment,
        "production_environment": "production" in region, "transient_environment": False,
        "created_at": stamp(at + skew), "updated_at": stamp(at + skew), "creator": {"login": "ada"}, "payload": {},
    }
    world.send(at, "deployment", repository, {"action": "created", "deployment": deployment})
    for state, when in [("in_progress", at + waits), ("failure" if fails else "success", at + waits + runs)]:
        status = {"id": number * 10 + len(state), "state": state, "environment": environment,
                  "created_at": stamp(when + skew), "updated_at": stamp(when + skew)}
        world.send(when, "deployment_status", repository,
                   {"action": "created", "deployment": deployment, "deployment_status": status})
    return at + waits + runs


def incident(world, repository, at, lasts):
    number = repository.number_item()
    issue = {
        "id": repository.number * 100_000 + number, "number": number, "title": f"Incident {number}", "body": "",
        "state": "open", "labels": [{"name": "incident"}], "user": {"login": "ada", "type": "User"},
        "created_at": stamp(at), "updated_at": stamp(at), "closed_at": None,
        "html_url": f"https://github.com/acme/{repository.name}/issues/{number}",
    }
    world.send(at, "issues", repository, {"action": "opened", "issue": issue})
    end = at + lasts
    closed = dict(issue, state="closed", closed_at=stamp(end), updated_at=stamp(end), state_reason="completed")
    world.send(end, "issues", repository, {"action": "closed", "issue": closed})


def play(seed, days):
    world = World(seed)
    for repository in world.repositories:
        start = world.commit(0, "begin", ["README"])
        repository.head = start["id"]
        world.push(1, repository, "main", None, [start], created=True)
        play_repository(world, repository, days)
    world.deliveries.sort(key=lambda entry: entry[:2])
    return [entry[2] for entry in world.deliveries]


def play_repository(world, repository, days):
    r = world.random
    skew = r.choice([0, 0, 180, -240])
    merges = []
    for day in range(days):
        # Weekends are quiet.
        for _ in range(r.choice([0, 1, 1, 2, 3]) if day % 7 < 5 else 0):
            merges.append(world.change(repository, day * 24 * HOUR + r.uniform(8, 18) * HOUR))
        if day % 7 < 5 and r.random() < 0.1:
            merges.append(world.direct(repository, day * 24 * HOUR + r.uniform(8, 18) * HOUR))
    merges.sort(key=lambda merge: merge.at)
    regions = ["production-eu", "production-us"]
    queue = merges
    busy_until = 2 * HOUR
    history = {service: [] for service in repository.services}
    while queue:
        merge = queue.pop(0)
        merge.at = max(merge.at, busy_until + 30)
        landed = merge.carry_out()
        at = merge.at + 60
        if merge.pull is not None and r.random() < 0.06:
            again = world.change(repository, at + r.uniform(0.5, 60) * HOUR, quick=True, method="squash", files=merge.files,
                                 title=f'Revert "{merge.pull["title"]}"', branch=f"revert-{merge.number}-{merge.branch}")
            queue.append(again)
            queue.sort(key=lambda entry: entry.at)
        if r.random() < 0.45:
            busy_until = at
            continue
        for service in repository.services:
            end = at
            is_first = not history[service]
            fails = not is_first and r.random() < 0.08
            for index, region in enumerate(["staging"] + regions):
                # The second region sometimes follows a day later, as a release of its own.
                end += 30 if index < 2 or r.random() < 0.9 else r.uniform(2, 4) * HOUR
                end = deploy(world, repository, service, region, landed, end, fails and region != "staging", skew)
            if not fails:
                history[service].append(landed)
            fate = r.random()
            if not fails and not is_first and fate < 0.08 and history[service][-2] != landed:
                # Back to the release before.
                end += r.uniform(0.3, 5) * HOUR
                for region in regions:
                    end = deploy(world, repository, service, region, history[service][-2], end + 20, False, skew)
                history[service].append(history[service][-2])
            elif not fails and fate < 0.16 and len(repository.services) == 1:
                incident(world, repository, end + r.uniform(0.2, 20) * HOUR, r.uniform(0.3, 30) * HOUR)
            elif not fails and fate < 0.22:
                fix = world.change(repository, end + r.uniform(0.3, 10) * HOUR, quick=True, labels=["hotfix"], method="squash",
                                   title="Fix what broke")
                queue.append(fix)
                queue.sort(key=lambda entry: entry.at)
            elif not fails and fate < 0.26:
                for region in regions:
                    end = deploy(world, repository, service, region, landed, end + 2 * HOUR, False, skew)
                history[service].append(landed)
            at = end + 10
        busy_until = at


if __name__ == "__main__":
    for delivery in play(int(sys.argv[1]), int(sys.argv[2])):
        print(json.dumps(delivery, separators=(",", ":")))
