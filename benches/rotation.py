"""Rotations under full load: two servers with one PostgreSQL and nothing else in common, a constant rate of requests, half of them
streams, half with access tokens, while the provider's key and the key that signs tokens are rotated three times each."""
import contextlib
import glob
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request

from machine import cpu_seconds, end, free_port

KEYS = [f"sk-bench-rotation-{n}" for n in range(4)]


def call(ultra, place, *args, stdin=""):
    """What a command prints; the benchmark ends if it fails."""
    done = subprocess.run([ultra, *args], cwd=place["cwd"], env=place["env"], input=stdin, capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"ultra {' '.join(args)} ended with {done.returncode}\n{done.stdout}{done.stderr}")
    return done.stdout


@contextlib.contextmanager
def postgres(port):
    """A cluster of its own; yields the URL of an empty database, or nothing if PostgreSQL is not installed."""
    found = sorted(glob.glob("/usr/lib/postgresql/*/bin/initdb"))
    if not found:
        yield None
        return
    programs = os.path.dirname(found[-1])
    data = tempfile.mkdtemp(prefix="ultra-bench-pg-")
    # It refuses to run as root.
    user = {"user": "postgres", "group": "postgres", "extra_groups": []} if os.geteuid() == 0 else {}
    if user:
        shutil.chown(data, "postgres", "postgres")
    try:
        subprocess.run([f"{programs}/initdb", "-U", "ultra", "-A", "trust", "-E", "UTF8", "--no-locale", "-D", data], check=True, cwd=data,
                       stdout=subprocess.DEVNULL, **user)
        server = subprocess.Popen([f"{programs}/postgres", "-D", data, "-p", str(port), "-k", data, "-c", "listen_addresses=127.0.0.1"],
                                  cwd=data, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, **user)
        try:
            for _ in range(600):
                if subprocess.run([f"{programs}/pg_isready", "-q", "-h", "127.0.0.1", "-p", str(port)], cwd=data).returncode == 0:
                    break
                time.sleep(0.1)
            else:
                sys.exit("PostgreSQL did not start")
            yield f"postgres://ultra@127.0.0.1:{port}/postgres"
        finally:
            server.send_signal(signal.SIGINT)
            server.wait(60)
    finally:
        shutil.rmtree(data, ignore_errors=True)


def place(home, name, env):
    """A machine: a root of its own."""
    cwd = os.path.join(home, name)
    os.makedirs(cwd)
    return {"cwd": cwd, "env": env}


def await_line(process, what):
    """The line that tells the address of a server."""
    line = process.stdout.readline()
    if not line:
        sys.exit(f"{what} did not start")
    return json.loads(line)["addr"]


def tell(process, line):
    process.stdin.write(line + "\n")
    process.stdin.flush()


def serving(ultra, machine, processes):
    """Starts a server; its process and address."""
    with open(os.path.join(machine["cwd"], "serve.log"), "w") as log:
        process = subprocess.Popen([ultra, "serve", "--real", "--port", "auto", "-o", "json"], cwd=machine["cwd"], env=machine["env"],
                                   stdout=subprocess.PIPE, stderr=log, text=True)
    processes.append(process)
    return process, await_line(process, "ultra serve")


def furnish(ultra, cli, provider):
    """A first key of each kind, a service key and a first token."""
    if "DATABASE_URL" in cli["env"]:
        call(ultra, cli, "db", "migrate", "--yes")
    tell(provider, f"accept {KEYS[0]}")
    call(ultra, cli, "keys", "set", "openai", stdin=KEYS[0] + "\n")
    call(ultra, cli, "keys", "set", "jwt", "--generate")
    return call(ultra, cli, "auth", "service-key", "create", "load", "--scope", "write").strip(), token(ultra, cli)


def token(ultra, cli):
    return call(ultra, cli, "auth", "token", "create", "--scope", "read,write", "--ttl", "1h").strip()


def known(addrs, credential):
    """Waits until every server lets the caller in."""
    for addr in addrs:
        request = urllib.request.Request(f"http://{addr}/api/auth/me", headers={"authorization": f"Bearer {credential}"})
        for attempt in range(300):
            try:
                urllib.request.urlopen(request, timeout=20).read()
                break
            except urllib.error.HTTPError as refused:
                if attempt == 299:
                    sys.exit(f"{addr} does not know the caller: {refused}")
                time.sleep(0.1)


