//! The binary killed from outside at every call that changes a file, and given a full disk there:
//! what the next command finds is the old state or the new one, never a mix.

use super::switch::{root, tree};
use crate::support::{Outcome, Ultra, have, missing};
use std::path::Path;
use std::process::Command;
use std::sync::Mutex;

/// Calls that change what is on disk. A question mark passes over names that an architecture does
/// not have.
const CALLS: &[&str] = &[
    "?write",
    "?writev",
    "?pwrite64",
    "?fsync",
    "?fdatasync",
    "?rename",
    "?renameat",
    "?renameat2",
    "?unlink",
    "?unlinkat",
    "?ftruncate",
    "?chmod",
    "?fchmod",
    "?mkdir",
    "?mkdirat",
    "?open",
    "?creat",
    "?openat",
    "?link",
    "?linkat",
    "?flock",
];

/// Far above the number of calls of one kind that a switch makes; a run-away loop ends here.
const MOST: u32 = 400;

/// A hand-written file that must survive everything.
const MINE: &str = "# mine\nGREETING=mine\n";

/// What a trial does to the state that a scenario begins with.
struct Scenario {
    /// The root before the command.
    base: Ultra,
    /// The command.
    args: &'static [&'static str],
    /// The state before, and after an undisturbed run.
    old: State,
    new: State,
}

/// What counts as the state: the profile, the files that tools read, the history.
#[derive(Clone, Debug, PartialEq, Eq)]
struct State {
    profile: String,
    dotenv: Option<Vec<u8>>,
    local: Option<Vec<u8>>,
    switches: usize,
}

impl State {
    /// The state as the next commands find it, which finish what was begun.
    fn of(ultra: &Ultra) -> Self {
        let current = ultra.run(&["env", "current", "-o", "json"]).exits(0).json();
        let history = ultra.run(&["env", "history", "-o", "json"]).exits(0).json();
        let entries = history["entries"].as_array().unwrap();
        let read = |name: &str| std::fs::read(ultra.root().join(name)).ok();
        Self {
            profile: current["profile"].as_str().unwrap().to_owned(),
            dotenv: read(".env"),
            local: read(".env.local"),
            switches: entries.len(),
        }
    }
}

