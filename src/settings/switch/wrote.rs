//! Whether a switch here wrote a generated `.env`, or it came from elsewhere: anybody can write the
//! first line of one, digest and all.

use super::{generated, history};
use crate::settings::Workspace;
use crate::settings::switch_record::{self, SwitchRecord};

/// Whether a switch or an undo of this state directory left just these bytes as `.env`. Asked is its
/// record, and that of the generation which the bytes name: an undo brings back what an earlier one
/// wrote, and a switch may leave it alone.
pub(in crate::settings) fn wrote(workspace: &Workspace, bytes: &[u8]) -> bool {
    let left = |record: &SwitchRecord| record.env_after.as_deref() == Some(bytes);
    if workspace.switch_record.as_ref().is_some_and(left) {
        return true;
    }
    let Some((header, true)) = generated::inspect(bytes) else { return false };
    let path = history::path(&workspace.state_dir, header.generation);
    switch_record::read_file(&path).ok().flatten().as_ref().is_some_and(left)
}
