#!/usr/bin/env python3
"""Computes the expected rows of every view from the votes alone, and checks the points against the official table."""
import collections
import csv
import decimal
import gzip
import json
import pathlib

here = pathlib.Path(__file__).parent
with gzip.open(here / "votes.ndjson.gz", "rt", encoding="utf-8") as lines:
    votes = [json.loads(line) for line in lines]

points = collections.Counter()
friends = collections.defaultdict(list)
twelves = collections.Counter()
for vote in votes:
    points[vote["year"], vote["to"]] += vote["points"]
    friends[vote["from"], vote["to"]].append(vote["points"])
    twelves[vote["to"]] += vote["points"] == 12

with open(here / "official.csv", encoding="utf-8", newline="") as table:
    official = {(int(row["year"]), row["to"]): int(row["points"]) for row in csv.DictReader(table)}
assert points == official, "the votes do not add up to the official table"


def key(*values):
    return json.dumps(values, separators=(",", ":"), ensure_ascii=False)


def mean(values):
    exact = decimal.Decimal(sum(values)) / len(values)
    text = f"{exact.quantize(decimal.Decimal('0.000001'), decimal.ROUND_HALF_EVEN):f}"
    return text.rstrip("0").rstrip(".")


def write(view, rows):
    with open(here / "expected" / f"{view}.ndjson", "w", encoding="utf-8") as out:
        out.writelines(row + "\n" for row in rows)


(here / "expected").mkdir(exist_ok=True)
write("douze_points", (f'{{"to":"{to}","twelves":{n}}}' for to, n in sorted(twelves.items(), key=lambda item: (-item[1], key(item[0]).encode()))[:10]))
write("friends", (
    f'{{"from":"{a}","to":"{b}","points":{sum(given)},"mean":{mean(given)}}}'
    for (a, b), given in sorted(friends.items(), key=lambda item: (-sum(item[1]), key(*item[0]).encode()))
    if sum(given) >= 200))