impl Scenario {
    fn new(base: Ultra, args: &'static [&'static str]) -> Self {
        let old = State::of(&copy(&base));
        let done = copy(&base);
        done.run(args).exits(0);
        let new = State::of(&done);
        assert_ne!(old, new, "{args:?} does something");
        Self { base, args, old, new }
    }

    /// Runs the command with a fault at the `n`th call of `call`.
    fn disturbed(&self, call: &str, fault: &str, n: u32) -> (Ultra, Outcome) {
        let trial = copy(&self.base);
        let inject = format!("inject={call}:{fault}:when={n}");
        let ultra = env!("CARGO_BIN_EXE_ultra");
        let trace = format!("trace={call}");
        let args = ["-f", "-qq", "-o", "/dev/null", "-e", &trace, "-e", &inject, ultra];
        let all: Vec<&str> = args.into_iter().chain(self.args.iter().copied()).collect();
        let outcome = trial.wrapped("strace", all).output().unwrap().into();
        (trial, outcome)
    }

    /// Kills the command at every call of every kind.
    fn survives_kills(&self) {
        let killed = Mutex::new(0);
        in_parallel(CALLS, |call| {
            for n in 1.. {
                assert!(n < MOST, "{call} is called without end");
                let (trial, outcome) = self.disturbed(call, "signal=KILL", n);
                if outcome.code != 137 {
                    outcome.exits(0);
                    break;
                }
                *killed.lock().unwrap() += 1;
                self.check(&trial, &format!("killed at {call} {n}"));
            }
        });
        let killed = killed.into_inner().unwrap();
        assert!(killed > 15, "only {killed} kills: is strace doing its work?");
    }

    /// Lets every write fail as on a full disk.
    fn survives_a_full_disk(&self) {
        let calls = ["?write", "?fsync", "?rename", "?renameat2", "?mkdir", "?fchmod"];
        in_parallel(&calls, |call| {
            for n in 1.. {
                assert!(n < MOST, "{call} is called without end");
                let (trial, outcome) = self.disturbed(call, "error=ENOSPC", n);
                let what = format!("{call} {n} on a full disk: {outcome:?}");
                assert!(outcome.code != 137 && !outcome.stderr.contains("panicked"), "{what}");
                let state = self.check(&trial, &what);
                if outcome.code == 5 {
                    assert_eq!(state, self.old, "an error, and yet: {what}");
                }
                // The same call one further does not happen: nothing was injected any more.
                let calls = self.count(call);
                if n >= calls {
                    break;
                }
            }
        });
    }

    /// How many calls of this kind an undisturbed run makes.
    fn count(&self, call: &str) -> u32 {
        let trial = copy(&self.base);
        let trace = format!("trace={call}");
        let log = trial.home().join("calls");
        let log_name = log.to_str().unwrap();
        let ultra = env!("CARGO_BIN_EXE_ultra");
        let args = ["-f", "-qq", "-o", log_name, "-e", &trace, ultra];
        let all: Vec<&str> = args.into_iter().chain(self.args.iter().copied()).collect();
        Outcome::from(trial.wrapped("strace", all).output().unwrap()).exits(0);
        let text = std::fs::read_to_string(log).unwrap();
        u32::try_from(text.lines().filter(|l| l.contains('(')).count()).unwrap()
    }

    /// The next commands find the old state or the new one, nothing of a person is lost, and the
    /// command works when it is repeated.
    fn check(&self, trial: &Ultra, what: &str) -> State {
        let state = State::of(trial);
        assert!(
            state == self.old || state == self.new,
            "{what} left a mix\nfound {state:#?}\nold {:#?}\nnew {:#?}",
            self.old,
            self.new
        );
        let temporary = |name: &str| name.contains("ultra-") || name.contains(".tmp");
        for entry in std::fs::read_dir(trial.root()).unwrap() {
            let name = entry.unwrap().file_name().into_string().unwrap();
            assert!(!temporary(&name), "{what} left {name} in the project");
        }
        let again = trial.run(self.args);
        if state == self.old {
            again.exits(0);
            assert_eq!(State::of(trial), self.new, "{what}, then repeated");
        }
        let left: Vec<_> = tree(trial.root())
            .into_keys()
            .filter(|path| path.to_string_lossy().ends_with(".json.tmp"))
            .collect();
        assert!(left.is_empty(), "{what}, then repeated: {left:?} is left over");
        state
    }
}

/// Another root with the same files.
fn copy(from: &Ultra) -> Ultra {
    let to = Ultra::empty();
    let done = Command::new("cp").arg("-a").arg(from.root().join(".")).arg(to.root()).status();
    assert!(done.unwrap().success());
    if to.state().exists() {
        to.own_state();
    }
    to
}

/// Runs `work` for every item on a few threads.
fn in_parallel(items: &[&'static str], work: impl Fn(&str) + Sync) {
    let queue = Mutex::new(items.to_vec());
    std::thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| {
                while let Some(item) = { queue.lock().unwrap().pop() } {
                    work(item);
                }
            });
        }
    });
}

/// Whether strace is there and may trace.
fn can_trace() -> bool {
    if !have("strace") {
        return false;
    }
    let works = Command::new("strace")
        .args(["-o", "/dev/null", "-e", "inject=?write:error=EIO:when=9999", "true"])
        .output()
        .is_ok_and(|o| o.status.success());
    if !works {
        missing("the right to trace (ptrace)");
    }
    works
}

fn switched(profiles: &[&str]) -> Ultra {
    let ultra = root();
    for profile in profiles {
        ultra.run(&["env", "switch", profile]).exits(0);
    }
    ultra
}

#[test]
fn a_switch_is_whole_or_not_at_all() {
    if can_trace() {
        Scenario::new(switched(&["alpha"]), &["env", "switch", "beta"]).survives_kills();
    }
}

#[test]
fn the_first_switch_is_whole_or_not_at_all() {
    if can_trace() {
        Scenario::new(root(), &["env", "switch", "beta"]).survives_kills();
    }
}

#[test]
fn an_undo_is_whole_or_not_at_all() {
    if can_trace() {
        Scenario::new(switched(&["alpha", "beta"]), &["env", "undo"]).survives_kills();
    }
}

#[test]
fn an_undo_of_several_switches_is_whole_or_not_at_all() {
    if can_trace() {
        let ultra = switched(&["alpha", "beta", "test"]);
        Scenario::new(ultra, &["env", "undo", "2"]).survives_kills();
    }
}

