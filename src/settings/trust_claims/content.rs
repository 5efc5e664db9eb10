//! Files of the root that give a variable its value: their content is agreed to like a line of the
//! profile. Nobody has agreed to anything yet when it is shown, so what lies outside of the checkout
//! is not: its name may have come with a clone, and what is shown may end in somebody's log.

use super::told::hook;
use crate::base::file;
use crate::report::Place;
use crate::settings::Workspace;
use crate::settings::trust::Hook;
use std::path::{Path, PathBuf};

/// How much of a file's content is shown to who is asked.
const MOST_SHOWN: usize = 400;

/// What a file of the root gives a variable that can make a command run code or send elsewhere: its
/// content is agreed to, for the root's author can change it like a line of the profile. `None` of
/// one that is the user's, or cannot be read.
pub(super) fn content(workspace: &Workspace, variable: &str, path: &Path) -> Option<Hook> {
    let whole = workspace.root.as_ref()?.join(path);
    let text = is_the_roots(workspace, path).then(|| file::read_secret(&whole).ok())??;
    let hook = hook(workspace, variable, text.expose(), Some(&Place::file(&whole)));
    let shown = if !came_along(workspace, &whole) {
        "(a file outside of the checkout: read it)".to_owned()
    } else if hook.shown.len() > MOST_SHOWN {
        "(long: read the file)".to_owned()
    } else {
        hook.shown
    };
    Some(Hook { shown, ..hook })
}

/// Whether the root's author says what stands in a file that a profile names: the path begins at the
/// root, or the file lies in the checkout.
pub(crate) fn is_the_roots(workspace: &Workspace, path: &Path) -> bool {
    !path.is_absolute() || in_checkout(workspace, path).unwrap_or(true)
}

/// Whether a file came with the root: links followed, it lies in the checkout, and not in the state
/// directory, which holds what is the user's own.
fn came_along(workspace: &Workspace, path: &Path) -> bool {
    let state = real(&workspace.state_dir);
    let kept = state.zip(real(path)).is_some_and(|(state, path)| path.starts_with(state));
    !kept && in_checkout(workspace, path) == Some(true)
}

/// Whether a file really lies in the checkout; `None` if there is none to be found.
fn in_checkout(workspace: &Workspace, path: &Path) -> Option<bool> {
    let root = real(workspace.root.as_deref()?)?;
    Some(real(path)?.starts_with(workspace.checkout_around(&root)))
}

fn real(path: &Path) -> Option<PathBuf> {
    path.canonicalize().ok()
}
