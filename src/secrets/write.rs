//! Writing the vault: one writer at a time, all or nothing.
//!
//! Order of a write, each step durable before the next: audit line · index with the old and the
//! new snapshot · vault · index with the new one. The third is the commit. Whatever is interrupted
//! before it has changed nothing; whatever after it needs no repair, because the digest of the
//! vault tells which snapshot holds.

use super::audit::{self, Event};
use super::backend::BackendKind;
use super::crypto::{Identity, digest};
use super::document::Document;
use super::index::{Index, Snapshot};
use super::lineage;
use super::overview::{Freshness, glance};
use super::source::{LIMIT, VaultSource};
use super::taking::AUDIT_LIMIT;
use crate::base::lock::{Lock, LockError};
use crate::base::{file, leftover};
use crate::report::{Fault, Place, Problem};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

/// How long a writer waits for another.
const PATIENCE: Duration = Duration::from_secs(10);

/// What an edit of the vault made.
#[derive(Debug)]
pub(crate) struct Edited<T> {
    /// What the editor wants to know afterwards.
    pub(crate) value: T,
    /// What the audit is told. Without an event nothing is written: nothing was changed.
    pub(crate) events: Vec<Event>,
}

/// What a write did.
#[derive(Debug)]
pub(crate) struct Written<T> {
    /// What the edit made.
    pub(crate) value: T,
    /// The vault's generation after it.
    pub(crate) generation: u64,
    /// What keeps the vault's identity.
    pub(crate) backend: BackendKind,
    /// Whether this was the first write.
    pub(crate) first: bool,
    /// What the operator should know besides.
    pub(crate) warnings: Vec<Problem>,
}

/// The vault under the writer's lock.
pub(super) struct Opened {
    pub(super) document: Document,
    pub(super) identity: Arc<Identity>,
    pub(super) index: Index,
    pub(super) first: bool,
    /// What the audit is told of a vault that is not the one that was written last.
    pub(super) rebuilt: Option<Event>,
    pub(super) warnings: Vec<Problem>,
}

impl VaultSource {
    /// Changes the vault by `edit`, under a lock and durably, or not at all.
    ///
    /// `backend` is what the operator asked for; it matters at the first write and is refused
    /// later if another is recorded. `purpose` is shown to others who wait for the lock.
    ///
    /// # Errors
    /// Another writer does not finish (5), the vault cannot be opened (5), no backend works (5),
    /// the file system refuses (5), or `edit` does.
    pub(crate) fn write<T>(
        &self,
        backend: Option<BackendKind>,
        purpose: &str,
        edit: impl FnOnce(&mut Document) -> Result<Edited<T>, Fault>,
    ) -> Result<Written<T>, Fault> {
        self.edit(backend, purpose, false, edit)
    }

    /// The same; one that `settles` writes also if all there is to tell is that the vault is another.
    fn edit<T>(
        &self,
        backend: Option<BackendKind>,
        purpose: &str,
        settles: bool,
        edit: impl FnOnce(&mut Document) -> Result<Edited<T>, Fault>,
    ) -> Result<Written<T>, Fault> {
        self.prepare()
            .map_err(|e| failure("cannot make the state directory", &self.state_dir, &e))?;
        // Whoever must be asked for the identity is asked before others are kept waiting.
        if let Some(index) = self.read_index()?.filter(|index| index.current.is_some()) {
            self.unlock(Some(&index))?;
        }
        let _lock = self.writers_lock(purpose)?;
        let mut opened = self.open_for_writing(backend)?;
        let Edited { value, mut events } = edit(&mut opened.document)?;
        if settles || !events.is_empty() {
            events.splice(..0, opened.rebuilt.take());
        }
        let (backend, first) = (opened.index.backend, opened.first);
        let mut warnings = std::mem::take(&mut opened.warnings);
        if !events.is_empty() {
            warnings.extend(self.commit(&mut opened, events)?);
        }
        self.forget();
        let generation = opened.document.generation;
        Ok(Written { value, generation, backend, first, warnings })
    }

    /// Has the index say what is in the vault, where it is gone or of another vault file: whoever
    /// goes by it would act on what is not so. Opens the vault then, and nothing otherwise.
    ///
    /// # Errors
    /// The vault is gone (5), or cannot be opened to see what is in it.
    pub(crate) fn settle_index(&self) -> Result<Vec<Problem>, Fault> {
        match self.overview()?.freshness {
            Freshness::NoVault | Freshness::Fresh => return Ok(Vec::new()),
            Freshness::Lost => return Err(self.lost()),
            Freshness::Stale | Freshness::NoIndex => {}
        }
        let unchanged = |_: &mut Document| Ok(Edited { value: (), events: Vec::new() });
        self.edit(None, "making the index anew", true, unchanged).map(|written| written.warnings)
    }

