"""The report of a year: a million rows of usage in the embedded store, as a server of a version before the sums by day left them; how long the
first report takes, which sums them up, and every later one, beside the same sums from the rows in SQLite alone."""
import datetime
import json
import os
import random
import sqlite3
import statistics
import sys
import time

from rotation import call, place

DAYS, KEYS = 365, 20
MODELS = [("openai", "gpt-4o"), ("openai", "gpt-4o-mini"), ("openai", "gpt-4.1"), ("openai", "gpt-4.1-mini"), ("anthropic", "claude-opus-4-5"),
          ("anthropic", "claude-sonnet-4-5"), ("anthropic", "claude-haiku-4-5"), ("google", "gemini-2.5-flash")]
COLUMNS = ("id", "at", "request_id", "key_id", "api", "model", "provider", "upstream_model", "mode", "outcome", "status", "attempt", "streamed",
           "input_tokens", "output_tokens", "latency_ms", "cost_nano_usd", "price_version")
SUMS = "count(*), sum(input_tokens), sum(output_tokens), sum(cost_nano_usd)"


def fill(path, count, now):
    """So many rows of the year before now."""
    draw = random.Random(1)
    year = DAYS * 86_400_000_000

    def one(n):
        at = now - year + n * (year // count)
        # Version 7: ids follow the time, as those of the server do.
        name = (at // 1000) << 80 | 7 << 76 | draw.getrandbits(12) << 64 | 2 << 62 | draw.getrandbits(62)
        provider, model = MODELS[draw.randrange(len(MODELS))]
        told, said = draw.randrange(1, 4000), draw.randrange(1, 1000)
        return (name.to_bytes(16, "big"), at, f"req_{n}", f"key-{draw.randrange(KEYS):02}", "chat", model, provider,
                model, "real", "ok", 200, 1, n & 1, told, said, draw.randrange(200, 9000), told * 150 + said * 600, "2026-11")

    with sqlite3.connect(path) as store:
        store.executemany(f"INSERT INTO usage ({', '.join(COLUMNS)}) VALUES ({', '.join('?' * len(COLUMNS))})", map(one, range(count)))
    store.close()


def timed(work):
    begun = time.monotonic()
    done = work()
    return time.monotonic() - begun, done


def usage(ultra, home, env, count=1_000_000, runs=5):
    """Prints how long reports take; whether their sums are those of the rows."""
    machine = place(home, "usage", env)
    call(ultra, machine, "db", "migrate", "--yes")
    path = json.loads(call(ultra, machine, "db", "status", "-o", "json"))["location"]
    now = int(time.time() * 1e6)
    fill(path, count, now)
    print(f"\n{count:,} rows of {DAYS} days, {KEYS} keys, {len(MODELS)} models: a store of {os.path.getsize(path) / 1e6:.0f} MB\n")
    print("| what | s |\n|---|---|")
    # From a day before the first row on: all of them.
    since = datetime.datetime.fromtimestamp(now / 1e6 - (DAYS + 1) * 86_400, datetime.timezone.utc).strftime("%Y-%m-%d")
    ask = lambda by, since=since: json.loads(call(ultra, machine, "usage", "report", "--by", by, "--since", since, "-o", "json"))
    print(f"| the first report, which sums up {count:,} rows of an older version | {timed(lambda: ask('model'))[0]:.2f} |")
    for by in ("model", "key", "day"):
        took = statistics.median(timed(lambda: ask(by, f"{DAYS - 1}d"))[0] for _ in range(runs))
        print(f"| `ultra usage report --by {by} --since {DAYS - 1}d` | {took:.2f} |")
    store = sqlite3.connect(path)
    raw = lambda: store.execute(f"SELECT model, {SUMS} FROM usage GROUP BY model ORDER BY model").fetchall()
    took = statistics.median(timed(raw)[0] for _ in range(3))
    print(f"| the same sums from the rows themselves, in SQLite alone | {took:.2f} |")
    expected = {model: tuple(sums) for model, *sums in raw()}
    store.close()
    told = {row["group"]: (row["attempts"], row["input_tokens"], row["output_tokens"], row["cost_nano_usd"]) for row in ask("model")["rows"]}
    if told != expected:
        print(f"WRONG: the report says {told}, the rows are {expected}", file=sys.stderr)
    return told == expected
