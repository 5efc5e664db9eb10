//! The store of a profile, for commands that work beside a server.

use crate::report::{Console, Fault, Problem};
use crate::settings::groups::MigrateMode;
use crate::settings::{SecretSource, Settings, Workspace, load};
use crate::store::{self, DatabaseOptions, Store, StoreError};
use std::sync::Arc;

/// The settings of the profile in use and the options of its store. Rules that the profile does
/// not hold yet are no obstacle: a key may be made before a provider is configured.
///
/// # Errors
/// Settings that cannot be read (3); a database URL that cannot be opened (5).
pub(super) fn options(
    workspace: &Workspace,
    secrets: &dyn SecretSource,
) -> Result<(Settings, DatabaseOptions), Fault> {
    let loaded = load(workspace, &workspace.profile, secrets);
    let Some(settings) = loaded.settings else {
        return Err(Fault::does_not_hold(loaded.problems));
    };
    let options = DatabaseOptions::from_settings(
        &settings.database,
        &settings.profile,
        &workspace.state_dir,
        secrets,
    )
    .map_err(Fault::unreachable)?;
    if settings.profile.policy.require_postgres && options.is_sqlite() {
        let profile = &settings.profile.name;
        return Err(Fault::does_not_hold(vec![
            Problem::error(
                "postgres-required",
                format!("profile `{profile}` requires PostgreSQL, and `DATABASE_URL` names none"),
            )
            .hint(format!("ultra keys set database --profile {profile}")),
        ]));
    }
    Ok((settings, options))
}

/// Opens the store and runs `work` on it, to the end of the command.
///
/// # Errors
/// The store's errors, and those of `work`.
pub(super) fn with_store<T>(
    options: &DatabaseOptions,
    mode: Option<MigrateMode>,
    work: impl AsyncFnOnce(Arc<dyn Store>) -> Result<T, StoreError>,
) -> Result<T, Fault> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|e| Fault::failure(Problem::error("runtime", "cannot start").why(e)))?;
    let options = DatabaseOptions { migrate: mode.or(options.migrate), ..options.clone() };
    runtime
        .block_on(async {
            let store = store::open(&options).await?;
            let outcome = work(Arc::clone(&store)).await;
            store.close().await;
            outcome
        })
        .map_err(|e| e.fault())
}

/// Asks before something is changed under a protected profile.
///
/// # Errors
/// Refused (6), or interrupted.
pub(super) fn confirm(settings: &Settings, what: &str, console: &dyn Console) -> Result<(), Fault> {
    if !settings.profile.protected {
        return Ok(());
    }
    let question = format!("{what} under the protected profile `{}`?", settings.profile.name);
    match console.confirm(&question) {
        Ok(true) => Ok(()),
        Ok(false) => Err(Fault::refused(Problem::error("not-confirmed", "nothing was changed"))),
        Err(unanswered) => Err(unanswered.fault(&question, "pass `--yes`")),
    }
}
