"""A chat request through `ultra serve`, what each layer of it costs, and the same request through gateways that people could pick instead, all of
them in front of one fixed provider, loaded in turns: throughput, latency, CPU and memory."""
import glob
import os
import shutil
import statistics
import subprocess
import sys
import time

from machine import await_port, cpu_seconds, end, free_port, resident_mb, wrk
from rotation import place

# LiteLLM refuses to start without a key of its own, which its callers then carry.
LITELLM_KEY = "sk-bench-litellm"

NGINX = """worker_processes auto; daemon off; pid {dir}/nginx.pid; error_log /dev/null;
events {{ worker_connections 1024; }}
http {{
  access_log off; keepalive_requests 1000000000;
  client_body_temp_path {dir}; proxy_temp_path {dir}; fastcgi_temp_path {dir}; uwsgi_temp_path {dir}; scgi_temp_path {dir};
  upstream provider {{ server 127.0.0.1:{up}; keepalive 64; keepalive_requests 1000000000; }}
  server {{
    listen 127.0.0.1:{port};
    location / {{ proxy_pass http://provider; proxy_http_version 1.1; proxy_set_header Connection ""; proxy_buffering off; }}
  }}
}}
"""

LITELLM = """model_list:
  - model_name: gpt-4o-mini
    litellm_params: {{model: openai/gpt-4o-mini, api_base: "http://127.0.0.1:{up}/v1", api_key: sk-bench-upstream}}
general_settings: {{master_key: {key}}}
"""


class Target:
    """Something that answers chat requests: its process, where it listens, and what it wants to be sent."""

    def __init__(self, name, command, port, headers=None, seconds=10, **start):
        self.name, self.command, self.port, self.headers, self.seconds, self.start = name, command, port, headers or {}, seconds, start
        self.process = None

    def begin(self):
        quiet = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        self.process = subprocess.Popen(self.command, **(quiet | self.start))
        return self.process


def peers_home():
    return os.path.join(os.environ.get("XDG_CACHE_HOME", os.path.expanduser("~/.cache")), "ultra", "peers")


def peers(home, env, up):
    """Those that are installed; the others are named."""
    installed = peers_home()
    node = next(iter(glob.glob(os.path.join(installed, "node_modules/node-linux-*/bin/node"))), shutil.which("node"))
    portkey = os.path.join(installed, "portkey/node_modules/@portkey-ai/gateway/build/start-server.js")
    noveum = os.path.join(installed, "rust/bin/noveum-ai-gateway")
    litellm = os.path.join(installed, "litellm/bin/litellm")
    nginx = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")
    # It starts as root and works as somebody else.
    cwd = os.path.join(home, "peers")
    os.makedirs(cwd, exist_ok=True)
    os.chmod(cwd, 0o711)
    found = []
    if nginx:
        port = free_port()
        with open(os.path.join(cwd, "nginx.conf"), "w") as f:
            f.write(NGINX.format(dir=cwd, up=up, port=port))
        found.append(Target("nginx", [nginx, "-p", cwd, "-e", "/dev/null", "-c", f"{cwd}/nginx.conf"], port))
    if os.path.exists(noveum):
        port = free_port()
        found.append(Target("noveum-ai-gateway", [noveum], port, {"x-provider": "openai", "authorization": "Bearer sk-bench-upstream"}, cwd=cwd,
                            env=dict(env, OPENAI_BASE_URL=f"http://127.0.0.1:{up}/v1", PORT=str(port), HOST="127.0.0.1", RUST_LOG="error")))
    if node and os.path.exists(portkey):
        port = free_port()
        headers = {"x-portkey-provider": "openai", "x-portkey-custom-host": f"http://127.0.0.1:{up}/v1", "authorization": "Bearer sk-bench-upstream"}
        # It sends nothing to hosts that it was not told to trust.
        trusted = dict(env, TRUSTED_CUSTOM_HOSTS="127.0.0.1,localhost", NODE_ENV="production")
        found.append(Target("Portkey gateway", [node, portkey, f"--port={port}", "--headless"], port, headers, 60, cwd=cwd, env=trusted))
    if os.path.exists(litellm):
        port = free_port()
        with open(os.path.join(cwd, "litellm.yaml"), "w") as f:
            f.write(LITELLM.format(up=up, key=LITELLM_KEY))
        found.append(Target("LiteLLM proxy", [litellm, "--config", f"{cwd}/litellm.yaml", "--host", "127.0.0.1", "--port", str(port)], port,
                            {"authorization": f"Bearer {LITELLM_KEY}"}, 180, cwd=cwd, env=dict(env, LITELLM_LOCAL_MODEL_COST_MAP="True")))
    names = {target.name for target in found}
    for name in ("nginx", "noveum-ai-gateway", "Portkey gateway", "LiteLLM proxy"):
        if name not in names:
            print(f"SKIPPED: {name} is missing; scripts/setup bench-peers installs it")
    return found


