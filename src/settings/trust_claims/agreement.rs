//! Whether the user has agreed to what the files of a root ask for. The files are read once a load,
//! and whoever asks more of them asks what was read then: judged is what the settings came from.

use super::gather::{self, Gathered};
use crate::report::{Place, Problem};
use crate::settings::Workspace;
use crate::settings::trust::{Claims, TrustStatus, status, store_path};
use std::fmt;
use std::sync::Arc;

/// What the files of a root ask for, and whether the user has agreed to it.
pub(crate) struct Agreement {
    /// What they ask for.
    pub(crate) claims: Claims,
    status: Result<TrustStatus, Problem>,
    files: Arc<Gathered>,
}

impl fmt::Debug for Agreement {
    /// The files may hold secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Agreement").field("status", &self.status).finish_non_exhaustive()
    }
}

impl Agreement {
    /// Reads the files of the workspace's root. Without a root it is about the directory whose dotenv
    /// files are layers. What a value comes to now is judged for `profile`.
    pub(crate) fn of(workspace: &Workspace, profile: &str) -> Self {
        let files = match workspace.dotenv_dir() {
            Some(_) => Gathered::read(workspace),
            None => Gathered::nothing(),
        };
        Self::judged(workspace, profile, Arc::new(files))
    }

    /// The same for another profile of the workspace, by what was read for this one.
    pub(crate) fn under(&self, workspace: &Workspace, profile: &str) -> Self {
        Self::judged(workspace, profile, Arc::clone(&self.files))
    }

    fn judged(workspace: &Workspace, profile: &str, files: Arc<Gathered>) -> Self {
        let Some(root) = workspace.dotenv_dir() else {
            let status = Ok(TrustStatus::NotNeeded);
            return Self { claims: Claims::default(), status, files };
        };
        let claims = gather::claims(&files.files(workspace), profile);
        let status = status(store_path(&workspace.environment).as_deref(), root, &claims);
        Self { claims, status, files }
    }

    /// Whether the user has agreed.
    ///
    /// # Errors
    /// The list of trusted roots cannot be read.
    pub(crate) fn status(&self) -> Result<TrustStatus, Problem> {
        self.status.clone()
    }

    /// What keeps the value that `name` has at `place` in a dotenv file of the root from being agreed
    /// to: variables that other lines say, each with its place, the first few by name. Without a place
    /// it is about the variable itself, too.
    pub(crate) fn pieces(
        &self,
        workspace: &Workspace,
        name: &str,
        place: Option<&Place>,
    ) -> Vec<String> {
        self.files.files(workspace).pieces(name, place)
    }
}