    /// Tells the audit of something that changes nothing in the vault. Opens nothing.
    ///
    /// # Errors
    /// Another writer does not finish (5), or the file system refuses (5).
    pub(crate) fn note(&self, purpose: &str, event: Event) -> Result<(), Fault> {
        let _lock = self.writers_lock(purpose)?;
        self.record(event, |_| {})
    }

    /// Appends an event that changes nothing in the vault, and has the index remember it, together
    /// with what `also` changes there. The caller holds the lock.
    pub(super) fn record(&self, event: Event, also: impl FnOnce(&mut Index)) -> Result<(), Fault> {
        let overview = self.overview()?;
        let (audit, now) = (self.path("audit.jsonl"), self.clock.now());
        let unaudited = |e: std::io::Error| failure("cannot write the audit", &audit, &e);
        // Without an index that is of this vault nobody knows here where the vault stands.
        if overview.freshness == Freshness::Fresh {
            audit::settle(&audit, now, overview.generation).map_err(unaudited)?;
        }
        let last = audit::generation(&audit).map_err(unaudited)?;
        let generation = last.unwrap_or(overview.generation);
        let index = self.read_index()?;
        let known = index.as_ref().and_then(Index::audited);
        let line = audit::draft(&audit, now, generation, vec![event], known).map_err(unaudited)?;
        let anchor = line.anchor();
        line.write().map_err(unaudited)?;
        let Some(mut index) = index else { return Ok(()) };
        for snapshot in index.current.iter_mut().chain(&mut index.next) {
            snapshot.audit.clone_from(&anchor);
        }
        also(&mut index);
        let path = self.index_path();
        let written = index.write(&path);
        self.forget();
        written.map_err(|e| failure("cannot write the index of the vault", &path, &e))
    }

    /// The right to write; for everybody else the vault is busy. What writers that were killed left
    /// goes.
    pub(super) fn writers_lock(&self, purpose: &str) -> Result<Lock, Fault> {
        let path = self.path("vault.lock");
        let lock = Lock::take(&path, purpose, PATIENCE).map_err(|e| match e {
            LockError::Held { .. } => Fault::unreachable(
                Problem::error("vault-busy", "the vault is being written by another process")
                    .at(Place::file(&path))
                    .why(e)
                    .hint("wait for it and run the command again"),
            ),
            LockError::Io(e) => failure("cannot lock the vault", &path, &e),
        })?;
        leftover::sweep_state(&self.state_dir);
        Ok(lock)
    }

    fn open_for_writing(&self, backend: Option<BackendKind>) -> Result<Opened, Fault> {
        let index = self.read_index()?;
        let Some(sealed) = self.read_sealed()? else {
            if index.as_ref().is_some_and(|i| i.current.is_some()) {
                return Err(self.lost());
            }
            return self.found_vault(index, backend);
        };
        let overview = glance(index.clone(), Some(&sealed));
        let (identity, document, index) = match index {
            Some(index) => {
                if let Some(wanted) = backend.filter(|b| *b != index.backend) {
                    return Err(recorded_otherwise(wanted, index.backend));
                }
                let identity = self.unlock(Some(&index))?;
                let document = self.unseal(&identity, &sealed, Some(&index))?;
                (identity, document, index)
            }
            None => {
                let (identity, kind) = self.found()?;
                let document = self.unseal(&identity, &sealed, None)?;
                let index = Index::new(document.vault.clone(), kind, identity.recipient());
                (self.remember(identity), document, index)
            }
        };
        let mut warnings = Vec::new();
        let unlike = match overview.freshness {
            Freshness::NoIndex => Some(("the index of the vault was gone and is made anew", "")),
            Freshness::Stale => Some((
                "the index of the vault was behind and is rebuilt",
                "the vault was replaced by something other than ultra, such as a backup",
            )),
            Freshness::NoVault | Freshness::Fresh | Freshness::Lost => None,
        };
        warnings.extend(unlike.map(|(what, why)| {
            let warning = Problem::warning("vault-index", what);
            if why.is_empty() { warning } else { warning.why(why) }
        }));
        // It may be older than what servers were given, and comes from nothing that is later than it.
        // Its index does not tell, if that was put back with it.
        let other = unlike.is_some() || self.is_left(&document);
        let rebuilt = other.then(|| Event {
            event: lineage::REBUILT.to_owned(),
            profile: "*".to_owned(),
            name: "*".to_owned(),
            version: 0,
            fingerprint: None,
            detail: Some(lineage::after(
                &format!("generation {}", document.generation),
                document.audit.as_ref(),
            )),
        });
        let mut document = document;
        // A restored backup must not bring back a generation that servers have already seen.
        document.generation = document.generation.max(overview.generation);
        Ok(Opened { document, identity, index, first: false, rebuilt, warnings })
    }

