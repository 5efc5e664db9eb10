//! Secrets of every kind, through every `keys` command with good ends and bad ones: none of them is
//! in what is said, in what is written, or in what a process is started with.

use super::with_identity_file;
use crate::support::canaries::{Canaries, Watch};
use crate::support::issuer::{ANTHROPIC_ADMIN, AdminApi, Mood, OPENAI_ADMIN, PROJECT};
use crate::support::services::Postgres;
use crate::support::{Outcome, Server, Ultra, eventually, have};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::io::{Read as _, Write as _};
use std::os::unix::net::UnixStream;
use std::time::Duration;

const FIRST: &str = "sk-canary/first+2b7f90c1d4=";
const SECOND: &str = "sk-canary/second+83e5a6b2f7=";
const THIRD: &str = "sk-canary/third+c09d41e8aa=";
const UNKNOWN: &str = "sk-canary/nobody-knows+5f2e=";
const CLAUDE: &str = "sk-ant-canary/claude+7d10b3=";
const CLAUDE_NEXT: &str = "sk-ant-canary/claude-next+e85c02=";
const JWT: &str = "jwt-canary/0f4b1d92+a6c7e358=0f4b1d92a6c7";
const SEAL: &str = "seal-canary/7a1c9e04+b5d26f83=7a1c9e04b5d2";
const DATABASE: &str = "database-canary~41e8c7";
const REDIS: &str = "redis-canary~9b02d5f6";
const PASSPHRASE: &str = "passphrase canary / 6c1f + horse";

/// What only operators may have: no server and no child ever gets it.
const OPERATORS: &[&str] = &["an admin key", "the identity", "the passphrase"];

/// Commands that only look.
const LOOKS: &[&str] = &[
    "keys list",
    "keys status",
    "keys show openai",
    "keys show openai --reveal",
    "keys show openai-admin",
    "keys show nobody",
    "keys verify",
    "keys verify openai --old",
    "keys verify nobody",
    "keys audit",
    "keys audit --verify",
    "keys audit --verify --open",
    "keys doctor",
    "keys doctor --open",
    "env validate",
    "env show",
    "env explain OPENAI_API_KEY",
    "env explain OPENAI_ADMIN_KEY",
    "check status",
    "db status",
];

struct Place {
    ultra: Ultra,
    api: AdminApi,
    canaries: Canaries,
    /// How commands of each kind ended.
    ended: BTreeMap<String, BTreeSet<i32>>,
    /// Those that ended otherwise than they should, all to be told at once.
    wrong: Vec<String>,
    /// How often it was only looked.
    looked: usize,
}

impl Place {
    fn new(database: Option<&str>) -> Self {
        let api = AdminApi::with(&[FIRST, SECOND, THIRD, CLAUDE, CLAUDE_NEXT]);
        let mut ultra = with_identity_file()
            .env("OPENAI_BASE_URL", api.openai())
            .env("ANTHROPIC_BASE_URL", api.anthropic())
            .env("OPENAI_PROJECT_ID", PROJECT);
        let mut canaries = Canaries::default();
        for (what, value) in [
            ("a provider's key", FIRST),
            ("a provider's key", SECOND),
            ("a provider's key", THIRD),
            ("a key that nobody knows", UNKNOWN),
            ("a provider's key", CLAUDE),
            ("an admin key", OPENAI_ADMIN),
            ("an admin key", ANTHROPIC_ADMIN),
            ("the JWT key", JWT),
            ("the encryption key", SEAL),
            ("the database's password", DATABASE),
            ("the password of Redis", REDIS),
            ("the passphrase", PASSPHRASE),
        ] {
            canaries.plant(what, value);
        }
        let passphrase = ultra.home().join("passphrase");
        super::private(&passphrase, &format!("{PASSPHRASE}\n"));
        canaries.exempt(&passphrase);
        canaries.exempt(ultra.home().join("identity"));
        if let Some(url) = database {
            ultra.set_env("ULTRA_DB_MIGRATE", "auto");
            ultra.write("database", url.replace("ultra@", &format!("ultra:{DATABASE}@")));
            canaries.exempt(ultra.root().join("database"));
        }
        Self { ultra, api, canaries, ended: BTreeMap::new(), wrong: Vec::new(), looked: 0 }
    }

    /// Runs a command as people or as programs do, and listens.
    fn sings(&mut self, line: &str, stdin: &str, format: &str) -> Outcome {
        let mut args: Vec<&str> = line.split(' ').collect();
        args.extend(["-o", format, "--verbose"]);
        let outcome = self.ultra.run_with_stdin(&args, format!("{stdin}\n").as_bytes());
        assert!(![1, 101].contains(&outcome.code), "{line}: {outcome:?}");
        self.ended.entry(args[..2].join(" ")).or_default().insert(outcome.code);
        self.canaries.silent(&format!("ultra {line} -o {format}"), &outcome);
        outcome
    }