def serving(ultra, home, env, up, name, *args, **vars):
    """A server of its own, with a store of its own."""
    port = free_port()
    machine = place(home, name, dict(env, OPENAI_API_KEY="sk-bench-upstream", OPENAI_BASE_URL=f"http://127.0.0.1:{up}/v1",
                                     ULTRA_RATE_LIMIT="100000000", ULTRA_LOG_FORMAT="json", **vars))
    log = open(os.path.join(machine["cwd"], "serve.log"), "w")
    return Target(name, [ultra, "serve", *args, "--port", str(port)], port, cwd=machine["cwd"], env=machine["env"], stderr=log)


class Rung:
    """What is measured in turns: requests of one kind at one target."""

    def __init__(self, name, target, stream=False, path="/v1/chat/completions", method="POST"):
        self.name, self.target, self.stream, self.path, self.method = name, target, stream, path, method
        self.samples = []

    def run(self, seconds, connections):
        pid = self.target.process.pid
        before = cpu_seconds(pid)
        url = f"http://127.0.0.1:{self.target.port}{self.path}"
        count, rate, quantile, bad = wrk(url, self.target.headers, seconds, connections, self.stream, self.method)
        spent = (cpu_seconds(pid) - before) / max(1, count) * 1e6
        return rate, quantile["50"], quantile["99"], spent, resident_mb(pid), bad

    def medians(self):
        return [statistics.median(sample[i] for sample in self.samples) for i in range(5)] + [sum(sample[5] for sample in self.samples)]


def table(rungs, base):
    print("\n| target | req/s | p50 ms | p99 ms | CPU µs/request | over the pass-through | RSS MB | no 2xx |")
    print("|---|---|---|---|---|---|---|---|")
    beneath = base.medians()[3]
    for rung in rungs:
        m = rung.medians()
        if not m[0]:
            print(f"| {rung.name} | no answer in time | | | | | {m[4]:.1f} | {m[5]} |")
            continue
        print(f"| {rung.name} | {m[0]:,.0f} | {m[1]:.2f} | {m[2]:.2f} | {m[3]:.1f} | {m[3] / beneath:.2f} | {m[4]:.1f} | {m[5]} |")


def gateways(ultra, rig, home, env, seconds, rounds, others=True, connections=16):
    """Prints two tables, plain and streamed; whether every answer was a 2xx."""
    up, passing = free_port(), free_port()
    provider = Target("upstream", [rig, "upstream", str(up)], up)
    bare = Target("pass", [rig, "pass", str(passing), f"http://127.0.0.1:{up}"], passing)
    whole = serving(ultra, home, env, up, "all-on", "--real")
    silent = serving(ultra, home, env, up, "no-access-log", "--real", RUST_LOG="error")
    mock = serving(ultra, home, env, up, "mock", "--mock", RUST_LOG="error")
    ours = [mock, silent, whole] if others else [whole]
    theirs = peers(home, env, up) if others else []
    processes = []
    try:
        for target in [provider, bare, *ours, *theirs]:
            processes.append(target.begin())
            await_port(target.port, target.process, target.seconds)
        time.sleep(1)
        idle = resident_mb(whole.process.pid)
        for target in ours:
            with open(os.path.join(target.start["cwd"], ".ultra", "dev-key")) as f:
                target.headers["authorization"] = f"Bearer {f.read().strip()}"
        # What our own layers cost, each with those before it; the product has no switch for any but the access log.
        layers = [
            Rung("`ultra serve`: HTTP alone (`/api/health/live`)", silent, path="/api/health/live", method="GET"),
            Rung("+ identity and limits (`/api/auth/me`)", silent, path="/api/auth/me", method="GET"),
            Rung("+ a chat request, usage and metrics, mode mock, no access log", mock),
            Rung("+ a provider, no access log", silent),
        ] if others else []
        plain = [Rung("the provider itself", provider), Rung("bare pass-through", bare), *layers, Rung("`ultra serve`, everything on", whole)]
        streamed = [Rung("the provider itself", provider, True), Rung("bare pass-through", bare, True), Rung("`ultra serve`, everything on", whole, True)]
        for target in theirs:
            plain.append(Rung(target.name, target))
            streamed.append(Rung(target.name, target, True))
        for turn in range(rounds + 1):
            for rung in plain + streamed:
                sample = rung.run(1 if turn == 0 else seconds, connections)
                if turn > 0:
                    rung.samples.append(sample)
        print(f"\n{connections} connections, medians of {rounds} rounds of {seconds} s; plain:")
        table(plain, plain[1])
        print("\nstreams of 22 events:")
        table(streamed, streamed[1])
        print(f"\nresident memory of `ultra serve` when idle: {idle:.1f} MB")
        bad = [rung.name for rung in plain + streamed if rung.target in (provider, bare, *ours) and rung.medians()[5]]
        for name in bad:
            print(f"WRONG: answers of {name} were no 2xx", file=sys.stderr)
        return not bad
    finally:
        end(processes)