    /// Whether the audit went on from another vault than this one, so that a line has to say so.
    /// An audit that cannot be searched does not show that it did not.
    fn is_left(&self, document: &Document) -> bool {
        let Some(own) = &document.audit else { return false };
        match file::read_bounded(&self.path("audit.jsonl"), AUDIT_LIMIT) {
            Ok(audit) => audit.is_some_and(|a| lineage::is_left(&a, own, document.generation)),
            Err(_) => true,
        }
    }

    /// Writes everything. The answer is a warning where the write counts but may not outlive a power
    /// failure.
    pub(super) fn commit(
        &self,
        opened: &mut Opened,
        events: Vec<Event>,
    ) -> Result<Option<Problem>, Fault> {
        let Opened { document, identity, index, .. } = opened;
        let before = document.generation;
        document.generation += 1;
        let generation = document.generation;
        let (audit, now) = (self.path("audit.jsonl"), self.clock.now());
        let unaudited = |e: std::io::Error| failure("cannot write the audit", &audit, &e);
        audit::settle(&audit, now, before).map_err(unaudited)?;
        let known = index.audited().into_iter().chain(document.audit.clone());
        let known = known.max_by_key(|anchor| anchor.seq);
        let lines = audit::draft(&audit, now, generation, events, known).map_err(unaudited)?;
        document.audit = lines.anchor();
        let unsealable = || Fault::bug("the vault cannot be written as JSON");
        let text = document.to_json().ok_or_else(unsealable)?;
        let sealed = identity.seal(&text).map_err(|_| unsealable())?;
        if sealed.len() as u64 > LIMIT {
            return Err(Fault::refused(
                Problem::error("vault-full", "the vault would become too large")
                    .why(format!("its limit is {} MiB", LIMIT >> 20)),
            ));
        }
        let key = self.fingerprint_key()?;
        let entries = document.facts(|value| key.of(value));
        let audited = lines.anchor();
        let next = Snapshot { generation, digest: digest(&sealed), entries, audit: audited };
        lines.write().map_err(unaudited)?;
        let (vault_path, index_path) = (self.vault_path(), self.index_path());
        // Keep the snapshot that holds now; after a crash that may be the one called `next`.
        let holds = index.next.take().into_iter().chain(index.current.take());
        let now_sealed = self.read_sealed()?.map(|bytes| digest(&bytes));
        index.current = holds.into_iter().find(|s| Some(&s.digest) == now_sealed.as_ref());
        index.next = Some(next);
        index
            .write(&index_path)
            .map_err(|e| failure("cannot write the index of the vault", &index_path, &e))?;
        let mut warning = None;
        if let Err(e) = file::write_atomic(&vault_path, &sealed, file::PRIVATE) {
            // A rename that happened counts, even if making it durable failed: whoever were told to
            // run it again would do so with a key that is already in use.
            let stands = self.read_sealed().ok().flatten().map(|bytes| digest(&bytes));
            if stands.is_none() || stands != index.next.as_ref().map(|next| next.digest.clone()) {
                return Err(failure("cannot write the vault", &vault_path, &e));
            }
            warning = Some(
                Problem::warning(
                    "vault-not-durable",
                    "the vault was written, but could not be made durable",
                )
                .at(Place::file(&vault_path))
                .why(e)
                .hint("look after the disk; after a power failure, `ultra keys list` tells what is there"),
            );
        }
        // The write is done; tidying the index can wait for the next one.
        index.current = index.next.take();
        let _ = index.write(&index_path);
        Ok(warning)
    }
}

pub(super) fn failure(what: &str, path: &Path, e: &std::io::Error) -> Fault {
    Fault::unreachable(
        Problem::error("vault-write", what)
            .at(Place::file(path))
            .why(e)
            .hint(format!("{}, and run it again", Problem::room(path, e))),
    )
}

fn recorded_otherwise(wanted: BackendKind, recorded: BackendKind) -> Fault {
    Fault::refused(
        Problem::error(
            "backend-recorded",
            format!("the vault's identity is kept by `{}`", recorded.word()),
        )
        .why(format!("`--backend {}` counts at the first write only", wanted.word()))
        .hint("leave out `--backend`"),
    )
}
