"""What a gateway adds to a request: an open loop at a constant rate, straight to the provider, through the bare pass-through and through
`ultra serve` with everything on, in turns. Every byte of every answer is compared with the provider's."""
import json
import os
import statistics
import subprocess
import sys
import time

from machine import await_port, end, free_port
from rotation import await_line, place, tell

# Milliseconds that `ultra serve` may add, and what is aimed at.
BOUND, AIM = 1.0, 0.5


def load(rig, addr, key, rate, seconds):
    run = subprocess.Popen([rig, "load", str(rate), str(seconds), addr], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        tell(run, f"key {key}")
        tell(run, f"token {key}")
        return json.loads(run.stdout.readline())
    finally:
        end([run])


def added(ultra, rig, home, env, rate, seconds, rounds):
    """Prints what each arm adds over the direct one; whether every answer was whole, and the provider's to the byte."""
    up, passing = free_port(), free_port()
    env = dict(env, OPENAI_API_KEY="sk-bench-upstream", OPENAI_BASE_URL=f"http://127.0.0.1:{up}/v1", ULTRA_RATE_LIMIT="100000000",
               ULTRA_LOG_FORMAT="json")
    machine = place(home, "added", env)
    processes = []
    try:
        for command, port in (["upstream", str(up)], up), (["pass", str(passing), f"http://127.0.0.1:{up}"], passing):
            processes.append(subprocess.Popen([rig, *command]))
            await_port(port, processes[-1])
        with open(os.path.join(machine["cwd"], "serve.log"), "w") as log:
            server = subprocess.Popen([ultra, "serve", "--real", "--port", "auto", "-o", "json"], cwd=machine["cwd"], env=env,
                                      stdout=subprocess.PIPE, stderr=log, text=True)
        processes.append(server)
        arms = {"direct": f"127.0.0.1:{up}", "bare pass-through": f"127.0.0.1:{passing}", "`ultra serve`": await_line(server, "ultra serve")}
        with open(os.path.join(machine["cwd"], ".ultra", "dev-key")) as f:
            key = f.read().strip()
        time.sleep(1)
        tallies = {name: [] for name in arms}
        for turn in range(rounds + 1):
            for name, addr in arms.items():
                tally = load(rig, addr, key, rate, 2 if turn == 0 else seconds)
                if turn > 0 or tally["failed"]:
                    tallies[name].append(tally)
        return report(tallies, rate)
    finally:
        end(processes)


def report(tallies, rate):
    figures = [("plain", "p50"), ("plain", "p99"), ("first", "p50"), ("first", "p99")]
    of = lambda tally, figure: tally[figure[0]][figure[1]] or 0.0  # none if nothing was answered
    direct = {f: [of(t, f) for t in tallies["direct"]] for f in figures}
    print(f"\n{rate:,} requests/s, half of them streams; medians of {len(tallies['direct'])} rounds and, in brackets, their least and greatest\n")
    print("| ms | requests | not the provider's bytes, or none | plain p50 | plain p99 | first event p50 | first event p99 | the load behind, p99 |")
    print("|---|---|---|---|---|---|---|---|")
    right = True
    for name, rows in tallies.items():
        cells = []
        for figure in figures:
            over = [of(t, figure) - (base if name != "direct" else 0) for t, base in zip(rows, direct[figure])]
            sign = "" if name == "direct" else "+"
            cells.append(f"{statistics.median(over):{sign}.2f} ({min(over):{sign}.2f} to {max(over):{sign}.2f})")
        failed = sum(t["failed"] for t in rows)
        behind = statistics.median(t["behind"]["p99"] for t in rows)
        print(f"| {name}{'' if name == 'direct' else ', added'} | {sum(t['sent'] for t in rows):,} | {failed} | {' | '.join(cells)} | {behind:.2f} |")
        if failed:
            right = False
            first = next(t["failures"] for t in rows if t["failed"])
            print(f"WRONG: {failed} answers of {name} are not the provider's to the byte: {json.dumps(first, indent=1)}", file=sys.stderr)
    for figure, what in ((("plain", "p99"), "p99 of plain answers"), (("first", "p99"), "p99 of the first event")):
        over = statistics.median(of(t, figure) - base for t, base in zip(tallies["`ultra serve`"], direct[figure]))
        verdict = "reaches the aim" if over <= AIM else "holds" if over <= BOUND else "DOES NOT HOLD"
        print(f"\nadded {what}: {over:+.2f} ms; the bound of {BOUND:.1f} ms (aim {AIM:.1f}) {verdict}")
    return right
