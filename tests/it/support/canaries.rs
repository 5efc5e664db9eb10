//! Secrets that are planted, and the search for them in everything that is said, written or handed
//! to a process: as they are, in base64 at any offset, in hex, as in a URL.

use super::{Outcome, Ultra};
use aho_corasick::AhoCorasick;
use data_encoding::{BASE64, BASE64URL, HEXLOWER, HEXUPPER};
use std::cell::OnceCell;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// The variable that marks the processes of a test.
const MARK: &str = "AVIARY";

/// What is searched for.
#[derive(Default)]
pub(crate) struct Canaries {
    /// What each secret is, by its value.
    planted: BTreeMap<String, String>,
    /// Files that have one by their nature, such as that of the identity.
    exempt: Vec<PathBuf>,
    /// What each form is of, and how to find all of them at once.
    search: OnceCell<(Vec<String>, AhoCorasick)>,
}

/// The middle of an encoding of `value` that does not depend on what stands around it, for each of
/// the three offsets at which it may begin.
fn base64(value: &[u8], encode: impl Fn(&[u8]) -> String) -> Vec<String> {
    let inner = |offset: usize| {
        let text = encode(&[&vec![0; offset], value].concat());
        let begin = [0, 2, 3][offset];
        let end = text.len() - [0, 3, 2][(offset + value.len()) % 3];
        text.get(begin..end).unwrap_or_default().to_owned()
    };
    (0..3).map(inner).collect()
}

fn percent(value: &str) -> String {
    let one = |byte: u8| match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => {
            char::from(byte).to_string()
        }
        other => format!("%{other:02X}"),
    };
    value.bytes().map(one).collect()
}

/// Every way to write a value that is searched for.
fn forms(value: &str) -> Vec<String> {
    let bytes = value.as_bytes();
    let mut forms = vec![
        value.to_owned(),
        percent(value),
        percent(value).to_lowercase(),
        HEXLOWER.encode(bytes),
        HEXUPPER.encode(bytes),
        value.replace('/', "\\/"),
    ];
    forms.extend(base64(bytes, |b| BASE64.encode(b)));
    forms.extend(base64(bytes, |b| BASE64URL.encode(b)));
    forms.retain(|form| form.len() >= 8);
    forms
}

impl Canaries {
    /// Plants a secret.
    pub(crate) fn plant(&mut self, what: &str, value: &str) {
        assert!(value.len() >= 12, "{what} is too short to be told from chance");
        if !self.planted.contains_key(value) {
            self.planted.insert(value.to_owned(), what.to_owned());
            self.search.take();
        }
    }

    /// How many are planted.
    pub(crate) fn len(&self) -> usize {
        self.planted.len()
    }

    /// A file that has a secret by its nature.
    pub(crate) fn exempt(&mut self, path: impl Into<PathBuf>) {
        self.exempt.push(path.into());
    }

    /// The names of those that are in these bytes.
    fn found(&self, bytes: &[u8]) -> impl Iterator<Item = &str> {
        let (names, search) = self.search.get_or_init(|| {
            let (mut names, mut needles) = (Vec::new(), Vec::new());
            for (value, what) in &self.planted {
                for form in forms(value) {
                    names.push(what.clone());
                    needles.push(form);
                }
            }
            (names, AhoCorasick::new(needles).unwrap())
        });
        search.find_overlapping_iter(bytes).map(|found| names[found.pattern().as_usize()].as_str())
    }

    /// Asserts that none is in these bytes.
    #[track_caller]
    pub(crate) fn silent_in(&self, place: &str, bytes: &[u8]) {
        self.silent_but(place, bytes, |_| true);
    }

    /// The same for those whose names are `wanted`.
    #[track_caller]
    pub(crate) fn silent_but(&self, place: &str, bytes: &[u8], wanted: impl Fn(&str) -> bool) {
        if let Some(name) = self.found(bytes).find(|name| wanted(name)) {
            panic!("{name} sings in {place}:\n{}", String::from_utf8_lossy(bytes));
        }
    }

    /// Asserts that none is in what a command said.
    #[track_caller]
    pub(crate) fn silent(&self, said: &str, outcome: &Outcome) {
        self.silent_in(&format!("stdout of {said}"), outcome.stdout.as_bytes());
        self.silent_in(&format!("stderr of {said}"), outcome.stderr.as_bytes());
    }

