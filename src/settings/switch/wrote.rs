//! Whether a switch here wrote a generated `.env`, or it came from elsewhere: anybody can write the
//! first line of one, digest and all.

use super::{generated, history};
use crate::settings::Workspace;
use crate::settings::switch_record::{self, SwitchKind, SwitchRecord};

/// Whether a switch of this state directory wrote just these bytes as `.env`. Asked is the last
/// record, and that of the generation which the bytes name: an undo brings back what an earlier
/// switch wrote, and what it found there before, which is nobody's word.
pub(in crate::settings) fn wrote(workspace: &Workspace, bytes: &[u8]) -> bool {
    let left = |record: &SwitchRecord| {
        record.kind == SwitchKind::Switch && record.env_after.as_deref() == Some(bytes)
    };
    if workspace.switch_record.as_ref().is_some_and(left) {
        return true;
    }
    let Some((header, true)) = generated::inspect(bytes) else { return false };
    let path = history::path(&workspace.state_dir, header.generation);
    switch_record::read_file(&path).ok().flatten().as_ref().is_some_and(left)
}