#[test]
fn the_undo_of_the_first_switch_is_whole_or_not_at_all() {
    if can_trace() {
        Scenario::new(switched(&["beta"]), &["env", "undo"]).survives_kills();
    }
}

#[test]
fn an_adopted_file_survives_a_kill() {
    if can_trace() {
        let ultra = root();
        ultra.write_private(".env", MINE);
        let scenario = Scenario::new(ultra, &["env", "switch", "beta", "--adopt"]);
        assert_eq!(scenario.new.local.as_deref(), Some(MINE.as_bytes()));
        scenario.survives_kills();
    }
}

#[test]
fn a_restored_file_survives_a_kill() {
    if can_trace() {
        let ultra = root();
        ultra.write_private(".env", MINE);
        ultra.run(&["env", "switch", "beta", "--adopt"]).exits(0);
        let scenario = Scenario::new(ultra, &["env", "undo"]);
        assert_eq!(scenario.new.dotenv.as_deref(), Some(MINE.as_bytes()));
        scenario.survives_kills();
    }
}

/// A switch from `alpha` to `beta` that was killed between its commit and the rename of `.env`.
fn unfinished(scenario: &Scenario) -> Ultra {
    (1..MOST)
        .map(|n| scenario.disturbed("?rename,?renameat", "signal=KILL", n).0)
        .find(|trial| {
            let record = std::fs::read_to_string(trial.state().join("switch.json")).unwrap();
            record.contains("\"generation\": 2") && !is_beta(trial.root())
        })
        .unwrap()
}

/// Runs a command for which every look at `path` fails as on a read-only disk.
fn read_only(ultra: &Ultra, path: &Path, args: &[&str]) -> Outcome {
    let binary = env!("CARGO_BIN_EXE_ultra");
    let path = path.to_str().unwrap();
    let inject = "inject=?openat,?open:error=EROFS";
    let strace = ["-f", "-qq", "-o", "/dev/null", "-P", path, "-e", inject, binary];
    let all: Vec<&str> = strace.iter().chain(args).copied().collect();
    ultra.wrapped("strace", all).output().unwrap().into()
}

#[test]
fn a_read_only_disk_refuses_a_switch_and_answers_from_the_record() {
    if !can_trace() {
        return;
    }
    let scenario = Scenario::new(switched(&["alpha"]), &["env", "switch", "beta"]);
    let trial = copy(&scenario.base);
    let lock = trial.state().join("switch.lock");
    let before = tree(trial.root());
    for args in [["env", "switch", "beta"].as_slice(), &["env", "undo"]] {
        read_only(&trial, &lock, args).exits(5).complains("Read-only file system");
    }
    assert_eq!(tree(trial.root()), before);

    let trial = unfinished(&scenario);
    let lock = trial.state().join("switch.lock");
    let before = tree(trial.root());
    let current = read_only(&trial, &lock, &["env", "current", "-o", "json"]).exits(0).json();
    assert_eq!(current["profile"], "beta");
    assert_eq!(tree(trial.root()), before);
    assert_eq!(State::of(&trial), scenario.new);
}

#[test]
fn finishing_a_switch_survives_a_kill_too() {
    if !can_trace() {
        return;
    }
    let scenario = Scenario::new(switched(&["alpha"]), &["env", "switch", "beta"]);
    let unfinished = unfinished(&scenario);
    in_parallel(CALLS, |call| {
        for n in 1..MOST {
            let trial = copy(&unfinished);
            let inject = format!("inject={call}:signal=KILL:when={n}");
            let ultra = env!("CARGO_BIN_EXE_ultra");
            let trace = format!("trace={call}");
            let args = ["-f", "-qq", "-o", "/dev/null", "-e", &trace, "-e", &inject, ultra];
            let all: Vec<&str> = args.into_iter().chain(["env", "history"]).collect();
            let outcome: Outcome = trial.wrapped("strace", all).output().unwrap().into();
            assert_eq!(State::of(&trial), scenario.new, "{call} {n}");
            if outcome.code != 137 {
                break;
            }
        }
    });
}

fn is_beta(root: &Path) -> bool {
    std::fs::read_to_string(root.join(".env")).unwrap().contains("profile beta")
}

#[test]
fn a_full_disk_leaves_the_old_state() {
    if can_trace() {
        Scenario::new(switched(&["alpha"]), &["env", "switch", "beta"]).survives_a_full_disk();
    }
}
