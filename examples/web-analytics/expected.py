#!/usr/bin/env python3
"""Computes the expected rows of every view from the log lines alone."""
import collections
import decimal
import gzip
import json
import pathlib

here = pathlib.Path(__file__).parent
with gzip.open(here / "access.ndjson.gz", "rt", encoding="utf-8") as lines:
    requests = [json.loads(line) for line in lines]


def by(field):
    groups = collections.defaultdict(list)
    for request in requests:
        groups[field(request)].append(request["bytes"])
    return groups.items()


def key(*values):
    return json.dumps(values, separators=(",", ":"), ensure_ascii=False).encode()


def text(value):
    return json.dumps(value, ensure_ascii=False)


def mean(values):
    exact = decimal.Decimal(sum(values)) / len(values)
    shown = f"{exact.quantize(decimal.Decimal('0.000001'), decimal.ROUND_HALF_EVEN):f}"
    return shown.rstrip("0").rstrip(".")


def next_minute(minute):
    date, time = minute.split("T")
    hour, past = int(time[:2]), int(time[3:])
    assert (hour, past) != (23, 59), "a window that ends on the next day is not in the data"
    hour, past = (hour, past + 1) if past < 59 else (hour + 1, 0)
    return f"{date}T{hour:02}:{past:02}"


def write(view, rows):
    with open(here / "expected" / f"{view}.ndjson", "w", encoding="utf-8") as out:
        out.writelines(row + "\n" for row in rows)


def most_hits(groups):
    return sorted(groups, key=lambda group: (-len(group[1]), key(group[0])))[:10]


(here / "expected").mkdir(exist_ok=True)
write("status", (f'{{"status":{s},"hits":{len(b)},"bytes":{sum(b)}}}' for s, b in sorted(by(lambda r: r["status"]), key=lambda group: key(group[0]))))
write("per_minute", (
    f'{{"window_start":"{m}:00Z","window_end":"{next_minute(m)}:00Z","hits":{len(b)},"bytes":{sum(b)}}}'
    for m, b in sorted(by(lambda r: r["time"][:16]))))
write("paths", (f'{{"path":{text(p)},"hits":{len(b)}}}' for p, b in most_hits(by(lambda r: r["path"]))))
write("clients", (
    f'{{"client":{text(c)},"hits":{len(b)},"bytes":{sum(b)},"mean_bytes":{mean(b)}}}'
    for c, b in most_hits(by(lambda r: r["client"]))))
