//! The switch record: the one file whose rename commits a switch of profiles.

use crate::base::{Timestamp, file};
use crate::report::{Place, Problem};
use serde::{Deserialize, Serialize};
use std::io;
use std::path::{Path, PathBuf};

/// The largest record that is read: two `.env` files of the greatest size in base64, and room.
const RECORD_LIMIT: u64 = 8 << 20;

/// What a record records.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum SwitchKind {
    /// `ultra env switch`.
    #[default]
    Switch,
    /// `ultra env undo`.
    Undo,
}

/// What becomes of `.env`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum DotenvStep {
    /// It becomes `env_after`, or goes away.
    #[default]
    Write,
    /// Somebody's file moves to `.env.local`, then it becomes `env_after`.
    Adopt,
    /// The way back from that: `.env.local` moves to `.env`.
    Restore,
    /// Nothing.
    Leave,
}

/// What `switch.json` holds. It never holds a secret: the generated `.env` has none, and bytes of
/// a file that somebody wrote are never kept here.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct SwitchRecord {
    /// Counts switches and undos, from 1.
    #[serde(default)]
    pub(crate) generation: u64,
    /// What it records.
    #[serde(default)]
    pub(crate) kind: SwitchKind,
    /// The profile before, if a switch had decided it.
    #[serde(default)]
    pub(crate) from: Option<String>,
    /// The profile in use since; `None` if an undo went back to where nobody had decided.
    pub(crate) to: Option<String>,
    /// What becomes of `.env`.
    #[serde(default)]
    pub(crate) dotenv: DotenvStep,
    /// The bytes of the generated `.env` before; `None` if there was none, or it was somebody's.
    #[serde(default, with = "bytes")]
    pub(crate) env_before: Option<Vec<u8>>,
    /// The bytes of `.env` after the switch; `None` if none was written.
    #[serde(default, with = "bytes")]
    pub(crate) env_after: Option<Vec<u8>>,
    /// The generations that an undo takes back.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) undoes: Vec<u64>,
    /// When it was committed.
    #[serde(default)]
    pub(crate) at: Option<Timestamp>,
}

impl SwitchRecord {
    /// The record as it is written: one JSON document and a newline.
    ///
    /// # Errors
    /// A value that JSON cannot hold, which there is none of.
    pub(crate) fn to_bytes(&self) -> io::Result<Vec<u8>> {
        let mut bytes = serde_json::to_vec_pretty(self)?;
        bytes.push(b'\n');
        Ok(bytes)
    }
}

/// Where the record stands.
pub(crate) fn path(state_dir: &Path) -> PathBuf {
    state_dir.join("switch.json")
}

/// The record of this state directory, or `None` if nobody has switched yet.
///
/// # Errors
/// The file cannot be read, or is no record.
pub(crate) fn read(state_dir: &Path) -> Result<Option<SwitchRecord>, Problem> {
    read_file(&path(state_dir)).map_err(|problem| {
        problem.hint(
            "a switch to the profile that you want moves it aside to `switch.json.damaged`, such as \
             `ultra env switch dev --profile dev`",
        )
    })
}

/// Moves a record that cannot be read to `switch.json.damaged`, so that a new one can be made.
///
/// # Errors
/// The directory cannot be written.
pub(crate) fn set_aside(state_dir: &Path) -> io::Result<()> {
    if read(state_dir).is_ok() {
        return Ok(());
    }
    std::fs::rename(path(state_dir), state_dir.join("switch.json.damaged"))
}

/// The record in this file: `switch.json`, or an entry of the history.
///
/// # Errors
/// As [`read`].
pub(crate) fn read_file(path: &Path) -> Result<Option<SwitchRecord>, Problem> {
    let problem = |why: String| {
        Problem::error("switch-record", "cannot read the switch record")
            .at(Place::file(path))
            .why(why)
            .hint(
                "put the file back from a backup; or move it away: that switch is then not undone",
            )
    };
    let Some(bytes) = file::read_bounded(path, RECORD_LIMIT).map_err(|e| problem(e.to_string()))?
    else {
        return Ok(None);
    };
    serde_json::from_slice(&bytes)
        .map(Some)
        .map_err(|e| problem(format!("it is damaged at line {}, column {}", e.line(), e.column())))
}

/// Bytes as base64 text.
mod bytes {
    use data_encoding::BASE64;
    use serde::{Deserialize as _, Deserializer, Serialize as _, Serializer, de};

    pub(super) fn serialize<S: Serializer>(
        bytes: &Option<Vec<u8>>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        bytes.as_deref().map(|b| BASE64.encode(b)).serialize(serializer)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<Vec<u8>>, D::Error> {
        Option::<String>::deserialize(deserializer)?
            .map(|text| BASE64.decode(text.as_bytes()))
            .transpose()
            .map_err(|_| de::Error::custom("not base64"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_reads_back_and_damage_is_told_without_content() {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(read(dir.path()).unwrap(), None);
        let record = SwitchRecord {
            generation: 3,
            kind: SwitchKind::Undo,
            from: Some("dev".into()),
            to: Some("prod".into()),
            dotenv: DotenvStep::Restore,
            env_before: Some(b"A=\xff".to_vec()),
            env_after: None,
            undoes: vec![2],
            at: None,
        };
        std::fs::write(path(dir.path()), serde_json::to_vec(&record).unwrap()).unwrap();
        assert_eq!(read(dir.path()).unwrap(), Some(record));
        std::fs::write(path(dir.path()), br#"{"to": "canary-1"#).unwrap();
        let problem = read(dir.path()).unwrap_err();
        assert!(!format!("{problem:?}").contains("canary"), "{problem:?}");
    }
}
