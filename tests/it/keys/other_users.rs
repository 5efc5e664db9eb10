//! Keys and other users: root works on what a service owns, and strangers are kept out.

use super::{OLD, nowhere, with_identity_file};
use crate::support::{Outcome, Server, Ultra, eventually, have};
use std::fs::Permissions;
use std::io::Write as _;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::process::Stdio;
use std::time::Duration;

const PATIENCE: Duration = Duration::from_secs(30);

/// The user that the service runs as.
const SERVICE: u32 = 65_533;

/// Runs a command as the service; `None` where that cannot be.
fn as_service(ultra: &Ultra, args: &[&str], stdin: &str) -> Option<Outcome> {
    let mut child = ultra.command_as(SERVICE, args)?.stdin(Stdio::piped()).spawn().unwrap();
    let _ = child.stdin.take().unwrap().write_all(stdin.as_bytes());
    Some(child.wait_with_output().unwrap().into())
}

#[test]
fn what_root_does_to_the_keys_of_a_service_does_not_lock_it_out() {
    let ultra = with_identity_file();
    let state = ultra.home().join("state");
    std::fs::create_dir(&state).unwrap();
    let ultra = ultra.env("ULTRA_STATE_DIR", state.display().to_string());
    ultra.give_to(if rustix::process::geteuid().is_root() { SERVICE } else { return skip() });
    let Some(set) = as_service(&ultra, &["keys", "set", "openai"], OLD) else { return };
    let root = ultra.root().display().to_string();
    let mut told = vec![set.exits(0)];
    for act in [&["keys", "set", "jwt", "--generate"][..], &["keys", "rotate", "jwt"]] {
        told.push(ultra.run(&[&["--dir", &root], act].concat()).exits(0));
    }
    ultra.run(&["--dir", &root, "keys", "doctor", "-o", "json"]).exits(0);

    let mut folders = vec![state];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            assert_eq!(path.metadata().unwrap().uid(), SERVICE, "{}", path.display());
            folders.extend(path.is_dir().then_some(path));
        }
    }
    for args in [&["keys", "rotate", "jwt"][..], &["keys", "doctor", "--open"]] {
        told.push(as_service(&ultra, args, "").unwrap().exits(0));
    }
    nowhere(&ultra, &told.iter().collect::<Vec<_>>(), &[OLD]);
}

/// Asks the control socket for `path` as another user: what it answers.
fn asked_as(uid: u32, socket: &std::path::Path) -> String {
    let script = "$SIG{PIPE} = 'IGNORE'; my $s = IO::Socket::UNIX->new(Peer => $ARGV[0]) or die \"$!\"; \
                  print $s \"GET /slots HTTP/1.1\\r\\nhost: x\\r\\nconnection: close\\r\\n\\r\\n\"; \
                  $s->flush; local $/; my $a = <$s>; print $a // ''";
    let user = uid.to_string();
    let said = std::process::Command::new("setpriv")
        .args(["--reuid", &user, "--regid", &user, "--clear-groups", "--"])
        .args(["perl", "-MIO::Socket::UNIX", "-e", script])
        .arg(socket)
        .output()
        .unwrap();
    assert!(said.status.success(), "{}", String::from_utf8_lossy(&said.stderr));
    String::from_utf8_lossy(&said.stdout).into_owned()
}

#[test]
fn the_control_socket_answers_its_own_user_and_root_and_nobody_else() {
    if !rustix::process::geteuid().is_root() {
        return skip();
    }
    if !have("setpriv") || !have("perl") {
        return;
    }
    let ultra = with_identity_file();
    let server = Server::start(&ultra, &["--mock"]);
    let socket = ultra.state().join("serve.sock");
    eventually(PATIENCE, "the control socket", || socket.exists().then_some(()));
    // The modes of the files would keep a stranger out already; here they do not.
    for path in [ultra.home(), ultra.root(), &ultra.state()] {
        std::fs::set_permissions(path, Permissions::from_mode(0o755)).unwrap();
    }
    std::fs::set_permissions(&socket, Permissions::from_mode(0o666)).unwrap();
    assert!(asked_as(0, &socket).starts_with("HTTP/1.1 200"));
    assert_eq!(asked_as(SERVICE, &socket), "", "a stranger is told something");
    let log = server.stop().stderr;
    let refused = log.lines().find(|line| line.contains("control socket refused"));
    assert!(refused.is_some_and(|line| line.contains(&SERVICE.to_string())), "{log}");
}

fn skip() {
    println!("SKIPPED: only root can write for others");
}
