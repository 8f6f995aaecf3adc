"""The aggregate of `vsperf agg pull-request` by week, as other programs compute it.

    aggregate.py time PROGRAM ...             runs a program; prints seconds (its own, if it prints some), seconds of processor,
                                              and peak memory in KB
    aggregate.py duckdb|polars FILE OUT N     computes it on N threads; prints the seconds that took, without the start of Python
    aggregate.py compare LEFT RIGHT           says where two reports differ by more than the rounding of a sum

The files are comma-separated values with the columns of Docs/cli/agg.md.
"""

import csv
import os
import sys
import time

COLUMNS = (
    "Key,Interval,Owner,Repo,TotalPullRequests,NumMerged,MergeRatio,AvgTotalLinesChanged,AvgDurationHours,"
    "AvgDurationSecondsPerLine,AvgDurationSecondsPerComment"
).split(",")


def run_and_measure(command):
    reading, writing = os.pipe()
    start = time.monotonic()
    process = os.posix_spawnp(command[0], command, os.environ, file_actions=[(os.POSIX_SPAWN_DUP2, writing, 1)])
    _, status, usage = os.wait4(process, 0)
    seconds = time.monotonic() - start
    os.close(writing)
    printed = os.read(reading, 100)
    if printed:
        seconds = float(printed)
    if status != 0:
        sys.exit(f"{command[0]} ended with {os.waitstatus_to_exitcode(status)}")
    print(f"{seconds:.4f} {usage.ru_utime + usage.ru_stime:.4f} {usage.ru_maxrss}")


def with_duckdb(path, out, threads):
    import duckdb

    database = duckdb.connect(config={"threads": threads})
    start = time.monotonic()
    database.execute(
        """
        COPY (
          SELECT concat(year, '|', week, '_', owner, '|', repo) AS Key, concat(year, '|', week) AS Interval, owner AS Owner,
            repo AS Repo, count(*) AS TotalPullRequests, count(*) FILTER (merged) AS NumMerged,
            round(avg(merged::INT), 2) AS MergeRatio, avg(coalesce(total_changes, 0)) AS AvgTotalLinesChanged,
            avg(coalesce(duration, 0)) / 3600 AS AvgDurationHours, avg(coalesce(duration_per_line, 0)) AS AvgDurationSecondsPerLine,
            avg(coalesce(duration_per_comment, 0)) AS AvgDurationSecondsPerComment
          FROM (SELECT *, isoyear(created_at) AS year, week(created_at) AS week FROM read_csv(?, header = true))
          GROUP BY year, week, owner, repo ORDER BY year, week, owner, repo
        ) TO '%s' (HEADER, DELIMITER ',')
        """
        % out.replace("'", "''"),
        [path],
    )
    print(f"{time.monotonic() - start:.4f}")


def with_polars(path, out, threads):
    os.environ["POLARS_MAX_THREADS"] = str(threads)
    import polars

    def mean(column):
        return polars.col(column).fill_null(0).mean()

    start = time.monotonic()
    day = polars.col("created_at").str.slice(0, 10).str.to_date("%Y-%m-%d")
    report = (
        polars.scan_csv(path)
        .with_columns(year=day.dt.iso_year(), week=day.dt.week())
        .group_by("year", "week", "owner", "repo")
        .agg(
            TotalPullRequests=polars.len(),
            NumMerged=polars.col("merged").sum(),
            MergeRatio=polars.col("merged").mean().round(2),
            AvgTotalLinesChanged=mean("total_changes"),
            AvgDurationHours=mean("duration") / 3600,
            AvgDurationSecondsPerLine=mean("duration_per_line"),
            AvgDurationSecondsPerComment=mean("duration_per_comment"),
        )
        .sort("year", "week", "owner", "repo")
        .with_columns(Interval=polars.format("{}|{}", "year", "week"), Owner="owner", Repo="repo")
        .with_columns(Key=polars.format("{}_{}|{}", "Interval", "Owner", "Repo"))
        .select(COLUMNS)
        .collect(engine="streaming")
    )
    report.write_csv(out)
    print(f"{time.monotonic() - start:.4f}")


def compare(left, right):
    with open(left, newline="") as first, open(right, newline="") as second:
        ours, theirs = list(csv.DictReader(first)), list(csv.DictReader(second))
    if len(ours) != len(theirs):
        sys.exit(f"{left} has {len(ours)} rows, {right} {len(theirs)}")
    for mine, other in zip(ours, theirs):
        for name in COLUMNS:
            a, b = mine[name], other[name]
            # A ratio that lies half-way may be rounded either way.
            tolerance = 0.0101 if name == "MergeRatio" else 1e-9 * max(1.0, abs(float(a)) if name.startswith("Avg") else 1.0)
            is_same = abs(float(a) - float(b)) <= tolerance if name[:3] in ("Avg", "Mer") else a == b
            if not is_same:
                sys.exit(f"{mine['Key']}: {name} is {a} in {left}, {b} in {right}")


if __name__ == "__main__":
    task, arguments = sys.argv[1], sys.argv[2:]
    if task == "time":
        run_and_measure(arguments)
    elif task == "compare":
        compare(*arguments)
    else:
        {"duckdb": with_duckdb, "polars": with_polars}[task](arguments[0], arguments[1], int(arguments[2]))