    /// Runs it as people do, then as programs do, and notes if it does not end so.
    fn says(&mut self, line: &str, stdin: &str, codes: [i32; 2]) {
        let ended = ["human", "json"].map(|format| self.sings(line, stdin, format));
        let found = ended.each_ref().map(|outcome| outcome.code);
        if found != codes {
            self.wrong.push(format!("{line} ends with {found:?}, not {codes:?}: {ended:#?}"));
        }
        self.harvest();
    }

    /// Only looks, from time to time in the one format and in the other.
    fn looks(&mut self) {
        for (n, line) in LOOKS.iter().enumerate() {
            self.sings(line, "", ["human", "json"][(n + self.looked) % 2]);
        }
        self.looked += 1;
    }

    /// Plants what was made meanwhile: every value of the vault, and every key of the provider.
    fn harvest(&mut self) {
        for key in self.api.keys() {
            self.canaries.plant("a provider's key", &key.value);
        }
        let identity = self.ultra.home().join("identity");
        let Ok(text) = std::fs::read_to_string(&identity) else { return };
        for line in text.lines().filter(|line| line.starts_with("AGE-SECRET-KEY")) {
            self.canaries.plant("the identity", line);
        }
        if self.ultra.state().join("vault.age").exists() && have("age") {
            let identity = identity.display().to_string();
            let mut age = self.ultra.wrapped("age", ["-d", "-i", &identity, ".ultra/vault.age"]);
            let vault = Outcome::from(age.output().unwrap()).exits(0).json();
            for (name, entry) in vault["vault"]["entries"].as_object().unwrap() {
                for version in entry["versions"].as_array().unwrap() {
                    let admin = name.ends_with("-admin");
                    let value = version["value"].as_str().unwrap();
                    // An address is no secret but for its password, which is planted.
                    if !value.contains("://") {
                        let what = if admin { "an admin key" } else { "a value of the vault" };
                        self.canaries.plant(what, value);
                    }
                }
            }
        }
        self.canaries.silent_below(&self.ultra);
    }

    /// Keys of every kind are given, those that are wrong among them.
    fn gives(&mut self, database: bool) {
        self.says("keys set openai", UNKNOWN, [3, 3]);
        self.says("keys set openai", &format!(" {FIRST} "), [3, 3]);
        self.says("keys set openai-admin", UNKNOWN, [3, 3]);
        self.says("keys set jwt", "too-short-canary", [3, 3]);
        self.says("keys set openai", FIRST, [0, 6]);
        self.says("keys set anthropic", CLAUDE, [0, 6]);
        self.says("keys set openai-admin", OPENAI_ADMIN, [0, 6]);
        self.says("keys set anthropic-admin", ANTHROPIC_ADMIN, [0, 6]);
        self.says("keys set jwt", JWT, [0, 6]);
        self.says("keys set encryption", SEAL, [0, 6]);
        self.says("keys set redis", &format!("redis://:{REDIS}@127.0.0.1:1/0"), [0, 6]);
        self.says("keys set redis", &format!("http://:{REDIS}@127.0.0.1:1/0"), [6, 6]);
        if database {
            let url = self.ultra.read("database");
            self.says("keys set database", &url, [0, 6]);
        }
        self.says("keys set jwt --replace", JWT, [0, 0]);
        self.says("keys set openai --shadowed --no-verify", UNKNOWN, [6, 6]);
    }

