//! From settings to the table of routes and the prices, by the same judgement at the start and at
//! every reload.

use super::holder;
use super::lost::Files;
use crate::base::redact;
use crate::gateway::Table;
use crate::gateway::routes::Backend;
use crate::provider::prices::Prices;
use crate::report::Problem;
use crate::settings::derive::agreed_base_url;
use crate::settings::groups::{KNOWN_PROVIDERS, KnownProvider};
use crate::settings::profile::{ALIASES, Mode, ProviderSpec, RouteSpec};
use crate::settings::{Resolution, Settings, Workspace, trust};
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use url::Url;

/// What a table and its prices are made of: two that are equal make the same.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Plan {
    providers: BTreeMap<String, ProviderSpec>,
    routes: BTreeMap<String, RouteSpec>,
    total: Duration,
    /// Where known providers are, by name.
    addresses: BTreeMap<&'static str, Url>,
    public: Option<Url>,
    prices: Arc<str>,
    files: Files,
}

impl Plan {
    /// What these settings say, which came with these warnings, and the prices that go with it.
    /// Reads the file of the prices.
    ///
    /// # Errors
    /// Every problem of the prices.
    pub(super) fn read(
        workspace: &Workspace,
        settings: &Settings,
        resolution: &Resolution,
        warnings: &[Problem],
    ) -> Result<(Self, Prices), Vec<Problem>> {
        let named = settings.server.prices.as_deref();
        let prices = Prices::load(workspace.root.as_deref(), named)?;
        let addresses = KNOWN_PROVIDERS
            .iter()
            .filter_map(|known| Some((known.name, agreed_base_url(known, resolution)?)));
        let plan = Self {
            providers: settings.profile.providers.clone(),
            routes: settings.profile.routes.clone(),
            total: settings.server.request_timeout,
            addresses: addresses.collect(),
            public: settings.server.public_url.clone(),
            prices: Arc::clone(prices.version()),
            files: Files::of(&settings.profile, warnings),
        };
        Ok((plan, prices))
    }

    /// What a running server with this plan would lose by `next` without anybody meaning it: a file
    /// that was emptied, is written just now or was cut says so, and would route nothing.
    pub(super) fn lost_by(&self, next: &Self) -> Vec<Problem> {
        self.files.lost_by(&next.files)
    }

    /// The table for a server at `addr`, which keeps what stays of the one `before`.
    ///
    /// # Errors
    /// A provider whose base URL is this server would only ever get its own errors.
    pub(super) fn table(
        &self,
        settings: &Settings,
        mode: Mode,
        addr: SocketAddr,
        before: Option<&Table>,
    ) -> Result<Table, Vec<Problem>> {
        let address = |known: &KnownProvider| self.addresses.get(known.name).cloned();
        let table = Table::of(&settings.profile, mode, self.total, address, before);
        let problems = ourselves(&table, addr, self.public.as_ref());
        if problems.is_empty() { Ok(table) } else { Err(problems) }
    }
}

/// Providers whose base URL is this server.
fn ourselves(table: &Table, addr: SocketAddr, public: Option<&Url>) -> Vec<Problem> {
    let public = public.map(Url::origin);
    let ourself = |provider: &Arc<crate::gateway::routes::Provider>| {
        let Backend::Http { base_url, .. } = &provider.backend else { return None };
        let ours = base_url.port_or_known_default() == Some(addr.port())
            && base_url.host_str().is_some_and(|host| holder::is_here(host, addr.ip()));
        let named = public.as_ref().is_some_and(|p| *p == base_url.origin());
        (ours || named).then(|| {
            let shown = redact::url(base_url.as_str());
            let what = format!(
                "the base URL `{shown}` of the provider `{}` is this server",
                provider.name
            );
            Problem::error("own-listener", what)
                .why("every request would come back to it")
                .hint("ultra env explain OPENAI_BASE_URL")
        })
    };
    table.providers().filter_map(ourself).collect()
}

/// The files whose change may mean other settings: profiles, which may extend each other, dotenv
/// files, prices, and what the user has agreed to. Those that are not there may come.
pub(super) fn files(workspace: &Workspace, settings: Option<&Settings>) -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> = workspace
        .profile_names()
        .iter()
        .chain([&workspace.profile])
        .filter_map(|name| workspace.profile_path(name))
        .collect();
    if let Some(dir) = workspace.dotenv_dir() {
        let profile = workspace.profile.as_str();
        // A file may have an alias of the profile in its name.
        let aliases = ALIASES.iter().filter(|(_, name)| *name == profile).map(|(alias, _)| *alias);
        let named = std::iter::once(profile).chain(aliases).map(|name| format!(".env.{name}"));
        for file in std::iter::once(".env".to_owned()).chain(named) {
            files.push(dir.join(format!("{file}.local")));
            files.push(dir.join(file));
        }
    }
    let named = settings.and_then(|settings| settings.server.prices.as_deref());
    files.extend(Prices::file(workspace.root.as_deref(), named));
    files.extend(trust::store_path(&workspace.environment));
    files.sort();
    files.dedup();
    files
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::time::SystemClock;
    use crate::settings::environment::Environment;
    use crate::settings::workspace::Flags;

    #[test]
    fn dotenv_files_are_watched_under_every_name_of_the_profile() {
        let dir = tempfile::tempdir().unwrap();
        let home = dir.path().canonicalize().unwrap();
        let root = home.join("app");
        std::fs::create_dir_all(root.join("profiles")).unwrap();
        for (profile, alias) in
            [("dev", "development"), ("test", "testing"), ("prod", "production")]
        {
            std::fs::write(root.join(format!("profiles/{profile}.yaml")), "mode: mock\n").unwrap();
            let variables =
                [("HOME".into(), home.clone().into()), ("ULTRA_PROFILE".into(), profile.into())];
            let environment = Environment::from_pairs(variables);
            let flags = Flags::default();
            let clock = Arc::new(SystemClock);
            let workspace =
                Workspace::discover_in(root.clone(), environment, flags, clock).unwrap();
            let files = files(&workspace, None);
            for name in ["", ".local"].into_iter().map(str::to_owned).chain(
                [profile, alias].iter().flat_map(|n| [format!(".{n}"), format!(".{n}.local")]),
            ) {
                assert!(files.contains(&root.join(format!(".env{name}"))), "{name}: {files:?}");
            }
        }
    }
}
