"""The books of a gateway and of the provider behind it after a hundred thousand requests: the test of the suite, with more requests and
the program that is measured. It says what it has counted, and fails where anything is lost or counted twice."""
import os
import subprocess

TEST = "serve::ledger::the_books_balance_after_faults_departures_and_a_frozen_store"


def ledger(ultra, requests):
    """Whether the books balance."""
    env = {**os.environ, "ULTRA_TEST_BINARY": ultra, "ULTRA_TEST_LEDGER_REQUESTS": str(requests), "CI": "1"}
    root = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    cargo = ["cargo", "test", "--quiet", "--locked", "--test", "it", "--", "--exact", TEST]
    # A name that no test has is well, too, to whoever runs them.
    known = subprocess.run([*cargo, "--list"], cwd=root, env=env, check=True, capture_output=True, text=True)
    if f"{TEST}: test" not in known.stdout.splitlines():
        raise SystemExit(f"there is no test {TEST}")
    return subprocess.run([*cargo, "--nocapture"], cwd=root, env=env).returncode == 0