    /// Keys are rotated in every way, with a provider that answers, and with one that does not.
    fn rotates(&mut self) {
        self.says("keys rotate openai --paste", UNKNOWN, [3, 3]);
        self.says("keys rotate openai --paste", FIRST, [3, 3]);
        self.says("keys rotate openai --paste", SECOND, [0, 3]);
        self.says("keys rollback openai", "", [0, 0]);
        // Whether the old one can be ended at once is up to the provider.
        self.sings("keys rotate openai --paste --grace 0", THIRD, "human");
        self.says("keys rotate openai --paste --grace 0", THIRD, [3, 3]);
        // The provider makes the key.
        self.says("keys rotate openai", "", [0, 0]);
        let answer = r#"{"error":{"message":"we got KEY from you"}}"#;
        self.api.becomes(Mood::Says("500 Internal Server Error", answer));
        self.says("keys rotate openai", "", [5, 6]);
        self.says("keys rotate openai --resume", "", [5, 5]);
        self.says("keys rotate openai --abort", "", [5, 5]);
        self.says("keys rotate --all-due", "", [5, 5]);
        self.api.becomes(Mood::Well);
        self.says("keys rotate openai --abort", "", [0, 2]);
        self.api.becomes(Mood::Forgets);
        self.says("keys rotate openai", "", [5, 6]);
        self.api.becomes(Mood::Well);
        self.looks();
        self.says("keys rotate openai --resume", "", [0, 2]);
        self.says("keys rotate jwt", "", [0, 0]);
        self.says("keys rotate encryption", "", [0, 0]);
        self.says("keys rotate jwt --compromised", "", [0, 0]);
        self.says("keys rollback jwt", "", [6, 6]);
        self.says("keys rotate anthropic", UNKNOWN, [3, 3]);
        self.says("keys rotate anthropic", CLAUDE_NEXT, [0, 3]);
        self.says("keys rotate redis", &format!("redis://:{REDIS}-2@127.0.0.1:1/0"), [5, 5]);
        self.says("keys rotate nobody", "", [2, 2]);
        for format in ["human", "json"] {
            self.sings("keys rotate --all-due", "", format);
        }
        self.harvest();
    }

    /// Old versions end, and one more destination is allowed.
    fn ends(&mut self) {
        let versions = |place: &Self| {
            let shown = place.ultra.run(&["keys", "show", "openai", "-o", "json"]).exits(0).json();
            let versions = shown["versions"].as_array().unwrap().clone();
            let number = |v: &Value| v["number"].as_u64().unwrap();
            versions.iter().filter(|v| v["state"] == "old").map(number).collect::<Vec<_>>()
        };
        let old = versions(self);
        assert!(old.len() >= 2, "{old:?}");
        self.sings(&format!("keys disable openai --version {}", old[0]), "", "human");
        self.says("keys disable anthropic", "", [0, 2]);
        self.says("keys disable nobody", "", [2, 2]);
        self.says(&format!("keys remove openai --version {} --yes", old[1]), "", [0, 2]);
        self.says("keys remove anthropic --yes", "", [0, 2]);
        self.says("keys allow openai --host eu.example.com --yes", "", [0, 0]);
        self.says("keys allow openai --host http://eu.example.com --yes", "", [6, 6]);
        self.says("keys allow nobody --host eu.example.com --yes", "", [2, 2]);
    }

    /// Keys are taken from a file, and the identity moves.
    fn moves(&mut self) {
        let file =
            self.ultra.write_private(".env.api_keys", format!("ANTHROPIC_API_KEY={UNKNOWN}\n"));
        self.canaries.exempt(&file);
        self.says("keys import .env.api_keys --replace --dry-run", "", [0, 0]);
        self.says("keys import .env.api_keys --replace", "", [3, 3]);
        self.ultra.write_private(".env.api_keys", format!("ANTHROPIC_API_KEY={CLAUDE}\n"));
        self.says("keys import .env.api_keys", "", [0, 0]);
        self.says("keys import .env.api_keys --remove-source", "", [0, 2]);
        let passphrase = self.ultra.home().join("passphrase").display().to_string();
        self.says("keys migrate --to passphrase", "", [6, 6]);
        self.ultra.set_env("ULTRA_VAULT_PASSPHRASE_FILE", passphrase);
        self.says("keys migrate --to passphrase --yes", "", [0, 0]);
        self.looks();
        let wrong = self.ultra.home().join("wrong");
        super::private(&wrong, "no canary at all\n");
        let right = self.ultra.home().join("passphrase").display().to_string();
        self.ultra.set_env("ULTRA_VAULT_PASSPHRASE_FILE", wrong.display().to_string());
        self.says("keys audit --verify --open", "", [5, 5]);
        self.says("keys migrate --to identity-file --yes", "", [5, 5]);
        self.ultra.set_env("ULTRA_VAULT_PASSPHRASE_FILE", right);
        self.says("keys migrate --to identity-file --yes", "", [0, 0]);
        self.ultra.unset_env("ULTRA_VAULT_PASSPHRASE_FILE");
    }

