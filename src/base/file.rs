//! Files that are written whole or not at all, and read within bounds.

use super::{Secret, leftover, owner};
use rustix::fs::{Mode, OFlags};
use std::fs::File;
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

/// The mode of files that hold secrets or identities.
pub(crate) const PRIVATE: u32 = 0o600;

/// The largest file that is read as a secret.
const SECRET_LIMIT: u64 = 1 << 20;

/// Replaces `path` by `bytes`: temporary file in the same directory, fsync, rename, fsync of the
/// directory. A crash at any point leaves the old content or the new, never a mix. What root
/// writes belongs to whom the directory does ([`super::owner`]).
///
/// # Errors
/// Whatever the file system says. The old content then still stands, with one exception: the last
/// step, making the rename durable, may fail, and then the new content stands, but may not outlive a
/// power failure. Who must know which looks at the file. No temporary file is left behind.
pub(crate) fn write_atomic(path: &Path, bytes: &[u8], mode: u32) -> io::Result<()> {
    let temp = staged(path, bytes, mode)?;
    owner::settle(temp.as_file(), path)?;
    temp.persist(path).map_err(|e| e.error)?;
    sync_dir(parent(path))
}

/// Creates `path` with `bytes`, whole or not at all, if there is nothing at that path yet.
///
/// # Errors
/// [`io::ErrorKind::AlreadyExists`] if there is, else whatever the file system says; the file may
/// stand nevertheless, as with [`write_atomic`].
pub(crate) fn create_new(path: &Path, bytes: &[u8], mode: u32) -> io::Result<()> {
    let temp = staged(path, bytes, mode)?;
    owner::settle(temp.as_file(), path)?;
    temp.persist_noclobber(path).map_err(|e| e.error)?;
    sync_dir(parent(path))
}

/// The same for what is to be nobody else's, whosever the directory is.
///
/// # Errors
/// As [`create_new`].
pub(crate) fn create_for_us(path: &Path, bytes: &[u8], mode: u32) -> io::Result<()> {
    staged(path, bytes, mode)?.persist_noclobber(path).map_err(|e| e.error)?;
    sync_dir(parent(path))
}

/// Replaces the file at `path`, which is there, by `bytes`; its mode and owner stay, and so does a
/// link that leads to it.
///
/// # Errors
/// Whatever the file system says, also that the owner cannot be kept; the old content then still
/// stands, with the exception of [`write_atomic`].
pub(crate) fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let path = path.canonicalize()?;
    let meta = path.metadata()?;
    let temp = staged(&path, bytes, PRIVATE)?;
    let ours = temp.as_file().metadata()?;
    if (ours.uid(), ours.gid()) != (meta.uid(), meta.gid()) {
        std::os::unix::fs::fchown(temp.as_file(), Some(meta.uid()), Some(meta.gid()))?;
    }
    temp.as_file().set_permissions(meta.permissions())?;
    temp.as_file().sync_all()?;
    temp.persist(&path).map_err(|e| e.error)?;
    sync_dir(parent(&path))
}

/// A temporary file beside `path`, written and synced; dropped, it is removed.
fn staged(path: &Path, bytes: &[u8], mode: u32) -> io::Result<tempfile::NamedTempFile> {
    stage(path, bytes, mode).map_err(|e| unnamed(&e).unwrap_or(e))
}

fn stage(path: &Path, bytes: &[u8], mode: u32) -> io::Result<tempfile::NamedTempFile> {
    let mode = std::fs::Permissions::from_mode(mode);
    let mut temp = tempfile::Builder::new()
        .prefix(leftover::HELD)
        .suffix(leftover::SUFFIX)
        .permissions(mode.clone())
        .tempfile_in(parent(path))?;
    // Whoever sweeps sees by it that somebody is at work here. Not every file system has locks.
    let _ = temp.as_file().try_lock();
    temp.write_all(bytes)?;
    // The umask may have narrowed the mode that was asked for.
    temp.as_file().set_permissions(mode)?;
    temp.as_file().sync_all()?;
    Ok(temp)
}

/// What the file system said, without the name of a temporary file, which means nothing to anybody:
/// the crate `tempfile` puts that around it.
pub(crate) fn unnamed(error: &io::Error) -> Option<io::Error> {
    // It keeps the error itself to itself, so this is all there is to go by.
    let text = error.get_ref()?.to_string();
    let (said, _) = text.rsplit_once(" at path \"")?;
    Some(io::Error::new(error.kind(), said))
}

