//! The vault as it is published in the store, for servers that do not see its file: looked for
//! every other second, and taken if it is later than what is known.

use super::reload;
use super::state::App;
use crate::report::{Fault, Problem};
use crate::secrets::Followed;
use crate::store::{PublishedHead, PublishedVault, Store, StoreError};
use std::sync::Arc;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// How often the store is asked.
const POLL: Duration = Duration::from_secs(2);

/// Takes what is published, and loads values again when the vault is another than was loaded,
/// until `stop`.
pub(super) async fn follow(app: Arc<App>, stop: CancellationToken) {
    let mut told = None;
    let mut tried = app.reloader.generation();
    loop {
        tokio::select! {
            () = tokio::time::sleep(POLL) => {}
            () = stop.cancelled() => return,
        }
        look_and_tell(&app, &mut told).await;
        // Another server of the same directory may have taken it.
        let generation = generation(app.reloader.vault()).await;
        if generation.is_some() && generation != app.reloader.generation() && generation != tried {
            reload::reload_and_tell(&app, "another generation of the vault").await;
        }
        tried = generation;
    }
}

async fn generation(vault: &Arc<Followed>) -> Option<u64> {
    let vault = Arc::clone(vault);
    let asked = tokio::task::spawn_blocking(move || vault.generation().ok().flatten()).await;
    asked.ok().flatten()
}

/// Looks once; a failure is logged when it is another than the last one.
pub(super) async fn look_and_tell(app: &App, told: &mut Option<String>) {
    match look(&*app.store, app.reloader.vault()).await {
        Ok(true) => {
            tracing::info!("a later generation of the vault was taken from the store");
            *told = None;
        }
        Ok(false) => *told = None,
        Err(error) => {
            let error = error.to_string();
            if told.as_ref() != Some(&error) {
                tracing::warn!(%error, "the published vault was not taken");
                *told = Some(error);
            }
        }
    }
}

/// Takes the published vault if it is later than what is known. Says whether it was taken.
///
/// # Errors
/// It does not fit, or cannot be opened or kept. A store that is away is none: the next look may
/// find it.
pub(crate) async fn look(store: &dyn Store, vault: &Arc<Followed>) -> Result<bool, Fault> {
    let away = |error: StoreError| tracing::debug!(%error, "published vaults cannot be read");
    let heads = match store.published_heads().await {
        Ok(heads) if heads.is_empty() => return Ok(false),
        Ok(heads) => heads,
        Err(error) => {
            away(error);
            return Ok(false);
        }
    };
    let (asked, all) = (Arc::clone(vault), heads);
    let Some(head) = blocking(move || later(&asked, all)).await? else { return Ok(false) };
    let published: PublishedVault = match store.published_vault(&head.vault_id).await {
        Ok(Some(published)) => published,
        Ok(None) => return Ok(false),
        Err(error) => {
            away(error);
            return Ok(false);
        }
    };
    let vault = Arc::clone(vault);
    blocking(move || vault.take(&published.sealed, &published.fingerprints)).await
}

/// The published vault that is this server's and later than what it knows.
fn later(vault: &Followed, heads: Vec<PublishedHead>) -> Result<Option<PublishedHead>, Fault> {
    let id = vault.vault_id()?;
    let ours = |head: &PublishedHead| match &id {
        Some(id) => head.vault_id == *id,
        // Before the first one, whichever its identity opens.
        None => vault.recipient().is_some_and(|recipient| recipient == head.recipient),
    };
    let known = vault.generation()?;
    let head = heads.into_iter().filter(ours).max_by_key(|head| head.generation);
    Ok(head.filter(|head| known.is_none_or(|known| head.generation > known)))
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Fault> + Send + 'static,
) -> Result<T, Fault> {
    tokio::task::spawn_blocking(work).await.map_err(|_| {
        Fault::failure(Problem::error("published-vault", "the published vault was not read"))
    })?
}
