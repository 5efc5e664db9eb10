//! Sealing: files of the server, and answers in the cache, that only it may read or change
//! (AES-256-GCM).

use super::key::random;
use super::material::LocalKey;
use crate::base::file::{self, PRIVATE};
use crate::base::{Secret, Timestamp, words};
use crate::gateway::answers::Sealing;
use crate::report::{Place, Problem};
use crate::store::ServiceKey;
use arc_swap::ArcSwap;
use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use aws_lc_rs::hkdf::{HKDF_SHA256, Salt};
use aws_lc_rs::hmac;
use data_encoding::HEXLOWER;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::Snapshot;

/// What a sealed file begins with; part of what is authenticated.
const MAGIC: &[u8] = b"ultra-seal/1\n";
/// The largest sealed copy that is read.
const LIMIT: u64 = 256 << 20;

/// A key that seals: for each use another one, made of the same.
pub(crate) struct Seal {
    snapshot: LessSafeKey,
    answers: LessSafeKey,
    /// Makes the names of answers.
    names: hmac::Key,
}

impl std::fmt::Debug for Seal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Seal")
    }
}

impl Seal {
    /// The seal that an encryption key makes.
    pub(crate) fn from_key(key: &Secret) -> Option<Self> {
        let derived = Salt::new(HKDF_SHA256, b"ultra seal v1").extract(key.expose().as_bytes());
        let sealing = |use_: &[u8]| {
            let key = UnboundKey::from(derived.expand(&[use_], &AES_256_GCM).ok()?);
            Some(LessSafeKey::new(key))
        };
        Some(Self {
            snapshot: sealing(b"identity snapshot")?,
            answers: sealing(b"answers")?,
            names: hmac::Key::from(derived.expand(&[b"names of answers"], hmac::HMAC_SHA256).ok()?),
        })
    }

    /// The seal of this process alone: what it seals nobody opens after it.
    pub(crate) fn of_process() -> Option<Self> {
        Self::from_key(&Secret::new(HEXLOWER.encode(&random::<32>())))
    }

    /// The seal of a server without an encryption key, made from [`Seal::key_of_state_dir`].
    ///
    /// # Errors
    /// The file cannot be made or read, or others can read it.
    pub(crate) fn from_state_dir(state_dir: &Path) -> Result<Self, Problem> {
        let key = Self::key_of_state_dir(state_dir)?;
        Self::from_key(&key.0)
            .ok_or_else(|| Problem::error("seal-key", "no key can be derived from `seal.key`"))
    }

    /// A key in a file of the state directory (`seal.key`, 0600), made when it is missing. It
    /// keeps what is sealed from whoever gets a copy of the sealed file alone, not from whoever
    /// can read the directory.
    ///
    /// # Errors
    /// The file cannot be made or read, or others can read it.
    pub(super) fn key_of_state_dir(state_dir: &Path) -> Result<LocalKey, Problem> {
        let path = state_dir.join("seal.key");
        let problem = |why: String| {
            Problem::error("seal-key", "cannot use the key that seals the identity snapshot")
                .at(Place::file(&path))
                .why(why)
        };
        let io = |e: io::Error| problem(e.kind().to_string());
        file::private_dir(state_dir).map_err(io)?;
        let mut known = file::read_bounded(&path, 256).map_err(io)?;
        if known.is_none() {
            create(&path).map_err(io)?;
            known = file::read_bounded(&path, 256).map_err(io)?;
        }
        if file::others_can_read(&path).map_err(io)? {
            let hint = format!("chmod 600 {}", words::argument(&path));
            return Err(problem("others can read it".to_owned()).hint(hint));
        }
        let text = String::from_utf8(known.unwrap_or_default())
            .map_err(|_| problem("it is not text".to_owned()))?;
        let key = Secret::from_line(text);
        if key.expose().len() != 64 {
            let hint = format!("rm {}", words::argument(&path));
            return Err(problem("it does not hold 64 hexadecimal digits".to_owned()).hint(hint));
        }
        Ok(LocalKey(key))
    }

    /// Seals `bytes`. Only the same seal opens them, and only for the same `context`.
    fn seal(&self, context: &str, bytes: &[u8]) -> Option<Vec<u8>> {
        seal(&self.snapshot, context, bytes)
    }

    /// Opens what [`Seal::seal`] has sealed.
    fn open(&self, context: &str, sealed: &[u8]) -> Option<Vec<u8>> {
        open(&self.snapshot, context, sealed)
    }
}

fn seal(key: &LessSafeKey, context: &str, bytes: &[u8]) -> Option<Vec<u8>> {
    let nonce = random::<NONCE_LEN>();
    let mut sealed = bytes.to_vec();
    let unique = Nonce::assume_unique_for_key(nonce);
    key.seal_in_place_append_tag(unique, Aad::from(aad(context)), &mut sealed).ok()?;
    Some([MAGIC, nonce.as_slice(), sealed.as_slice()].concat())
}

