//! What a start costs, in instructions: the same on every machine, so that it can fail a run.
//!
//! The figures are those of an unoptimised build, which is what tests run; `docs/benchmarks.md` has
//! those of a release. They move with the compiler and with every option that a command gains. If
//! one is passed for a good reason, write the new one here.

use crate::support::{Ultra, have};

/// A command, how it ends, and what it took when this was written, in millions of instructions.
/// The command of `env run` is one that does not exist: behind it the count would be another
/// program's.
const RECORDED: &[(&[&str], i32, f64)] = &[
    (&["env", "current"], 0, 7.66),
    (&["env", "run", "--", "no-such-command"], 127, 10.50),
    (&["env", "export"], 0, 10.78),
];

/// How much more than recorded is let pass.
const MARGIN: f64 = 1.25;

#[test]
fn a_start_takes_no_more_instructions_than_recorded() {
    if !have("valgrind") {
        return;
    }
    let ultra = Ultra::checkout();
    let mut over = Vec::new();
    for (args, code, recorded) in RECORDED {
        let count = instructions(&ultra, args, *code);
        println!("{}: {count:.2} M instructions, recorded {recorded:.2}", args.join(" "));
        if count > recorded * MARGIN {
            over.push(format!("{}: {count:.2} M, recorded {recorded:.2} M", args.join(" ")));
        }
    }
    assert!(over.is_empty(), "more than {MARGIN} times what is recorded: {}", over.join("; "));
}

/// What one more name in the process environment takes, in millions of instructions: shells have
/// hundreds.
const NAME: f64 = 0.02;

#[test]
fn a_name_more_in_the_environment_takes_no_more_instructions_than_recorded() {
    if !have("valgrind") {
        return;
    }
    let args = ["env", "run", "--", "no-such-command"];
    let few = instructions(&Ultra::checkout(), &args, 127);
    let mut ultra = Ultra::checkout();
    for n in 0..200 {
        ultra.set_env(&format!("DESKTOP_SETTING_{n}"), "value");
    }
    let cost = (instructions(&ultra, &args, 127) - few) / 200.0;
    println!("{cost:.4} M instructions a name");
    assert!(cost <= NAME * MARGIN, "{cost:.4} M, recorded {NAME:.4} M");
}

/// What one more variable in a file of the profile takes, in millions of instructions.
const VARIABLE: &[(&[&str], f64)] = &[
    (&["env", "validate"], 0.27),
    (&["env", "lint", ".env.local"], 0.20),
    (&["env", "import", "--dry-run", ".env.local"], 1.03),
];

#[test]
fn a_variable_more_takes_no_more_instructions_than_recorded() {
    if !have("valgrind") {
        return;
    }
    let of = |count: usize, args: &[&str]| {
        let ultra = Ultra::empty();
        let lines: String =
            (0..count).map(|n| format!("SERVICE_LIMIT_{}=value {n}\n", 1000 + n)).collect();
        ultra.write_private(".env.local", lines);
        instructions(&ultra, args, 0)
    };
    let mut over = Vec::new();
    for (args, recorded) in VARIABLE {
        let [few, some, many] = [50, 150, 450].map(|count| of(count, args));
        // Of the first hundred, and of the three hundred behind them.
        for cost in [(some - few) / 100.0, (many - some) / 300.0] {
            println!("{}: {cost:.3} M instructions a variable", args.join(" "));
            if cost > recorded * MARGIN {
                over.push(format!("{}: {cost:.3} M, recorded {recorded:.3} M", args.join(" ")));
            }
        }
    }
    assert!(over.is_empty(), "more than {MARGIN} times what is recorded: {}", over.join("; "));
}

/// What a command takes, in millions.
fn instructions(ultra: &Ultra, args: &[&str], code: i32) -> f64 {
    let binary = env!("CARGO_BIN_EXE_ultra");
    let tool = ["--tool=callgrind", "--callgrind-out-file=/dev/null", binary];
    let output = ultra.wrapped("valgrind", tool).args(args).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(code), "{args:?}: {said}");
    let count = said.lines().find_map(|line| line.split_once("Collected : ")).unwrap().1;
    count.trim().parse::<f64>().unwrap() / 1e6
}
