//! Whose the state directory and the dotenv files are: those of a checkout of another user's, of a
//! team, of an image.

use crate::support::{Outcome, Ultra, have};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, chown, symlink};
use std::path::Path;
use std::process::Command;

const SOMEBODY: u32 = 4711;

fn plain() -> Ultra {
    let ultra = Ultra::empty();
    ultra.write("profiles/plain.yaml", "vars:\n  A: b\n");
    ultra
}

fn ran(mut command: Command) -> Outcome {
    command.output().unwrap().into()
}

fn is_root() -> bool {
    let root = rustix::process::geteuid().is_root();
    if !root {
        println!("SKIPPED: only root can give files to other users");
    }
    root
}

/// A copy of the state directory in its place, as one that was unpacked.
fn unpack(ultra: &Ultra, state: &Path) {
    let away = ultra.home().join("away");
    std::fs::rename(state, &away).unwrap();
    let copied = ran(ultra.wrapped("cp", [Path::new("-a"), &away, state]));
    copied.exits(0);
}

#[test]
fn root_goes_on_in_the_checkout_of_another_user() {
    if !is_root() {
        return;
    }
    let ultra = plain();
    let repository = have("git");
    if repository {
        for args in [&["init", "-q"][..], &["add", "profiles"]] {
            ran(ultra.wrapped("git", args)).exits(0);
        }
    }
    ultra.give_to(SOMEBODY);
    let named = |args: &[&str]| ultra.run(&[&["--dir", "."][..], args].concat());
    named(&["env", "switch", "plain"]).exits(0);
    assert_eq!(ultra.state().metadata().unwrap().uid(), SOMEBODY);
    named(&["env", "current"]).exits(0).says("plain");
    named(&["env", "switch", "dev"]).exits(0);
    named(&["env", "current"]).exits(0).says("dev");
    // Not where nobody named the root, and not what belongs to a third.
    ultra.run(&["env", "current"]).exits(6).complains("the root belongs to another user");
    chown(ultra.state(), Some(SOMEBODY + 1), None).unwrap();
    named(&["env", "current"]).exits(6).complains("the state directory belongs to another user");
    chown(ultra.state(), Some(SOMEBODY), None).unwrap();
    if let Some(command) = ultra.command_as(SOMEBODY, ["env", "current"]) {
        ran(command).exits(0).says("dev");
    }
    if !repository {
        return;
    }
    // Git has written its index, and does not talk to root about what is another's.
    let index = std::fs::File::options().append(true).open(ultra.root().join(".git/index"));
    index.unwrap().set_modified(std::time::SystemTime::now()).unwrap();
    let root = ultra.root().canonicalize().unwrap();
    let hint = format!("git config --global --add safe.directory {}", root.display());
    named(&["env", "current"]).exits(5).complains("dubious ownership").complains(&hint);
    ran(ultra.wrapped("sh", ["-c", &hint])).exits(0);
    named(&["env", "current"]).exits(0).says("dev");
}

#[test]
fn a_state_directory_from_a_layer_of_an_image_is_written_to() {
    if !is_root() || !have("unshare") {
        return;
    }
    let ultra = plain();
    ultra.run(&["env", "switch", "plain"]).exits(0);
    for folder in ["upper", "work", "merged"] {
        std::fs::create_dir(ultra.home().join(folder)).unwrap();
    }
    let script = "cd \"$HOME\" || exit 99
        mount -t overlay overlay -o lowerdir=app,upperdir=upper,workdir=work merged || exit 99
        cd merged && $0 env current && $0 env switch dev && $0 env current && $0 env switch plain || exit 1
        rm .ultra/.gitignore; $0 env current; echo without: $?";
    let args = ["-m", "sh", "-c", script, env!("CARGO_BIN_EXE_ultra")];
    let outcome = ran(ultra.wrapped("unshare", args));
    if outcome.code == 99 || outcome.stderr.contains("unshare failed") {
        println!("SKIPPED: no overlay can be mounted here: {}", outcome.stderr);
        return;
    }
    let upper = ultra.home().join("upper/.ultra");
    let outcome = outcome.exits(0).says("plain").says("dev");
    // That the mark is missing is told where births say nothing, too.
    outcome.says("without: 6").complains("`.gitignore` is missing");
    assert_ne!(
        upper.metadata().unwrap().created().ok(),
        ultra.state().metadata().unwrap().created().ok(),
        "the directory was not born anew, and nothing was tried"
    );
}