    /// What other tools and children are given: never what is the operator's.
    fn hands_over(&mut self, watch: &Watch, database: bool) {
        let list = self.ultra.run(&["env", "render", "--list", "-o", "json"]).exits(0).json();
        for template in list["templates"].as_array().unwrap() {
            let name = template["name"].as_str().unwrap();
            self.says(&format!("env render {name}"), "", [0, 0]);
            self.says(&format!("env render {name} --out rendered.{name}"), "", [0, 0]);
        }
        for shell in ["posix", "json", "dotenv", "fish", "pwsh", "nu"] {
            self.sings(&format!("env export --shell {shell}"), "", "human");
        }
        self.sings("env export --gateway", "", "human");
        let (mark, handed) = watch.handed();
        let provider = ["a provider's key"];
        for (args, others) in [
            (&["env", "export", "--with-secrets", "--shell", "json"][..], &[][..]),
            (&["env", "export", "--with-secrets", "--shell", "posix"], &[]),
            (&["env", "run", "--", "env"], &[]),
            (&["env", "run", "--", "cat", "/proc/self/environ", "/proc/self/cmdline"], &[]),
            (&["env", "run", "--gateway", "--", "env"], &provider),
        ] {
            let output = self.ultra.command(args).env(mark, &handed).output().unwrap();
            let outcome = Outcome::from(output).exits(0);
            assert!(outcome.stdout.contains(DATABASE) || !database, "{args:?} hands over nothing");
            let never = |what: &str| OPERATORS.contains(&what) || others.contains(&what);
            let place = format!("{args:?}");
            self.canaries.silent_but(&place, outcome.stdout.as_bytes(), never);
            self.canaries.silent_in(&place, outcome.stderr.as_bytes());
        }
        // And from a child whose secrets are masked, nothing at all.
        let masked = ["env", "run", "--redact", "--", "env"];
        let masked = Outcome::from(self.ultra.command(masked).env(mark, &handed).output().unwrap());
        self.canaries.silent("env run --redact", &masked);
        self.ultra.write(
            "profiles/birds.yaml",
            "extends: dev\nsecrets:\n  OPENAI_API_KEY: vault:dev/openai\n  \
             APP_KEY: vault:dev/openai-admin\n",
        );
        self.says("env trust --yes", "", [0, 0]);
        self.says("env switch birds --yes", "", [0, 0]);
        let dotenv = self.ultra.read(".env");
        assert!(dotenv.contains("OPENAI_API_KEY"), "it tells where the key is: {dotenv}");
        self.harvest();
        let ran =
            self.ultra.command(["env", "run", "--", "env"]).env(mark, &handed).output().unwrap();
        let ran = Outcome::from(ran).exits(0).says("OPENAI_API_KEY=");
        let admin = |what: &str| OPERATORS.contains(&what);
        self.canaries.silent_but(
            "a child with an admin key asked for",
            ran.stdout.as_bytes(),
            admin,
        );
        self.sings("env undo --yes", "", "json");
    }

    /// A vault that is damaged, or whose identity is another.
    fn breaks(&mut self) {
        let vault = self.ultra.state().join("vault.age");
        let whole = std::fs::read(&vault).unwrap();
        let identity = self.ultra.home().join("identity");
        let line = std::fs::read(&identity).unwrap();
        let mut flipped = whole.clone();
        *flipped.last_mut().unwrap() ^= 1;
        let broken = [
            (&vault, whole[..whole.len() / 2].to_vec(), &whole),
            (&vault, flipped, &whole),
            (&vault, Vec::new(), &whole),
            (&identity, b"AGE-SECRET-KEY-1CANARY\n".to_vec(), &line),
        ];
        for (path, bytes, before) in broken {
            std::fs::write(path, bytes).unwrap();
            self.looks();
            self.sings("keys rotate openai --paste", FIRST, "human");
            self.sings("keys set google --no-verify", FIRST, "json");
            self.sings("keys rollback openai", "", "human");
            self.sings("keys migrate --to passphrase --yes", "", "json");
            self.canaries.silent_below(&self.ultra);
            std::fs::write(path, before).unwrap();
        }
    }
}

/// What the server says to those who may ask, of itself and of what goes wrong.
fn asked(server: &Server, place: &mut Place, key: &str) {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let client = reqwest::Client::builder().timeout(Duration::from_secs(20)).build().unwrap();
    let chat = r#"{"model":"gpt-4o","messages":[{"role":"user","content":"x"}]}"#;
    for (path, body) in [
        ("/api/health?detail=true", None),
        ("/metrics", None),
        ("/v1/models", None),
        ("/api/available-models", None),
        ("/v1/chat/completions", Some(chat)),
        ("/v1/chat/completions", Some("{")),
    ] {
        let text = runtime.block_on(async {
            let request = match body {
                Some(body) => client.post(server.url(path)).body(body),
                None => client.get(server.url(path)),
            };
            let request = request.header("content-type", "application/json").bearer_auth(key);
            let answer = request.send().await.unwrap();
            format!("{:?}\n{}", answer.headers().clone(), answer.text().await.unwrap())
        });
        place.canaries.silent_in(path, text.as_bytes());
    }
    let mut socket = UnixStream::connect(place.ultra.state().join("serve.sock")).unwrap();
    socket.write_all(b"GET /health HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").unwrap();
    let mut told = Vec::new();
    socket.read_to_end(&mut told).unwrap();
    assert!(told.windows(6).any(|part| part == b"openai"), "the socket tells of slots");
    place.canaries.silent_in("the control socket", &told);
}

