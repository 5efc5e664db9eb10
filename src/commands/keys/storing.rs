//! How a value that a file feeds is stored by whoever feeds it: the command for a plain file, and
//! those of the platforms that put files into containers and units.

use crate::base::words;
use crate::rotation::Fed;
use std::path::Path;

/// What is said to whoever feeds the file.
pub(super) fn storing(known: &Fed) -> Vec<String> {
    let Some(path) = &known.file else {
        return vec![format!(
            "store the new value wherever `{}_FILE` of the servers comes from; waiting for them",
            known.variable
        )];
    };
    let mut lines =
        vec![format!("now store the new value in `{}`; this reads it from stdin:", path.display())];
    if !is_projected(path) {
        lines.push(format!("  {}", command_that_stores(path)));
    }
    lines.extend(platform(path).into_iter().map(|line| format!("  {line}")));
    lines
}

/// A command that reads the value from stdin and replaces the file whole, for its owner only. The
/// link that a path may be stays one.
pub(super) fn command_that_stores(path: &Path) -> String {
    let target = std::fs::canonicalize(path).unwrap_or_else(|_| path.to_path_buf());
    let name = target.file_name().map(|name| name.to_string_lossy().into_owned());
    let temp = target.with_file_name(format!(".{}.new", name.unwrap_or_default()));
    let (target, temp) = (words::argument(&target), words::argument(&temp));
    format!("(umask 077 && cat >{temp} && test -s {temp} && mv -f {temp} {target})")
}

/// Whether Kubernetes puts the file there: nobody writes it in the container.
pub(super) fn is_projected(path: &Path) -> bool {
    path.parent().is_some_and(|folder| folder.join("..data").symlink_metadata().is_ok())
}

/// How platforms store what they feed, if the path looks like theirs.
fn platform(path: &Path) -> Vec<String> {
    let key = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let key = words::argument(Path::new(&key));
    let kubernetes = is_projected(path);
    let below = |folder: &str| path.starts_with(folder);
    let mut lines = Vec::new();
    if kubernetes || below("/var/run/secrets") || below("/etc/secrets") || below("/secrets") {
        lines.push(format!(
            "Kubernetes: kubectl create secret generic SECRET --from-file={key}=/dev/stdin \
             --dry-run=client -o yaml | kubectl apply -f -   (pods see it within two minutes; \
             with other keys in SECRET, patch it instead)"
        ));
    }
    if !kubernetes && below("/run/secrets") {
        lines.push(format!(
            "Docker Swarm: docker secret create {key}-2 - && docker service update \
             --secret-rm {key} --secret-add source={key}-2,target={key} SERVICE   (its tasks start \
             again); Compose: the file on the host that `secrets:` names"
        ));
    }
    if below("/run/credentials") {
        lines.push(
            "systemd: the file that LoadCredential= names, then systemctl restart UNIT: a \
             credential does not change while its unit runs"
                .to_owned(),
        );
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_replaces_the_file_whole_for_its_owner_only() {
        use std::io::Write as _;
        use std::os::unix::fs::PermissionsExt as _;
        use std::process::{Command, Stdio};
        let dir = tempfile::tempdir().unwrap();
        let (target, link) = (dir.path().join("a key's file"), dir.path().join("link"));
        std::fs::write(&target, "before").unwrap();
        std::os::unix::fs::symlink(&target, &link).unwrap();
        let run = |stdin: &str| {
            let mut sh = Command::new("sh")
                .args(["-c", &command_that_stores(&link)])
                .stdin(Stdio::piped())
                .spawn()
                .unwrap();
            sh.stdin.take().unwrap().write_all(stdin.as_bytes()).unwrap();
            sh.wait().unwrap().success()
        };
        assert!(!run(""), "nothing is no value");
        assert_eq!(std::fs::read_to_string(&target).unwrap(), "before");
        assert!(run("after\n"));
        assert_eq!(std::fs::read_to_string(&link).unwrap(), "after\n");
        assert!(link.symlink_metadata().unwrap().is_symlink());
        let mode = std::fs::metadata(&target).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }

    #[test]
    fn platforms_are_told_by_the_path() {
        let of = |path: &str| platform(Path::new(path)).join("\n");
        assert!(of("/run/secrets/openai").contains("docker secret create openai-2 -"));
        assert!(of("/var/run/secrets/x/openai").contains("--from-file=openai=/dev/stdin"));
        assert!(of("/run/credentials/ultra.service/openai").contains("systemctl restart"));
        assert_eq!(of("/etc/ultra/openai"), "");
        let dir = tempfile::tempdir().unwrap();
        std::os::unix::fs::symlink("somewhere", dir.path().join("..data")).unwrap();
        assert!(platform(&dir.path().join("k")).join("").contains("kubectl apply"));
    }
}