#[test]
fn the_files_of_a_team_that_are_no_layers_are_nobodys_business() {
    let theirs = |path: &Path| chown(path, Some(SOMEBODY), None).unwrap();
    if !is_root() {
        return;
    }
    let shared = std::fs::Permissions::from_mode(0o775);
    let ultra = plain();
    ultra.write(".env", "A=c\n");
    std::fs::set_permissions(ultra.root(), shared.clone()).unwrap();
    for name in [".env.example", ".envrc", ".env.staging.local", ".env.backup"] {
        theirs(&ultra.write(name, "A=d\n"));
    }
    ultra.run(&["env", "run", "--", "printenv", "A"]).exits(0).says("c\n");
    for (name, profile) in
        [(".env.staging.local", "staging"), (".env.production", "prod"), (".env.testing", "plain")]
    {
        ultra.write(&format!("profiles/{profile}.yaml"), "vars:\n  A: b\n");
        let path = ultra.write(name, "A=d\n");
        theirs(&path);
        ultra.run(&["env", "current"]).exits(6).complains(name).complains("another user");
        std::fs::remove_file(path).unwrap();
        ultra.run(&["env", "current"]).exits(0);
    }

    // Without a root, that nothing is read is said.
    let ultra = Ultra::empty();
    ultra.write(".env", "A=c\n");
    std::fs::set_permissions(ultra.root(), shared).unwrap();
    theirs(&ultra.write(".env.example", "A=d\n"));
    let print = ["env", "run", "--", "printenv", "A"];
    let said = ultra.run(&print).exits(0).says("c\n");
    assert_eq!(said.stderr, "");
    theirs(&ultra.write(".env.local", "B=d\n"));
    let said = ultra.run(&print).exits(1).complains("the dotenv files here are not read");
    said.complains(".env.local").complains("another user").complains("--dir .");
    let said = ultra.run(&["env", "trust"]).exits(2).complains(".env.local");
    assert!(!said.stderr.contains("not yours"), "{}", said.stderr);
    ultra.run(&[&["--dir", "."][..], &print].concat()).exits(0).says("c\n");
    theirs(ultra.root());
    ultra.run(&print).exits(1).complains("the directory belongs to another user");
}

/// Whether the file system says when a directory was made; without, no copy is told from another.
fn tells_births(ultra: &Ultra) -> bool {
    let tells = ultra.root().metadata().unwrap().created().is_ok();
    if !tells {
        println!("SKIPPED: this file system does not say when a directory was made");
    }
    tells
}

#[test]
fn one_says_that_it_is_his_own_in_any_words() {
    let ultra = plain();
    if !tells_births(&ultra) {
        return;
    }
    ultra.run(&["env", "switch", "plain"]).exits(0);
    let link = ultra.home().join("way");
    symlink(ultra.root(), &link).unwrap();
    let ways = [("profiles", "../.ultra".to_owned()), (".", format!("{}/.ultra", link.display()))];
    for (dir, named) in ways {
        unpack(&ultra, &ultra.state());
        ultra.run(&["env", "current"]).exits(6).complains("was not made here");
        let mut command = ultra.command(["env", "current"]);
        command.current_dir(ultra.root().join(dir)).env("ULTRA_STATE_DIR", named);
        ran(command).exits(0).says("plain");
        ultra.run(&["env", "current"]).exits(0).says("plain");
        std::fs::remove_dir_all(ultra.home().join("away")).unwrap();
    }
    // Not another directory, and not a link in the usual place.
    unpack(&ultra, &ultra.state());
    let mut elsewhere = ultra.command(["env", "current"]);
    elsewhere.env("ULTRA_STATE_DIR", ultra.home().join("away"));
    ran(elsewhere).exits(0);
    ultra.run(&["env", "current"]).exits(6).complains("was not made here");
}

#[test]
fn a_line_to_paste_can_be_pasted_in_a_directory_with_a_blank() {
    let ultra = plain();
    if !tells_births(&ultra) {
        return;
    }
    let root = ultra.root().join("my app's");
    let state = root.join(".ultra");
    std::fs::create_dir_all(root.join("profiles")).unwrap();
    std::fs::write(root.join("profiles/plain.yaml"), "vars:\n  A: b\n").unwrap();
    let run = |args: &[&str]| {
        let mut command = ultra.command(args);
        command.current_dir(&root);
        ran(command)
    };
    run(&["env", "switch", "plain"]).exits(0);
    unpack(&ultra, &state);
    let said = run(&["env", "current"]).exits(6);
    let line = said.stderr.split_once("if it is your own: ").unwrap().1;
    let line = line.split_once("; or").unwrap().0.replace("ultra env", "\"$0\" env");
    let mut pasted = ultra.wrapped("sh", ["-c", &line, env!("CARGO_BIN_EXE_ultra")]);
    pasted.current_dir(&root);
    ran(pasted).exits(0);
    run(&["env", "current"]).exits(0).says("plain");
    // The root that another user owns.
    if is_root() {
        chown(&root, Some(SOMEBODY), None).unwrap();
        let root = root.canonicalize().unwrap();
        let quoted = root.to_str().unwrap().replace('\'', "'\\''");
        run(&["env", "current"]).exits(6).complains(&format!("`--dir '{quoted}'`"));
    }
}

#[test]
fn a_mark_that_is_gone_is_told_as_such_and_a_new_disk_is_nobodys() {
    let ultra = plain();
    if !tells_births(&ultra) {
        return;
    }
    ultra.run(&["env", "switch", "plain"]).exits(0);
    std::fs::remove_file(ultra.state().join(".gitignore")).unwrap();
    let said = ultra.run(&["env", "current"]).exits(6).complains("`.gitignore` is missing");
    assert!(!said.stderr.contains("unpacked"), "{}", said.stderr);
    let mut adopting = ultra.command(["env", "current"]);
    adopting.env("ULTRA_STATE_DIR", ultra.state());
    ran(adopting).exits(0).says("plain");
    ultra.run(&["env", "current"]).exits(0).says("plain");

    std::fs::remove_dir_all(ultra.state()).unwrap();
    std::fs::create_dir_all(ultra.state().join("lost+found")).unwrap();
    ultra.run(&["env", "current"]).exits(0).says("dev");
    ultra.run(&["env", "switch", "plain"]).exits(0);
    ultra.run(&["env", "current"]).exits(0).says("plain");
}
