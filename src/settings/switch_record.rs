//! The switch record: the one file whose rename commits a switch of profiles.

use crate::base::{Timestamp, file};
use crate::report::{Place, Problem};
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};

/// The largest record that is read: two `.env` files of the greatest size in base64, and room.
const RECORD_LIMIT: u64 = 8 << 20;

/// What `switch.json` holds. It never holds a secret: the generated `.env` has none.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct SwitchRecord {
    /// Counts switches, from 1.
    #[serde(default)]
    pub(crate) generation: u64,
    /// The profile before, if a switch had decided it.
    #[serde(default)]
    pub(crate) from: Option<String>,
    /// The profile in use since.
    pub(crate) to: String,
    /// The bytes of `.env` before the switch; `None` if there was no such file.
    #[serde(default, with = "bytes")]
    pub(crate) env_before: Option<Vec<u8>>,
    /// The bytes of `.env` after the switch; `None` if none was written.
    #[serde(default, with = "bytes")]
    pub(crate) env_after: Option<Vec<u8>>,
    /// When it was committed.
    #[serde(default)]
    pub(crate) at: Option<Timestamp>,
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
    let path = path(state_dir);
    let problem = |why: String| {
        Problem::error("switch-record", "cannot read the switch record")
            .at(Place::file(&path))
            .why(why)
            .hint("name the profile with `--profile`, or put the file back from a backup")
    };
    let Some(bytes) =
        file::read_bounded(&path, RECORD_LIMIT).map_err(|e| problem(e.to_string()))?
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
            from: Some("dev".into()),
            to: "prod".into(),
            env_before: Some(b"A=\xff".to_vec()),
            env_after: None,
            at: None,
        };
        std::fs::write(path(dir.path()), serde_json::to_vec(&record).unwrap()).unwrap();
        assert_eq!(read(dir.path()).unwrap(), Some(record));
        std::fs::write(path(dir.path()), br#"{"to": "canary-1"#).unwrap();
        let problem = read(dir.path()).unwrap_err();
        assert!(!format!("{problem:?}").contains("canary"), "{problem:?}");
    }
}
