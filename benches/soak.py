"""A long run at a moderate rate: whether memory, open files and threads stay what they are, and every request ends as it must, while a
provider fails and clients go away."""
import json
import os
import re
import statistics
import subprocess
import sys
import time

from machine import await_port, cpu_seconds, end, free_port
from rotation import await_line, place, rows, tell

EVERY = 5
# Megabytes an hour: what pages that the allocator gives back late make of a flat line in half an hour.
SLOPE = 4.0
# Below this there is no telling growth from warming up.
SHORTEST = 600
# Open files and threads that may be there after the load and were not before it: those of the store, and of work that blocks.
SPARE = {"fds": 16, "threads": 8}


def sample(pid):
    """Megabytes in all and of its own, open files, threads."""
    with open(f"/proc/{pid}/status") as f:
        status = dict(re.findall(r"(\w+):\s+(\d+)", f.read()))
    return {"rss": int(status["VmRSS"]) / 1024, "anon": int(status["RssAnon"]) / 1024, "fds": len(os.listdir(f"/proc/{pid}/fd")),
            "threads": int(status["Threads"])}


def slope(samples, field):
    """Per hour, by least squares."""
    if len(samples) < 3:
        return 0.0
    return statistics.linear_regression([s["at"] / 3600 for s in samples], [s[field] for s in samples]).slope


def typical(samples, field):
    """The median of the slopes of stretches of three minutes: what grows all the time shows in each, what piled up once in one."""
    size = 180 // EVERY
    return statistics.median([slope(samples[n:n + size], field) for n in range(0, max(1, len(samples) - size + 1), size)])


def is_calm(samples):
    """Whether there were never many more connections than usual, as there are if the machine has other things to do."""
    fds = [s["fds"] for s in samples]
    return max(fds) <= 3 * statistics.median(fds)


def left(pid, first):
    """What is there once the load is gone: connections that are kept for later close within two minutes."""
    for _ in range(120):
        now = sample(pid)
        if all(now[field] <= first[field] + spare for field, spare in SPARE.items()):
            break
        time.sleep(1)
    return now


def soak(ultra, rig, home, env, rate, seconds, trace=None):
    """Prints what a server took from its start to its end; whether all was well."""
    port = free_port()
    env = dict(env, OPENAI_API_KEY="sk-bench-upstream", OPENAI_BASE_URL=f"http://127.0.0.1:{port}/v1", ANTHROPIC_API_KEY="sk-ant-bench-upstream",
               ANTHROPIC_BASE_URL=f"http://127.0.0.1:{port}", ULTRA_RATE_LIMIT="100000000", ULTRA_LOG_FORMAT="json")
    machine = place(home, "soak", env)
    processes = []
    try:
        provider = subprocess.Popen([rig, "families", str(port)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        processes.append(provider)
        await_port(port, provider)
        # Nobody keeps the log of a million requests.
        server = subprocess.Popen([ultra, "serve", "--real", "--port", "auto", "-o", "json"], cwd=machine["cwd"], env=env, stdout=subprocess.PIPE,
                                  stderr=subprocess.DEVNULL, text=True)
        processes.append(server)
        addr = await_line(server, "ultra serve")
        with open(os.path.join(machine["cwd"], ".ultra", "dev-key")) as f:
            key = f.read().strip()
        time.sleep(1)
        begin, before = time.monotonic(), cpu_seconds(server.pid)
        samples = [dict(sample(server.pid), at=0.0)]
        load = subprocess.Popen([rig, "mixed", str(rate), str(seconds), addr], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        processes.append(load)
        tell(load, key)
        while load.poll() is None:
            time.sleep(EVERY)
            if server.poll() is not None:
                sys.exit(f"the server ended with {server.returncode}")
            samples.append(dict(sample(server.pid), at=time.monotonic() - begin))
            if trace:
                with open(trace, "a") as f:
                    f.write(json.dumps(samples[-1]) + "\n")
        spent = cpu_seconds(server.pid) - before
        after = left(server.pid, samples[0])
        tally = json.loads(load.stdout.readline())
        tell(provider, "log")
        asked = json.loads(provider.stdout.readline())["asked"]
        stored = rows(ultra, machine, asked)
        return report(samples, after, tally, asked, stored, spent, rate, seconds)
    finally:
        end(processes)


def report(samples, after, tally, asked, stored, spent, rate, seconds):
    tail = samples[len(samples) // 3:]
    rise, mostly, calm = slope(tail, "rss"), typical(tail, "rss"), is_calm(tail)
    last = samples[-2] if len(samples) > 2 else samples[-1]
    wrong = []
    if tally["failed"]:
        wrong.append(f"{tally['failed']} requests ended as they must not: {json.dumps(tally['failures'], indent=1)}")
    if stored != asked:
        wrong.append(f"the provider was asked {asked} times, the store has {stored} rows of usage")
    if seconds >= SHORTEST and (rise if calm else mostly) > SLOPE:
        wrong.append(f"resident memory grows by {rise if calm else mostly:.1f} MB an hour, the bound is {SLOPE:.1f}")
    for field, spare in SPARE.items():
        if after[field] > samples[0][field] + spare:
            wrong.append(f"{field}: {samples[0][field]} before the load, {after[field]} two minutes after it")
    print(f"\n{seconds / 60:.0f} minutes at {rate} requests/s, both families, half of them streams: {json.dumps(tally['ended'])}\n")
    print("| requests | not as they must | rows lost | RSS MB at first | after a minute | most | at last | slope MB/h | three minutes' slope, median | open files | threads | plain p50 ms | p99 "
          "| CPU µs/request |")
    print("|---|---|---|---|---|---|---|---|---|---|---|---|---|---|")
    minute = min(samples, key=lambda s: abs(s["at"] - 60))
    span = [f"{samples[0][f]}, {max(s[f] for s in samples)}, {after[f]}" for f in ("fds", "threads")]
    print(f"| {tally['sent']:,} | {tally['failed']} | {asked - stored} | {samples[0]['rss']:.1f} | {minute['rss']:.1f} | {max(s['rss'] for s in samples):.1f} | {last['rss']:.1f} "
          f"| {rise:+.2f} | {mostly:+.2f} | {span[0]} | {span[1]} | {tally['plain']['p50'] or 0:.2f} | {tally['plain']['p99'] or 0:.2f} "
          f"| {spent / max(1, tally['sent']) * 1e6:.0f} |")
    print("\nopen files and threads: before the load, most, after it; the slope is that of the last two thirds"
          + ("" if calm else "; requests piled up, so the median of three minutes is judged")
          + ("" if seconds >= SHORTEST else f"; it is not judged in less than {SHORTEST // 60} minutes"))
    for problem in wrong:
        print(f"WRONG: {problem}", file=sys.stderr)
    return not wrong