/// What every process of the test was started with.
fn no_process_has_any(watch: Watch, place: &Place, one: &str) {
    let seen = watch.ends();
    assert!(seen.keys().any(|process| process.contains(one)), "{:?}", seen.keys());
    for (process, bytes) in &seen {
        place.canaries.silent_in(process, bytes);
    }
}

/// No table of the store has any.
fn no_row_has_any(postgres: &Postgres, url: &str, place: &Place) {
    let name = url.rsplit('/').next().unwrap();
    let tables = "SELECT format('%I.%I', schemaname, tablename) FROM pg_tables \
                  WHERE schemaname NOT IN ('pg_catalog', 'information_schema')";
    let tables = postgres.sql(name, tables);
    assert!(tables.lines().count() > 2, "{tables}");
    for table in tables.lines() {
        let rows = postgres.sql(name, &format!("SELECT t::text FROM {table} t"));
        place.canaries.silent_in(table, rows.as_bytes());
    }
}

/// That each of these commands was seen to end well and to end badly.
fn ended_in_both_ways(place: &Place, commands: &[&str]) {
    assert!(place.wrong.is_empty(), "{}", place.wrong.join("\n"));
    for command in commands {
        let codes = &place.ended[&format!("keys {command}")];
        assert!(codes.contains(&0) && codes.len() > 1, "`keys {command}` ends with {codes:?} only");
    }
}

#[test]
fn no_secret_is_told_while_keys_come_and_go() {
    let database = Postgres::shared().map(|postgres| (postgres, postgres.database()));
    let url = database.as_ref().map(|(_, url)| url.as_str());
    let mut place = Place::new(url);
    let watch = Watch::over(&mut place.ultra);
    place.looks();
    place.gives(url.is_some());
    let server = Server::start(&place.ultra, &["--real"]);
    let dev = place.ultra.read(".ultra/dev-key").trim().to_owned();
    place.canaries.exempt(place.ultra.state().join("dev-key"));
    place.canaries.plant("the key of developers", &dev);
    let made = place.ultra.run(&["auth", "service-key", "create", "bird"]).exits(0).stdout;
    place.canaries.plant("a service key", made.trim());
    let (_, secret) = made.trim().split_once('.').unwrap();
    place.canaries.plant("the secret of a service key", secret);
    place.sings("auth service-key list", "", "json");
    place.looks();
    place.rotates();
    eventually(Duration::from_secs(20), "the control socket", || {
        place.ultra.state().join("serve.sock").exists().then_some(())
    });
    asked(&server, &mut place, &dev);
    place.ends();
    let log = server.stop();
    place.canaries.silent("ultra serve", &log);
    place.harvest();
    if let Some((postgres, url)) = &database {
        no_row_has_any(postgres, url, &place);
    }
    no_process_has_any(watch, &place, " serve ");
    assert!(place.canaries.len() > 18, "values that were made are planted too");
    let commands = ["set", "show", "verify", "rotate", "rollback", "disable", "remove", "allow"];
    ended_in_both_ways(&place, &commands);
}

#[test]
fn no_secret_is_told_when_keys_move_or_are_handed_over() {
    let database = Postgres::shared().map(|postgres| (postgres, postgres.database()));
    let url = database.as_ref().map(|(_, url)| url.as_str());
    let mut place = Place::new(url);
    let watch = Watch::over(&mut place.ultra);
    place.gives(url.is_some());
    place.moves();
    let server = Server::start(&place.ultra, &["--real"]);
    place.canaries.exempt(place.ultra.state().join("dev-key"));
    place.hands_over(&watch, url.is_some());
    place.canaries.silent("ultra serve", &server.stop());
    place.sings("check readiness", "", "json");
    place.harvest();
    no_process_has_any(watch, &place, " keys migrate ");
    ended_in_both_ways(&place, &["set", "import", "migrate", "audit"]);
}

#[test]
fn no_secret_is_told_of_a_vault_that_is_damaged() {
    let mut place = Place::new(None);
    place.gives(false);
    place.looks();
    place.breaks();
    ended_in_both_ways(&place, &["show", "verify", "audit", "doctor"]);
}
