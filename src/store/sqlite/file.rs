//! Looking at a database file before SQLite does: nothing here writes.

use crate::base::file::private_dir;
use crate::base::owner;
use crate::store::StoreError;
use rustix::fs::{Access, AtFlags, CWD, accessat};
use std::io::Read as _;
use std::path::Path;

/// What every SQLite 3 file begins with (<https://www.sqlite.org/fileformat2.html#the_database_header>).
const MAGIC: &[u8; 16] = b"SQLite format 3\0";

/// File systems whose locks or shared memory cannot be trusted across machines, by their magic
/// numbers (`statfs(2)`, `linux/magic.h`).
const NETWORK: &[(u64, &str)] = &[
    (0x6969, "NFS"),
    (0xff53_4d42, "CIFS"),
    (0xfe53_4d42, "SMB2"),
    (0x517b, "SMB"),
    (0x564c, "NCP"),
    (0x0102_1997, "9P"),
    (0x5346_414f, "AFS"),
    (0x6b41_4653, "AFS"),
    (0x00c3_6400, "Ceph"),
    (0x7461_636f, "OCFS2"),
    (0x0bd0_0bd0, "Lustre"),
    (0x0116_1970, "GFS2"),
];

/// Whether there is such a file.
pub(super) fn exists(path: &Path) -> bool {
    path.symlink_metadata().is_ok()
}

/// Refuses what cannot be our database: no regular file, no SQLite file, not writable, or on a
/// network file system.
pub(super) fn inspect(path: &Path, at: &str) -> Result<(), StoreError> {
    let denied = |why: String| StoreError::Denied { at: at.to_owned(), why };
    let damaged = |why: &str| StoreError::Damaged { at: at.to_owned(), why: why.to_owned() };
    let Some(dir) = nearest_dir(path) else {
        return Err(denied("its directory does not exist".to_owned()));
    };
    if let Some(kind) = network_file_system(dir) {
        return Err(StoreError::Unsuitable {
            at: at.to_owned(),
            why: format!("it is on a network file system ({kind}), where SQLite loses data"),
        });
    }
    if !exists(path) {
        return writable(dir).map_err(|why| denied(format!("its directory: {why}")));
    }
    let meta = std::fs::metadata(path).map_err(|e| denied(e.kind().to_string()))?;
    if !meta.is_file() {
        return Err(damaged("it is not a regular file"));
    }
    writable(path).map_err(&denied)?;
    // SQLite keeps its log and its shared memory beside the file.
    writable(path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new(".")))
        .map_err(|why| denied(format!("its directory: {why}")))?;
    let mut head = Vec::with_capacity(MAGIC.len());
    std::fs::File::open(path)
        .and_then(|file| file.take(MAGIC.len() as u64).read_to_end(&mut head))
        .map_err(|e| denied(e.kind().to_string()))?;
    // An empty file is what SQLite itself leaves when it dies before its first transaction.
    if !head.is_empty() && head != MAGIC {
        return Err(damaged("the file is not a SQLite database"));
    }
    Ok(())
}

/// Creates the directory of the database (0700) and an empty file (0600), unless they are there.
pub(super) fn create(path: &Path, at: &str) -> Result<(), StoreError> {
    use std::os::unix::fs::OpenOptionsExt as _;
    let denied =
        |e: std::io::Error| StoreError::Denied { at: at.to_owned(), why: e.kind().to_string() };
    if let Some(dir) = path.parent().filter(|dir| !dir.as_os_str().is_empty()) {
        private_dir(dir).map_err(denied)?;
    }
    match std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path) {
        Ok(file) => owner::settle(&file, path).map_err(denied),
        Err(e) if e.kind() == std::io::ErrorKind::AlreadyExists => Ok(()),
        Err(e) => Err(denied(e)),
    }
}

/// The nearest directory above `path` that exists.
fn nearest_dir(path: &Path) -> Option<&Path> {
    path.ancestors()
        .skip(1)
        .map(|dir| if dir.as_os_str().is_empty() { Path::new(".") } else { dir })
        .find(|dir| dir.is_dir())
}

fn writable(path: &Path) -> Result<(), String> {
    accessat(CWD, path, Access::READ_OK | Access::WRITE_OK, AtFlags::EACCESS)
        .map_err(|e| std::io::Error::from(e).kind().to_string())
}

fn network_file_system(dir: &Path) -> Option<&'static str> {
    let stat = rustix::fs::statfs(dir).ok()?;
    // The type of the field differs between architectures; the number does not.
    let magic = u64::try_from(stat.f_type).unwrap_or(0) & 0xffff_ffff;
    NETWORK.iter().find(|(number, _)| *number == magic).map(|(_, name)| *name)
}
