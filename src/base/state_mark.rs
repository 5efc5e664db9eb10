//! The mark of a state directory, by which its owner knows it.

use super::file::{Missing, open_own, private_dir, read_bounded, write_atomic};
use std::io;
use std::path::Path;

/// The file in a state directory that keeps it out of git and says that it was made here. It is as
/// old as the last time that git was known to track nothing beside it.
pub(crate) const STATE_MARK: &str = ".gitignore";

/// Makes the state directory if it is missing: private, and ignored by git.
///
/// # Errors
/// Whatever the file system says.
pub(crate) fn state_dir(dir: &Path) -> io::Result<()> {
    private_dir(dir)?;
    adopt_state_dir(dir)
}

/// Writes into the mark of an existing state directory that it was made here.
///
/// # Errors
/// There is no mark and it cannot be written.
pub(crate) fn adopt_state_dir(dir: &Path) -> io::Result<()> {
    let Some(text) = mark_text(dir) else { return Ok(()) };
    let mark = dir.join(STATE_MARK);
    let before = mark.symlink_metadata().ok();
    if before.is_some() && marked_with(&mark, &text) {
        return Ok(());
    }
    let written = write_atomic(&mark, text.as_bytes(), 0o644);
    let Some(before) = before else { return written };
    // Its age says when git was asked, and git was not asked now. On a disk that cannot be written
    // the old one stays.
    if let (Ok(()), Ok(at)) = (written, before.modified()) {
        let _ = open_own(&mark, Missing::Fail).and_then(|mark| mark.set_modified(at));
    }
    Ok(())
}

/// What the mark of a state directory says of where that was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mark {
    /// Where it stands, or nobody can tell.
    Fits,
    /// Elsewhere.
    Differs,
    /// There is no mark.
    Missing,
}

/// Whether the state directory was made where it stands, as its mark says: the file system notes
/// when a directory was born, to the nanosecond, and nobody can choose that. Where the file system
/// notes no such thing, or changes it, any mark [fits](Mark::Fits).
pub(crate) fn made_here(dir: &Path) -> Mark {
    let mark = dir.join(STATE_MARK);
    if mark_text(dir).is_some_and(|text| marked_with(&mark, &text)) {
        return Mark::Fits;
    }
    // We make none without a mark, and where births say nothing that still does.
    if mark.symlink_metadata().is_err() {
        return Mark::Missing;
    }
    let born = dir.symlink_metadata().is_ok_and(|meta| meta.created().is_ok());
    if !born || is_layered(dir) { Mark::Fits } else { Mark::Differs }
}

/// Whether a directory lies on an overlay file system: what a layer below brings is born anew when
/// an image is unpacked, and again when it is first written to.
#[cfg(target_os = "linux")]
fn is_layered(dir: &Path) -> bool {
    /// `OVERLAYFS_SUPER_MAGIC` of `linux/magic.h`.
    const OVERLAY: u32 = 0x794c_7630;
    rustix::fs::statfs(dir).is_ok_and(|found| u32::try_from(found.f_type) == Ok(OVERLAY))
}

/// Whether a directory lies on such a file system: there is none here.
#[cfg(not(target_os = "linux"))]
fn is_layered(_: &Path) -> bool {
    false
}

fn marked_with(mark: &Path, text: &str) -> bool {
    matches!(read_bounded(mark, 1024), Ok(Some(bytes)) if bytes == text.as_bytes())
}

/// What the mark of a state directory says; `None` if there is no such directory.
fn mark_text(dir: &Path) -> Option<String> {
    let born = dir.symlink_metadata().ok()?.created();
    let since = born.ok().and_then(|at| at.duration_since(std::time::UNIX_EPOCH).ok());
    Some(since.map_or_else(
        || "*\n".to_owned(),
        |at| format!("*\n# made here: {}.{:09}\n", at.as_secs(), at.subsec_nanos()),
    ))
}