    /// Asserts that none is in a file below the home of a test, by its content or its name.
    #[track_caller]
    pub(crate) fn silent_below(&self, ultra: &Ultra) {
        let mut folders = vec![ultra.home().to_path_buf()];
        while let Some(folder) = folders.pop() {
            let Ok(entries) = std::fs::read_dir(folder) else { continue };
            for path in entries.flatten().map(|entry| entry.path()) {
                if self.exempt.contains(&path) {
                    continue;
                }
                let name = path.display().to_string();
                let named = self.found(name.as_bytes()).next();
                assert!(named.is_none(), "{name} has a secret in its name");
                if path.is_dir() {
                    folders.push(path);
                } else if path.is_file()
                    && let Ok(bytes) = std::fs::read(&path)
                    && let Some(what) = self.found(&bytes).next()
                {
                    panic!("{what} sings in {name}");
                }
            }
        }
    }
}

/// Looks at the processes of a test while they run.
pub(crate) struct Watch {
    over: Arc<AtomicBool>,
    mark: String,
    looking: Option<std::thread::JoinHandle<BTreeMap<String, Vec<u8>>>>,
}

impl Watch {
    /// Looks at the processes of this test from here on; `ultra` marks them.
    pub(crate) fn over(ultra: &mut Ultra) -> Self {
        let mark = ultra.home().display().to_string();
        ultra.set_env(MARK, mark.clone());
        let over = Arc::new(AtomicBool::new(false));
        let (told, marked) = (Arc::clone(&over), format!("{MARK}={mark}\0"));
        let looking = std::thread::spawn(move || {
            let seen = Mutex::new(BTreeMap::new());
            while !told.load(Ordering::Relaxed) {
                look(marked.as_bytes(), &seen);
                std::thread::sleep(Duration::from_millis(10));
            }
            seen.into_inner().unwrap()
        });
        Self { over, mark, looking: Some(looking) }
    }

    /// A mark for processes that are given secrets on purpose: they are not looked at.
    pub(crate) fn handed(&self) -> (&'static str, String) {
        (MARK, format!("{}-handed", self.mark))
    }

    /// What was seen: by its kind, id and command line, the arguments and the environment of every
    /// process.
    pub(crate) fn ends(mut self) -> BTreeMap<String, Vec<u8>> {
        self.over.store(true, Ordering::Relaxed);
        self.looking.take().unwrap().join().unwrap()
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.over.store(true, Ordering::Relaxed);
    }
}

fn look(mark: &[u8], seen: &Mutex<BTreeMap<String, Vec<u8>>>) {
    for entry in std::fs::read_dir("/proc").unwrap().flatten() {
        let Ok(pid) = entry.file_name().to_string_lossy().parse::<u32>() else { continue };
        // One that keeps its memory to itself keeps this from all but root, too.
        let Ok(environment) = std::fs::read(entry.path().join("environ")) else { continue };
        if !environment.windows(mark.len()).any(|part| part == mark) {
            continue;
        }
        let Ok(arguments) = std::fs::read(entry.path().join("cmdline")) else { continue };
        let line = String::from_utf8_lossy(&arguments).replace('\0', " ");
        let mut seen = seen.lock().unwrap();
        seen.insert(format!("the arguments of {pid}: {line}"), arguments);
        seen.insert(format!("the environment of {pid}: {line}"), environment);
    }
}

#[test]
fn every_form_of_a_canary_is_found() {
    let mut canaries = Canaries::default();
    canaries.plant("the bird", "sk-canary/with+odd=chars");
    let value = "sk-canary/with+odd=chars";
    let around = |n: usize| [&vec![b'x'; n], value.as_bytes(), b"tail"].concat();
    let written = [
        format!("key {value}!"),
        format!("?key={}", percent(value)),
        HEXLOWER.encode(&around(3)),
        HEXUPPER.encode(&around(1)),
        BASE64.encode(&around(0)),
        BASE64.encode(&around(1)),
        BASE64URL.encode(&around(2)),
        format!("{:?}", value.replace('/', "\\/")).replace("\\\\", "\\"),
    ];
    for text in written {
        let found = canaries.found(text.as_bytes()).next();
        assert!(found.is_some(), "not found in {text}");
    }
    canaries.silent_in("silence", b"sk-canary/with-odd=chars and nothing else");
}
