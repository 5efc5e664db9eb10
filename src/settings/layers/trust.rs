//! What an untrusted root does not get: secrets that its profiles refer to, and keys for addresses
//! that its profiles or dotenv files name.

use super::Gather;
use super::absorb::Said;
use crate::report::{Place, Problem};
use crate::settings::Workspace;
use crate::settings::dotenv;
use crate::settings::groups::KNOWN_PROVIDERS;
use crate::settings::origin::Layer;
use crate::settings::profile::PROMPTS;
use crate::settings::resolution::{InVain, Withheld};
use crate::settings::trust::{Claims, TrustStatus, Wanted};
use crate::settings::trust_claims::{self, Agreement};
use std::collections::BTreeSet;
use std::path::{Component, Path, PathBuf};
use std::rc::Rc;
use std::sync::Arc;

/// What the root's files ask for, and whether the user has agreed to it.
#[derive(Clone)]
pub(super) struct Asked {
    agreement: Arc<Agreement>,
    /// Keys of dotenv files that take in something of the user's.
    taking: Rc<BTreeSet<String>>,
}

impl Asked {
    fn claims(&self) -> &Claims {
        &self.agreement.claims
    }

    fn may_resolve(&self) -> bool {
        self.agreement.status().is_ok_and(TrustStatus::may_resolve)
    }

    /// The agreement itself, for who asks on.
    pub(super) fn agreement(self) -> Arc<Agreement> {
        self.agreement
    }
}

/// What the root's files ask for, and whether the user has agreed to it. Asked once: it reads every
/// profile of the root.
fn asked(gather: &mut Gather<'_>) -> Asked {
    let (workspace, profile) = (gather.workspace, &gather.resolution.profile.name);
    let read = gather.read;
    gather
        .asked
        .get_or_insert_with(|| {
            let agreement = Arc::new(match read {
                Some(read) => read.under(workspace, profile),
                None => Agreement::of(workspace, profile),
            });
            let takes = |w: &&Wanted| w.file.is_some() && w.live && w.reference.starts_with('$');
            let taking = agreement.claims.wanted.iter().filter(takes).map(|w| w.variable.clone());
            Asked { taking: Rc::new(taking.collect()), agreement }
        })
        .clone()
}

/// Whether the user has agreed to what the root's files ask for. If not, that is among the
/// problems, with what would be sent where.
pub(super) fn trusted(gather: &mut Gather<'_>) -> bool {
    let asked = asked(gather);
    if asked.may_resolve() {
        return true;
    }
    if std::mem::replace(&mut gather.told, true) {
        return false;
    }
    let status = match asked.agreement.status() {
        Ok(status) => status,
        Err(problem) => {
            gather.problems.push(problem);
            return false;
        }
    };
    let claims = asked.claims();
    let wanted = claims.wanted.iter().filter(|w| w.live).map(|w| match &w.file {
        Some(file) => format!("{} ({file})", dotenv::told(&w.reference)),
        None => w.reference.clone(),
    });
    let to = claims.destinations.iter().map(|to| match &to.file {
        Some(file) => format!("{} ({file})", trust_claims::shown(to)),
        None => trust_claims::shown(to),
    });
    let why = why(wanted.collect(), to.collect());
    let what = match status {
        TrustStatus::Changed => {
            "references, addresses or variables that run code or redirect keys in the files of \
             this root have changed since you trusted them"
        }
        _ => {
            "this root is not trusted, so its references to secrets lead to nothing and no key \
             goes to its addresses"
        }
    };
    let problem = if gather.resolution.profile.protected {
        Problem::error("untrusted-root", what)
    } else {
        Problem::warning("untrusted-root", what)
    };
    let place = gather.resolution.profile.place.clone();
    gather.problems.push(problem.at(place).why(why).hint("read them, then `ultra env trust`"));
    false
}

/// Why a key in a dotenv file of the root does not count, if so: its value takes in other variables,
/// and nobody has agreed to that.
pub(super) fn bars_taking(gather: &mut Gather<'_>, variable: &str) -> Option<InVain> {
    let taking = asked(gather).taking.contains(variable);
    (taking && !trusted(gather)).then_some(InVain::Untrusted)
}