fn open(key: &LessSafeKey, context: &str, sealed: &[u8]) -> Option<Vec<u8>> {
    let (nonce, sealed) = sealed.strip_prefix(MAGIC)?.split_first_chunk::<NONCE_LEN>()?;
    let mut bytes = sealed.to_vec();
    let nonce = Nonce::assume_unique_for_key(*nonce);
    let plain = key.open_in_place(nonce, Aad::from(aad(context)), &mut bytes).ok()?.len();
    bytes.truncate(plain);
    Some(bytes)
}

fn aad(context: &str) -> Vec<u8> {
    [MAGIC, context.as_bytes()].concat()
}

/// Writes a new key file, unless another process is first.
fn create(path: &Path) -> io::Result<()> {
    created(path).map_err(|e| file::unnamed(&e).unwrap_or(e))
}

fn created(path: &Path) -> io::Result<()> {
    let dir = path.parent().unwrap_or(Path::new("."));
    let mut temp = tempfile::Builder::new().prefix(".ultra-").suffix(".tmp").tempfile_in(dir)?;
    io::Write::write_all(&mut temp, HEXLOWER.encode(&random::<32>()).as_bytes())?;
    temp.as_file().sync_all()?;
    // The file appears whole: a link fails if somebody else's is there already.
    match temp.persist_noclobber(path) {
        Ok(_) => file::sync_dir(dir),
        Err(e) if e.error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        Err(e) => Err(e.error),
    }
}

/// The seals of a key that is rotated: the first one seals, any of them opens. Shared with whoever
/// loads keys.
#[derive(Clone, Debug)]
pub(crate) struct Seals(Arc<ArcSwap<Vec<Seal>>>);

impl Seals {
    /// One seal.
    pub(crate) fn new(seal: Seal) -> Self {
        Self(Arc::new(ArcSwap::from_pointee(vec![seal])))
    }

    /// Takes the seals of a ring, the one that seals first; an empty ring changes nothing.
    pub(crate) fn set(&self, seals: Vec<Seal>) {
        if !seals.is_empty() {
            self.0.store(Arc::new(seals));
        }
    }

    /// Takes all seals away: their key may not be used any more.
    pub(crate) fn withdraw(&self) {
        self.0.store(Arc::default());
    }

    /// Whether there is none.
    pub(crate) fn are_gone(&self) -> bool {
        self.0.load().is_empty()
    }

    fn seal(&self, context: &str, bytes: &[u8]) -> Option<Vec<u8>> {
        self.0.load().first()?.seal(context, bytes)
    }

    fn open(&self, context: &str, sealed: &[u8]) -> Option<Vec<u8>> {
        self.0.load().iter().find_map(|seal| seal.open(context, sealed))
    }
}

/// Answers are sealed with the first seal of the ring, and opened only for the name they were sealed
/// for: who can write to the cache cannot hand one tenant what is another's. A new seal makes other
/// names, so what the one before sealed is not found any more.
impl Sealing for Seals {
    fn name(&self, key: &[u8; 32]) -> Option<String> {
        let tag = hmac::sign(&self.0.load().first()?.names, key);
        Some(format!("answer:{}", HEXLOWER.encode(tag.as_ref())))
    }

    fn seal(&self, name: &str, bytes: &[u8]) -> Option<Vec<u8>> {
        seal(&self.0.load().first()?.answers, name, bytes)
    }

    fn open(&self, name: &str, sealed: &[u8]) -> Option<Vec<u8>> {
        open(&self.0.load().first()?.answers, name, sealed)
    }
}

/// The sealed copy of the last good snapshot of one profile.
#[derive(Debug)]
pub(crate) struct LastGood {
    seals: Seals,
    path: PathBuf,
    profile: String,
}

impl LastGood {
    /// The copy in the state directory.
    pub(crate) fn new(seal: Seal, state_dir: &Path, profile: &str) -> Self {
        let path = state_dir.join(format!("identity-{profile}.sealed"));
        Self { seals: Seals::new(seal), path, profile: profile.to_owned() }
    }

    /// What seals it.
    pub(crate) fn seals(&self) -> Seals {
        self.seals.clone()
    }

    /// Keeps a copy; none, if the key that sealed was taken away. The disk is waited for on a
    /// thread of its own.
    ///
    /// # Errors
    /// The file cannot be written; the earlier copy then stands.
    pub(super) async fn save(&self, keys: &[ServiceKey], taken_at: Timestamp) -> io::Result<()> {
        if self.seals.are_gone() {
            return Ok(());
        }
        let sealed = self
            .seals
            .seal(&self.profile, &Snapshot::to_bytes(keys, taken_at))
            .ok_or_else(|| io::Error::other("it cannot be sealed"))?;
        let path = self.path.clone();
        tokio::task::spawn_blocking(move || file::write_atomic(&path, &sealed, PRIVATE))
            .await
            .map_err(io::Error::other)?
    }