/// Makes a rename, creation or removal in `dir` durable.
pub(crate) fn sync_dir(dir: &Path) -> io::Result<()> {
    File::open(dir)?.sync_all()
}

/// The path itself if nothing is there, else the first of `PATH-2`, `PATH-3`, … that is free.
pub(crate) fn free(path: &Path) -> PathBuf {
    let numbered = |n: u32| {
        let mut name = path.as_os_str().to_owned();
        name.push(format!("-{n}"));
        PathBuf::from(name)
    };
    let all = std::iter::once(path.to_path_buf()).chain((2..=u32::MAX).map(numbered));
    let mut free = all.filter(|path| path.symlink_metadata().is_err());
    free.next().unwrap_or_else(|| path.to_path_buf())
}

/// Removes `path` durably; that it is not there is fine.
pub(crate) fn remove(path: &Path) -> io::Result<()> {
    match std::fs::remove_file(path) {
        Ok(()) => sync_dir(parent(path)),
        Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(e) => Err(e),
    }
}

/// The whole of a regular file of at most `limit` bytes, or `None` if there is no such file.
///
/// # Errors
/// A directory, FIFO, device or socket (opening never blocks on one), a file over the limit, and
/// whatever the file system says.
pub(crate) fn read_bounded(path: &Path, limit: u64) -> io::Result<Option<Vec<u8>>> {
    Ok(read_with_mode(path, limit)?.map(|(bytes, _)| bytes))
}

/// The same, with the permission bits of the very file that was read.
///
/// # Errors
/// As [`read_bounded`].
pub(crate) fn read_with_mode(path: &Path, limit: u64) -> io::Result<Option<(Vec<u8>, u32)>> {
    let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::CLOEXEC | OFlags::NOCTTY;
    let file = match rustix::fs::open(path, flags, Mode::empty()) {
        Ok(fd) => File::from(fd),
        Err(rustix::io::Errno::NOENT | rustix::io::Errno::NOTDIR) => return Ok(None),
        Err(e) => return Err(e.into()),
    };
    let meta = file.metadata()?;
    if !meta.is_file() {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "not a regular file"));
    }
    let mut bytes = Vec::with_capacity(usize::try_from(meta.len().min(limit)).unwrap_or(0) + 1);
    file.take(limit + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > limit {
        let why = format!("larger than the limit of {limit} bytes");
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, why));
    }
    Ok(Some((bytes, meta.mode() & 0o7777)))
}

/// Where a link leads at which [`read_bounded`] finds no file: the end of it, if it is a link to a
/// link. `None` for what is no link, or leads to something.
pub(crate) fn leads_nowhere(path: &Path) -> Option<PathBuf> {
    let mut end = parent(path).join(std::fs::read_link(path).ok()?);
    // The kernel follows as many; a circle it tells itself, as an error.
    for _ in 0..40 {
        match std::fs::read_link(&end) {
            Ok(next) => end = parent(&end).join(next),
            Err(_) if end.exists() => return None,
            Err(_) => return Some(end),
        }
    }
    None
}

/// The secret in a file, without one trailing newline.
///
/// # Errors
/// Why there is none: no such file, unreadable, longer than 1 MiB, not UTF-8 or empty. Nothing of
/// the content is quoted.
pub(crate) fn read_secret(path: &Path) -> Result<Secret, String> {
    read_secret_with_mode(path).map(|(secret, _)| secret)
}

/// The same, with the permission bits of the very file that was read.
///
/// # Errors
/// As [`read_secret`].
pub(crate) fn read_secret_with_mode(path: &Path) -> Result<(Secret, u32), String> {
    let (bytes, mode) = read_with_mode(path, SECRET_LIMIT)
        .map_err(|e| e.to_string())?
        .ok_or_else(|| "there is no such file".to_owned())?;
    let text = String::from_utf8(bytes).map_err(|_| "it is not UTF-8".to_owned())?;
    let secret = Secret::from_line(text);
    if secret.is_empty() { Err("it is empty".to_owned()) } else { Ok((secret, mode)) }
}

/// Whether this is a regular file of nothing but white space. One that cannot be read or is larger
/// than any slip of the pen is left for whoever reads it.
pub(crate) fn holds_nothing(path: &Path) -> bool {
    read_bounded(path, 4096)
        .is_ok_and(|found| found.is_some_and(|bytes| bytes.trim_ascii().is_empty()))
}