/// Why the file of a secret that a dotenv file of the root names is not read, if so: nobody has
/// agreed to that.
pub(super) fn bars_file(gather: &mut Gather<'_>, variable: &str, said: &Said) -> Option<InVain> {
    let asked = asked(gather);
    let claimed = |w: &Wanted| {
        w.file.is_some() && w.variable == variable && w.now.as_deref() == Some(&*said.text)
    };
    if asked.claims().wanted.iter().any(claimed) {
        if !trusted(gather) {
            return Some(InVain::Untrusted);
        }
        return bars_link(gather, &said.name, &said.text, said.place.as_ref());
    }
    let name = &said.name;
    gather.problems.push(
        Problem::error("pieced-path", format!("the file that `{name}` names is not read"))
            .at(said.place.clone())
            .why(pieced("its path", &asked, gather.workspace, name, said.place.as_ref()))
            .hint(format!("write the whole path, or set `{name}` in the environment")),
    );
    Some(InVain::Because("withheld: its path is put together from variables of other lines"))
}

/// Why the file of a secret is not read that a file of the root names, if so: a link in the root, or
/// elsewhere in its checkout, leads to a file outside of it. Who writes these can make it lead
/// elsewhere after the user has agreed to the path, which stays the same.
pub(super) fn bars_link(
    gather: &mut Gather<'_>,
    name: &str,
    path: &str,
    place: Option<&Place>,
) -> Option<InVain> {
    let root = gather.workspace.dotenv_dir()?;
    if !link_leaves(root, gather.workspace, Path::new(path)) {
        return None;
    }
    gather.problems.push(
        Problem::error("linked-path", format!("the file that `{name}` names is not read"))
            .at(place.cloned())
            .why("a link in the root or its checkout leads elsewhere, and could lead to any file of yours")
            .hint("name the file itself, not the link"),
    );
    Some(InVain::Because("withheld: a link in the root or its checkout leads out of it"))
}

/// Whether a link of the root's author on the way to `path` leads out of what is his, or into the
/// state directory. Links are his below the root, below the top of the checkout around it, and,
/// where no checkout says how far that reaches, below everything that a relative path climbs to: a
/// file says what lies beside its root only where that came along. One that dangles leads to
/// nothing, which is told where the file is looked for.
fn link_leaves(root: &Path, workspace: &Workspace, path: &Path) -> bool {
    let Ok(real_root) = root.canonicalize() else { return false };
    let state = workspace.state_dir.canonicalize().ok();
    // From the innermost on: a link stays in the first of these that it lies in.
    let mut grounds = vec![real_root.clone(), workspace.checkout_around(&real_root).to_owned()];
    let mut at = if path.is_absolute() { PathBuf::new() } else { real_root.clone() };
    for part in path.components() {
        if part == Component::ParentDir {
            at.pop();
            if !path.is_absolute() && real_root.starts_with(&at) {
                grounds.push(at.clone());
            }
            continue;
        }
        let next = at.join(part);
        let Ok(real) = next.canonicalize() else { return false };
        let ground = grounds.iter().find(|ground| at.starts_with(ground));
        if let Some(ground) = ground.filter(|_| next.is_symlink()) {
            let into_state = state.as_ref().is_some_and(|state| real.starts_with(state));
            if !real.starts_with(ground) || into_state {
                return true;
            }
        }
        at = real;
    }
    false
}

/// Why nobody can agree to what a dotenv file says of `name` there.
fn pieced(
    what: &str,
    asked: &Asked,
    workspace: &Workspace,
    name: &str,
    place: Option<&Place>,
) -> String {
    let pieces = asked.agreement.pieces(workspace, name, place);
    format!("{what} {}, so nobody can agree to it", trust_claims::pieced(&pieces))
}

fn why(wanted: BTreeSet<String>, to: BTreeSet<String>) -> String {
    let wanted = match wanted.is_empty() {
        true => "keys".to_owned(),
        false => wanted.into_iter().collect::<Vec<_>>().join(", "),
    };
    let to = to.into_iter().collect::<Vec<_>>().join(", ");
    if to.is_empty() {
        format!("its files want {wanted}")
    } else {
        format!("its files want {wanted}, to be sent to {to}")
    }
}

