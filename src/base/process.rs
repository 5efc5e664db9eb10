//! What a process says of itself to the operating system, and who people are.

use super::file;
use rustix::process::{Resource, Rlimit, Signal};
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

/// Keeps the memory of this process out of core dumps, and of other processes of the same user
/// that would attach to it: it holds secrets.
///
/// # Errors
/// What the operating system says.
pub(crate) fn keep_memory_private() -> io::Result<()> {
    // Lowering both limits needs no privilege, and no child can raise them again.
    rustix::process::setrlimit(Resource::Core, Rlimit { current: Some(0), maximum: Some(0) })?;
    // A core pattern that is a pipe ignores the limit, but not this.
    #[cfg(target_os = "linux")]
    rustix::process::set_dumpable_behavior(rustix::process::DumpableBehavior::NotDumpable)?;
    Ok(())
}

/// A file that may not grow any more (`ulimit -f`) is an error of whoever writes it, as a full disk
/// is. Without a handler SIGXFSZ would end the process between two writes. Programs that this one
/// starts have it as usual.
///
/// # Errors
/// The handler cannot be set.
pub(crate) fn outlive_file_limits() -> io::Result<()> {
    // Nobody looks at the flag: what counts is that there is a handler.
    let noticed = Arc::new(AtomicBool::new(false));
    signal_hook::flag::register(Signal::XFSZ.as_raw(), noticed).map(drop)
}

/// Whose list of users is looked into.
const USERS: &str = "/etc/passwd";

/// The size limit of that list.
const LIMIT: u64 = 4 << 20;

/// The name of the user with this id and the id, such as `mia (1000)`; the id alone if this machine
/// has no such user.
pub(crate) fn user(uid: u32) -> String {
    match file::read_bounded(Path::new(USERS), LIMIT) {
        Ok(Some(bytes)) => named(&String::from_utf8_lossy(&bytes), uid),
        _ => uid.to_string(),
    }
}

/// The same, by the text of the list: `name:password:uid:…`.
fn named(users: &str, uid: u32) -> String {
    let id = uid.to_string();
    let name = users.lines().find_map(|line| {
        let mut fields = line.split(':');
        let name = fields.next()?;
        (fields.nth(1)? == id && !name.is_empty()).then_some(name)
    });
    match name {
        Some(name) => format!("{} ({id})", name.escape_debug()),
        None => id,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn users_have_names_where_the_machine_knows_them() {
        let users = "root:x:0:0::/root:/bin/sh\nmia:x:1000:1000::/home/mia:/bin/sh\nbroken\n";
        assert_eq!(named(users, 1000), "mia (1000)");
        assert_eq!(named(users, 7), "7");
        assert_eq!(named("", 0), "0");
    }
}