/// Whether `path` lies below `dir`. Below the top of the file system lies everything, which says
/// nothing: then nothing does.
pub(crate) fn within(dir: Option<&Path>, path: &Path) -> bool {
    dir.is_some_and(|dir| dir.parent().is_some() && path.starts_with(dir))
}

/// Whether everybody may read the file.
pub(crate) fn everybody_can_read(path: &Path) -> io::Result<bool> {
    Ok(std::fs::metadata(path)?.mode() & 0o004 != 0)
}

/// Whether anybody but the owner may read the file: group or other bits set.
pub(crate) fn others_can_read(path: &Path) -> io::Result<bool> {
    Ok(std::fs::metadata(path)?.mode() & 0o044 != 0)
}

/// What becomes of a file that is not there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Missing {
    /// It is made, with mode 0600.
    Create,
    /// That is an error.
    Fail,
}

/// Opens a file of ours for reading and writing, with everything in it.
///
/// # Errors
/// The path is a symbolic link, which whoever wrote to it could lead anywhere, or no regular file
/// (opening never blocks on one); and whatever the file system says.
pub(crate) fn open_own(path: &Path, missing: Missing) -> io::Result<File> {
    let mut flags = OFlags::RDWR | OFlags::NOFOLLOW | OFlags::NONBLOCK;
    flags |= OFlags::CLOEXEC | OFlags::NOCTTY;
    if missing == Missing::Create {
        flags |= OFlags::CREATE;
    }
    let file = match rustix::fs::open(path, flags, Mode::from_raw_mode(PRIVATE)) {
        Ok(fd) => File::from(fd),
        Err(rustix::io::Errno::LOOP) => {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "it is a symbolic link"));
        }
        Err(e) => return Err(e.into()),
    };
    if !file.metadata()?.is_file() {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "not a regular file"));
    }
    if missing == Missing::Create {
        owner::settle(&file, path)?;
    }
    Ok(file)
}

/// Opens a file of ours for reading; `None` if there is no such file.
///
/// # Errors
/// As [`open_own`].
pub(crate) fn open_to_read(path: &Path) -> io::Result<Option<File>> {
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let file = match rustix::fs::open(path, flags | OFlags::NOCTTY, Mode::empty()) {
        Ok(fd) => File::from(fd),
        Err(rustix::io::Errno::NOENT | rustix::io::Errno::NOTDIR) => return Ok(None),
        Err(rustix::io::Errno::LOOP) => {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "it is a symbolic link"));
        }
        Err(e) => return Err(e.into()),
    };
    if !file.metadata()?.is_file() {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "not a regular file"));
    }
    Ok(Some(file))
}

/// Creates the folder `dir` of a directory of ours as [`private_dir`] does.
///
/// # Errors
/// A symbolic link stands there, which could lead anywhere, or whatever the file system says.
pub(crate) fn private_folder(dir: &Path) -> io::Result<()> {
    match dir.symlink_metadata() {
        Ok(meta) if meta.is_symlink() => {
            let why = "a symbolic link stands where a folder of ours belongs";
            Err(io::Error::new(io::ErrorKind::NotADirectory, why))
        }
        _ => private_dir(dir),
    }
}

/// Creates `dir` with mode 0700 if it is missing, parents with the usual mode. It may be a link to
/// a directory: whoever named it may have meant that.
pub(crate) fn private_dir(dir: &Path) -> io::Result<()> {
    use std::os::unix::fs::DirBuilderExt as _;
    if dir.is_dir() {
        return Ok(());
    }
    if let Some(up) = dir.parent() {
        std::fs::create_dir_all(up)?;
    }
    match std::fs::DirBuilder::new().mode(0o700).create(dir) {
        Ok(()) => {
            let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
            owner::settle(&File::from(rustix::fs::open(dir, flags, Mode::empty())?), dir)
        }
        Err(e) if e.kind() == io::ErrorKind::AlreadyExists && dir.is_dir() => Ok(()),
        Err(e) => Err(e),
    }
}

pub(super) fn parent(path: &Path) -> &Path {
    match path.parent() {
        Some(dir) if !dir.as_os_str().is_empty() => dir,
        _ => Path::new("."),
    }
}

#[cfg(test)]
#[path = "file_tests.rs"]
mod tests;