    /// The copy, or `None` if there is none that this seal opens.
    ///
    /// # Errors
    /// The file cannot be read.
    pub(super) fn load(&self) -> io::Result<Option<Snapshot>> {
        let Some(sealed) = file::read_bounded(&self.path, LIMIT)? else { return Ok(None) };
        let snapshot =
            self.seals.open(&self.profile, &sealed).and_then(|bytes| Snapshot::from_bytes(&bytes));
        if snapshot.is_none() {
            tracing::warn!(
                "the sealed identity snapshot was made with another key or is damaged; it is not used"
            );
        }
        Ok(snapshot)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_same_seal_and_context_open() {
        let seal = Seal::from_key(&Secret::new("k".repeat(32))).unwrap();
        let sealed = seal.seal("dev", b"canary-text").unwrap();
        assert!(!sealed.windows(6).any(|w| w == b"canary"));
        assert_eq!(seal.open("dev", &sealed).unwrap(), b"canary-text");
        assert!(seal.open("prod", &sealed).is_none());
        assert!(
            Seal::from_key(&Secret::new("x".repeat(32))).unwrap().open("dev", &sealed).is_none()
        );
        for at in 0..sealed.len() {
            let mut damaged = sealed.clone();
            damaged[at] ^= 1;
            assert!(seal.open("dev", &damaged).is_none(), "{at}");
            assert!(seal.open("dev", &sealed[..at]).is_none(), "{at}");
        }
    }

    #[test]
    fn what_the_key_before_sealed_opens_while_the_ring_has_it() {
        let seal = |c: &str| Seal::from_key(&Secret::new(c.repeat(32))).unwrap();
        let seals = Seals::new(seal("a"));
        let old = seals.seal("dev", b"x").unwrap();
        seals.set(Vec::new());
        assert!(seals.open("dev", &old).is_some());
        seals.set(vec![seal("b"), seal("a")]);
        assert!(seals.open("dev", &old).is_some());
        let new = seals.seal("dev", b"x").unwrap();
        assert!(seal("b").open("dev", &new).is_some() && seal("a").open("dev", &new).is_none());
        seals.set(vec![seal("b")]);
        assert!(seals.open("dev", &old).is_none());
    }

    #[test]
    fn answers_open_only_under_the_name_they_were_sealed_for() {
        let seal = |c: &str| Seal::from_key(&Secret::new(c.repeat(32))).unwrap();
        let seals = Seals::new(seal("a"));
        let sealing: &dyn Sealing = &seals;
        let (name, other) = (sealing.name(&[1; 32]).unwrap(), sealing.name(&[2; 32]).unwrap());
        assert_ne!(name, other);
        let sealed = sealing.seal(&name, b"canary-text").unwrap();
        assert!(!sealed.windows(6).any(|w| w == b"canary"));
        assert_eq!(sealing.open(&name, &sealed).unwrap(), b"canary-text");
        assert!(sealing.open(&other, &sealed).is_none());
        assert!(seal("a").open(&name, &sealed).is_none(), "each use has a key of its own");
        for at in 0..sealed.len() {
            let mut damaged = sealed.clone();
            damaged[at] ^= 1;
            assert!(sealing.open(&name, &damaged).is_none(), "{at}");
            assert!(sealing.open(&name, &sealed[..at]).is_none(), "{at}");
        }
        // Another server with the same key finds it, one with another does not.
        assert_eq!(Seals::new(seal("a")).name(&[1; 32]).unwrap(), name);
        assert_ne!(Seals::new(seal("b")).name(&[1; 32]).unwrap(), name);
        let process = || Seals::new(Seal::of_process().unwrap()).name(&[1; 32]);
        assert_ne!(process(), process());
        seals.set(vec![seal("b"), seal("a")]);
        assert_ne!(Sealing::name(&seals, &[1; 32]).unwrap(), name);
        seals.withdraw();
        assert_eq!(Sealing::name(&seals, &[1; 32]), None);
    }

    #[test]
    fn the_key_file_is_private_and_kept() {
        let dir = tempfile::tempdir().unwrap();
        let first = Seal::from_state_dir(dir.path()).unwrap();
        let sealed = first.seal("dev", b"x").unwrap();
        let path = dir.path().join("seal.key");
        assert!(!file::others_can_read(&path).unwrap());
        let second = Seal::from_state_dir(dir.path()).unwrap();
        assert_eq!(second.open("dev", &sealed).unwrap(), b"x");

        use std::os::unix::fs::PermissionsExt as _;
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).unwrap();
        assert!(Seal::from_state_dir(dir.path()).is_err());
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 1);
    }
}