def rotations(ultra, cli, provider, load, seconds):
    """Three rotations of each key, spread over the run; when each key of the provider was out of use, and how long commands took."""
    begin, cuts, took = time.time(), {}, []
    for n, (old, new) in enumerate(zip(KEYS, KEYS[1:])):
        for half, name in ((0, "openai"), (1, "jwt")):
            due = begin + seconds * (2 * n + half + 0.5) / 6.5
            time.sleep(max(0.0, due - time.time()))
            tell(load, f"token {token(ultra, cli)}")
            if name == "openai":
                tell(provider, f"accept {new}")
            started = time.time()
            call(ultra, cli, "keys", "rotate", name, stdin=new + "\n" if name == "openai" else "")
            ended = time.time()
            took.append(ended - started)
            if name == "openai":
                cuts[old] = int(ended * 1_000_000)
                tell(provider, f"refuse {old}")
            # One that the new key signs, accepted at once.
            tell(load, f"token {token(ultra, cli)}")
    return cuts, took


def rows(ultra, cli, wanted):
    """The rows of usage in the store, once they are as many as wanted or no more come."""
    last, since = -1, time.time()
    while True:
        found = json.loads(call(ultra, cli, "db", "status", "-o", "json"))["usage"]["rows"]
        if found >= wanted or time.time() - since > 30:
            return found
        if found != last:
            last, since = found, time.time()
        time.sleep(0.5)


def rotation(ultra, rig, home, env, rate, seconds, servers):
    """Prints what became of every request; whether all was well."""
    processes = []
    with postgres(free_port()) as store:
        port = free_port()
        env = dict(env, OPENAI_BASE_URL=f"http://127.0.0.1:{port}/v1", ULTRA_VAULT_IDENTITY_FILE=os.path.join(home, "identity"),
                   ULTRA_RATE_LIMIT="100000000", ULTRA_LOG_FORMAT="json")
        if store:
            env["DATABASE_URL"] = store
        cli = place(home, "cli", env)
        if store:
            machines = [place(home, f"machine-{n}", env) for n in range(servers)]
        else:
            print("\nPostgreSQL is not installed: one server, which sees the vault itself")
            machines = [cli]
        try:
            provider = subprocess.Popen([rig, "keyed", str(port)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
            processes.append(provider)
            key, first = furnish(ultra, cli, provider)
            started = [serving(ultra, machine, processes) for machine in machines]
            addrs = [addr for _, addr in started]
            known(addrs, key)
            known(addrs, first)
            before = [cpu_seconds(process.pid) for process, _ in started]
            load = subprocess.Popen([rig, "load", str(rate), str(seconds), *addrs], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
            processes.append(load)
            tell(load, f"key {key}")
            tell(load, f"token {first}")
            cuts, took = rotations(ultra, cli, provider, load, seconds)
            if load.poll() is not None:
                sys.exit("the load ended before the last rotation: give it more seconds")
            tally = json.loads(load.stdout.readline())
            spent = sum(cpu_seconds(process.pid) for process, _ in started) - sum(before)
            tell(provider, "log")
            seen = json.loads(provider.stdout.readline())
            stored = rows(ultra, cli, tally["sent"])
            return report(tally, seen, cuts, took, stored, spent, machines, bool(store))
        finally:
            end(processes)


def report(tally, seen, cuts, took, stored, spent, machines, shared):
    asked = sum(key["answered"] for key in seen.values())
    late = {old: seen[old]["last"] - cut for old, cut in cuts.items() if seen.get(old, {"last": 0})["last"] > cut}
    wrong = []
    if tally["failed"]:
        wrong.append(f"{tally['failed']} requests failed: {json.dumps(tally['failures'], indent=1)}")
    if late:
        wrong.append(f"old keys were used after the cut, by so many µs: {late}")
    if refused := sum(key["refused"] for key in seen.values()):
        wrong.append(f"the provider refused {refused} requests")
    if asked != tally["sent"]:
        wrong.append(f"{tally['sent']} requests were sent, the provider saw {asked}")
    if stored != tally["sent"]:
        wrong.append(f"{tally['sent']} requests were sent, the store has {stored} rows of usage")
    print(f"\n{len(machines)} servers, {'one PostgreSQL' if shared else 'SQLite'}; 3 + 3 rotations, of {min(took):.1f} to {max(took):.1f} s each\n")
    print("| requests | with a token | failed | old key after the cut | rows lost | plain p50 ms | p99 | first event p50 ms | p99 | CPU µs/request |")
    print("|---|---|---|---|---|---|---|---|---|---|")
    plain, first = tally["plain"], tally["first"]
    print(f"| {tally['sent']:,} | {tally['tokens']:,} | {tally['failed']} | {len(late)} | {tally['sent'] - stored} | {plain['p50']:.2f} | {plain['p99']:.2f} "
          f"| {first['p50']:.2f} | {first['p99']:.2f} | {spent / max(1, tally['sent']) * 1e6:.0f} |")
    behind = tally["behind"]
    print(f"\nthe load itself was behind by {behind['p50']:.2f} ms (p50), {behind['p99']:.2f} (p99), {behind['max']:.2f} (most)")
    for problem in wrong:
        print(f"WRONG: {problem}", file=sys.stderr)
    return not wrong
