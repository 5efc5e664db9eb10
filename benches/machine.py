"""What every part needs: free ports, processes and what they take, and wrk."""
import contextlib
import os
import re
import signal
import socket
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
TICKS = os.sysconf("SC_CLK_TCK")


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def tree(pid):
    """A process and all that it started and that are still there."""
    found, left = [], [pid]
    while left:
        found.append(left.pop())
        with contextlib.suppress(OSError):
            for task in os.listdir(f"/proc/{found[-1]}/task"):
                with open(f"/proc/{found[-1]}/task/{task}/children") as f:
                    left.extend(int(child) for child in f.read().split())
    return found


def cpu_seconds(pid):
    """Of the process and its children, in user space and in the kernel."""
    total = 0
    for one in tree(pid):
        with contextlib.suppress(OSError), open(f"/proc/{one}/stat") as f:
            fields = f.read().rsplit(")", 1)[1].split()
            total += int(fields[11]) + int(fields[12])
    return total / TICKS


def resident_mb(pid):
    """Of the process and its children."""
    total = 0
    for one in tree(pid):
        with contextlib.suppress(OSError), open(f"/proc/{one}/status") as f:
            if found := re.search(r"VmRSS:\s+(\d+)", f.read()):
                total += int(found.group(1))
    return total / 1024


def await_port(port, process, seconds=10):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if process.poll() is not None:
            sys.exit(f"a process of the rig ended with {process.returncode}")
        with socket.socket() as s:
            if s.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.02)
    sys.exit(f"nothing listens on port {port}")


def end(processes):
    """Ends them, the last one first, and waits."""
    for process in reversed(processes):
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
    for process in reversed(processes):
        try:
            process.wait(60)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(60)


def wrk(url, headers, seconds, connections=16, stream=False, method="POST"):
    """Requests, requests per second, milliseconds by share of requests, and how many answers were no 2xx."""
    env = dict(os.environ, BENCH_METHOD=method, BENCH_HEADERS="\n".join(f"{name}: {value}" for name, value in headers.items()))
    if stream:
        env["BENCH_STREAM"] = "1"
    run = subprocess.run(["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--latency", "-s", f"{HERE}/chat.lua", url],
                         capture_output=True, text=True, check=True, env=env)
    unit = {"us": 0.001, "ms": 1.0, "s": 1000.0}
    quantile = {q: float(v) * unit[u] for q, v, u in re.findall(r"(50|99)%\s+([\d.]+)(us|ms|s)", run.stdout)}
    # Sockets that broke or timed out are no answers either.
    bad = sum(int(n) for n in re.findall(r"(?:Non-2xx or 3xx responses: |connect |read |write |timeout )(\d+)", run.stdout))
    return int(re.search(r"(\d+) requests in", run.stdout).group(1)), float(re.search(r"Requests/sec:\s+([\d.]+)", run.stdout).group(1)), quantile, bad