/// Takes back the keys that would go to an address which a profile or a dotenv file of an untrusted
/// root names, whichever layer they come from. Addresses of higher layers are the user's own.
pub(super) fn withhold(gather: &mut Gather<'_>) {
    withhold_from_pieced(gather);
    let keys = sent_by_files(gather);
    let said = keys.contains(PROMPTS)
        || keys.iter().any(|key| !gather.resolution.candidates(key).is_empty());
    if keys.is_empty() {
        return;
    }
    // Nobody is asked to trust a root that gets nothing; a key that is set later goes nowhere yet.
    let agreed = if said { trusted(gather) } else { asked(gather).may_resolve() };
    if agreed {
        return;
    }
    for key in keys {
        gather.resolution.withhold(&key, Withheld::Untrusted);
    }
}

/// Takes back the keys, and the prompts without one, for addresses that dotenv files piece together
/// from variables of other files: what the user agrees to is what stands in one file, and these could change without it.
fn withhold_from_pieced(gather: &mut Gather<'_>) {
    for known in KNOWN_PROVIDERS {
        let said = known.url.and_then(|name| Some((name, gather.resolution.text(name)?)));
        let Some((name, (url, origin))) = said else { continue };
        let (url, origin) = (url.to_owned(), origin.clone());
        if !is_dotenv(origin.layer) {
            continue;
        }
        let asked = asked(gather);
        let mut claimed = asked.claims().destinations.iter();
        if claimed.any(|to| to.name == name && to.now.as_ref() == Some(&url)) {
            continue;
        }
        let place = origin.place.clone();
        let written_as = origin.written_as.clone().unwrap_or_else(|| name.to_owned());
        let has_key = known.keys().any(|key| !gather.resolution.candidates(key).is_empty());
        for key in known.keys() {
            gather.resolution.withhold(key, Withheld::Pieced { address: name });
        }
        // One that wants no key would still get what it is asked.
        if known.keyless {
            gather.resolution.withhold(PROMPTS, Withheld::Pieced { address: name });
        }
        if !has_key && !known.keyless {
            continue;
        }
        let what = if known.keyless { "no key and no prompt goes" } else { "no key goes" };
        gather.problems.push(
            Problem::error("pieced-address", format!("{what} to the address in `{name}`"))
                .at(place.clone())
                .why(pieced("it", &asked, gather.workspace, &written_as, place.as_ref()))
                .hint(format!("write the whole address, or set `{name}` in the environment")),
        );
    }
}

/// Whether the layer is a dotenv file of the root, which may have come with a clone.
pub(super) fn is_dotenv(layer: Layer) -> bool {
    (Layer::DotenvBase..=Layer::DotenvProfileLocal).contains(&layer)
}

/// The variables of keys that go where a file of the root says.
fn sent_by_files(gather: &Gather<'_>) -> BTreeSet<String> {
    let resolution = &gather.resolution;
    let declared = resolution.profile.providers.values().filter(|spec| spec.place.is_some());
    let mut keys = BTreeSet::new();
    for spec in declared {
        keys.extend(spec.keys.iter().cloned());
        if spec.keys.is_empty() {
            keys.insert(PROMPTS.to_owned());
        }
    }
    // An admin key goes where the keys go that it makes.
    for known in KNOWN_PROVIDERS {
        if let Some(admin) = known.admin.filter(|_| keys.contains(known.key)) {
            keys.insert(admin.key.to_owned());
        }
    }
    for known in KNOWN_PROVIDERS {
        let origin = known.url.and_then(|name| resolution.text(name)).map(|(_, origin)| origin);
        if origin
            .is_some_and(|o| is_dotenv(o.layer) || (o.layer == Layer::Profile && o.place.is_some()))
        {
            keys.extend(known.keys().map(str::to_owned));
            keys.extend(known.keyless.then(|| PROMPTS.to_owned()));
        }
    }
    keys
}
