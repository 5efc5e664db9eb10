//! Names of variables that can make a program run code which nobody asked it to run, or lead what it
//! sends, keys included, past where it was meant to go.

use super::groups::KNOWN_PROVIDERS;

/// Why these: the loader, a shell, an interpreter or a tool like git reads the variable by itself
/// and loads or runs what it names, whatever the command was. A file that came with a clone could
/// so run its author's code in any command that is started with the root's variables. The list is
/// of what common programs do; a program of one's own may have others.
const NAMES: &[&str] = &[
    // Shells: files they read, options, text they evaluate, where they look for programs.
    "BASHOPTS",
    "BASH_ENV",
    "ENV",
    "IFS",
    "PATH",
    "PROMPT_COMMAND",
    "PS0",
    "PS1",
    "PS2",
    "PS4",
    "SHELL",
    "SHELLOPTS",
    "ZDOTDIR",
    // The C library and OpenSSL: character sets, message catalogues and engines are loaded code or
    // format strings.
    "GCONV_PATH",
    "LOCPATH",
    "NLSPATH",
    "OPENSSL_CONF",
    "OPENSSL_ENGINES",
    "OPENSSL_MODULES",
    // Interpreters and runtimes.
    "CLASSPATH",
    "CLOUDSDK_PYTHON",
    "CORECLR_PROFILER_PATH",
    "DOTNET_STARTUP_HOOKS",
    "ELIXIR_ERL_OPTIONS",
    "ERL_AFLAGS",
    "ERL_FLAGS",
    "ERL_LIBS",
    "ERL_ZFLAGS",
    "GEM_HOME",
    "GEM_PATH",
    "GOENV",
    "GOFLAGS",
    "GOPROXY",
    "GOROOT",
    "GOSUMDB",
    "GOTOOLCHAIN",
    "GRADLE_OPTS",
    "GUNICORN_CMD_ARGS",
    "JAVA_HOME",
    "JAVA_OPTS",
    "JAVA_TOOL_OPTIONS",
    "JDK_JAVA_OPTIONS",
    "JRUBY_OPTS",
    "LEIN_JVM_OPTS",
    "MAVEN_OPTS",
    "NODE_OPTIONS",
    "NODE_PATH",
    "NODE_REPL_EXTERNAL_MODULE",
    "PERL5DB",
    "PERL5LIB",
    "PERL5OPT",
    "PERLLIB",
    "PHPRC",
    "PHP_INI_SCAN_DIR",
    "PYTEST_ADDOPTS",
    "PYTEST_PLUGINS",
    "PYTHONBREAKPOINT",
    "PYTHONEXECUTABLE",
    "PYTHONHOME",
    "PYTHONPATH",
    "PYTHONPYCACHEPREFIX",
    "PYTHONSTARTUP",
    "PYTHONUSERBASE",
    "PYTHONWARNINGS",
    "RUBYLIB",
    "RUBYOPT",
    "SBT_OPTS",
    "_JAVA_OPTIONS",
    // Programs that other programs start.
    "BROWSER",
    "EDITOR",
    "GIT_ASKPASS",
    "GIT_DIR",
    "GIT_EDITOR",
    "GIT_EXEC_PATH",
    "GIT_EXTERNAL_DIFF",
    "GIT_PAGER",
    "GIT_PROXY_COMMAND",
    "GIT_SEQUENCE_EDITOR",
    "GIT_SSH",
    "GIT_SSH_COMMAND",
    "GIT_TEMPLATE_DIR",
    "LESSCLOSE",
    "LESSOPEN",
    "MANPAGER",
    "PAGER",
    "PSQL_EDITOR",
    "PSQL_PAGER",
    "RSYNC_RSH",
    "SSH_ASKPASS",
    "SUDO_ASKPASS",
    "VISUAL",
    // Tools that build and pack: options that name programs, and the programs themselves.
    "AR",
    "AS",
    "CC",
    "CFLAGS",
    "CPP",
    "CPPFLAGS",
    "CXX",
    "CXXFLAGS",
    "FC",
    "GNUMAKEFLAGS",
    "LD",
    "LDFLAGS",
    "MAKEFILES",
    "MAKEFLAGS",
    "MFLAGS",
    "NM",
    "PKG_CONFIG",
    "PKG_CONFIG_PATH",
    "RANLIB",
    "RUSTC",
    "RUSTC_WORKSPACE_WRAPPER",
    "RUSTC_WRAPPER",
    "RUSTDOC",
    "RUSTDOCFLAGS",
    "RUSTFLAGS",
    "RUSTUP_HOME",
    "RUSTUP_TOOLCHAIN",
    "TAR_OPTIONS",
    // Where they look for configuration that names such programs, or for the machine that does the
    // work.
    "APT_CONFIG",
    "AWS_CONFIG_FILE",
    "AWS_SHARED_CREDENTIALS_FILE",
    "CURL_HOME",
    "DOCKER_CONFIG",
    "DOCKER_CONTEXT",
    "DOCKER_HOST",
    "EXINIT",
    "FZF_DEFAULT_COMMAND",
    "GIT_COMMON_DIR",
    "GNUPGHOME",
    "HELM_PLUGINS",
    "HGRCPATH",
    "HOME",
    "KUBECONFIG",
    "KUBECTL_EXTERNAL_DIFF",
    "NETRC",
    "PSQLRC",
    "RIPGREP_CONFIG_PATH",
    "SSH_AUTH_SOCK",
    "VIMINIT",
    "WGETRC",
    "XDG_CONFIG_DIRS",
    "XDG_CONFIG_HOME",
    "XDG_DATA_DIRS",
    "XDG_DATA_HOME",
];

/// Families of such names: the loaders', exported functions of bash, and configuration that can be
/// given variable by variable, also to say which program does a step or where packages come from.
const PREFIXES: &[&str] = &[
    "ANSIBLE_",
    "BASH_FUNC_",
    "BUNDLE_",
    "CARGO_",
    "CMAKE_",
    "COMPOSER_",
    "CORECLR_",
    "COR_PROFILER",
    "DOTNET_ADDITIONAL",
    "DYLD_",
    "GIT_CONFIG",
    "LD_",
    "LUA_CPATH",
    "LUA_INIT",
    "LUA_PATH",
    "PIP_",
    "TF_CLI_",
    "UV_",
    "YARN_",
];

/// Names of these families that only tune: where a build puts its files, how many jobs it runs.
const HARMLESS: &[&str] = &[
    "CARGO_BUILD_JOBS",
    "CARGO_INCREMENTAL",
    "CARGO_NET_OFFLINE",
    "CARGO_NET_RETRY",
    "CARGO_TARGET_DIR",
    "CARGO_TERM_COLOR",
    "CARGO_TERM_PROGRESS_WHEN",
    "CARGO_TERM_VERBOSE",
    "CMAKE_BUILD_PARALLEL_LEVEL",
    "CMAKE_BUILD_TYPE",
    "COMPOSER_ALLOW_SUPERUSER",
    "COMPOSER_NO_INTERACTION",
    "PIP_NO_CACHE_DIR",
    "UV_NO_CACHE",
];

/// By which way programs send, whom they believe there, and what they write down of it. Written in
/// either case.
const WAYS: &[&str] = &[
    "ALL_PROXY",
    "AWS_CA_BUNDLE",
    "CURL_CA_BUNDLE",
    "DENO_CERT",
    "DOCKER_CERT_PATH",
    "FTP_PROXY",
    "GLOBAL_AGENT_HTTPS_PROXY",
    "GLOBAL_AGENT_HTTP_PROXY",
    "GRPC_PROXY",
    "HOSTALIASES",
    "HTTPS_PROXY",
    "HTTP_PROXY",
    "LOCALDOMAIN",
    "NODE_EXTRA_CA_CERTS",
    "NODE_TLS_REJECT_UNAUTHORIZED",
    "NO_PROXY",
    "PGSSLMODE",
    "PGSSLROOTCERT",
    "PYTHONHTTPSVERIFY",
    "REQUESTS_CA_BUNDLE",
    "RES_OPTIONS",
    "SSLKEYLOGFILE",
    "SSL_CERT_DIR",
    "SSL_CERT_FILE",
    "WS_PROXY",
    "WSS_PROXY",
];

/// Addresses to which common clients send a key that their environment has, beside those of the
/// catalogue.
const ADDRESSES: &[&str] = &[
    "CONSUL_HTTP_ADDR",
    "CO_API_URL",
    "GH_HOST",
    "GITLAB_HOST",
    "HF_ENDPOINT",
    "PGHOST",
    "PGHOSTADDR",
    "PGSERVICE",
    "PGSERVICEFILE",
    "VAULT_ADDR",
];

/// Families of these: one address for each service or signal.
const ADDRESS_PREFIXES: &[&str] = &["AWS_ENDPOINT_URL", "OTEL_EXPORTER_OTLP_"];

/// Whose clients take such an address from a name with one of [`ADDRESS_ENDINGS`]. A list, for
/// `APP_BASE_URL` and its like are the project's own and go to nobody's key.
const SERVICES: &[&str] = &[
    "AI_GATEWAY",
    "ANTHROPIC",
    "AZURE_AI",
    "AZURE_OPENAI",
    "CEREBRAS",
    "CLAUDE",
    "CODEX",
    "COHERE",
    "DASHSCOPE",
    "DEEPSEEK",
    "FIREWORKS",
    "FIREWORKS_AI",
    "GEMINI",
    "GITHUB",
    "GOOGLE",
    "GOOGLE_GEMINI",
    "GOOGLE_VERTEX",
    "GROQ",
    "HUGGINGFACE",
    "LANGCHAIN",
    "LANGFUSE",
    "LANGSMITH",
    "LITELLM",
    "LITELLM_PROXY",
    "MISTRAL",
    "MOONSHOT",
    "NVIDIA",
    "OPENAI",
    "OPENROUTER",
    "PERPLEXITY",
    "PERPLEXITYAI",
    "REPLICATE",
    "SENTRY",
    "TOGETHER",
    "TOGETHER_AI",
    "VOYAGE",
    "XAI",
];

/// How such names end.
const ADDRESS_ENDINGS: &[&str] = &[
    "_API_BASE_URL",
    "_API_ENDPOINT",
    "_API_HOST",
    "_API_URL",
    "_BASE_URL",
    "_ENDPOINT",
    "_HOST",
    "_PROXY_URL",
    "_URL",
];

/// Whether a variable of this name can make a program run code, or lead what it sends elsewhere.
pub(crate) fn is_hook(name: &str) -> bool {
    danger(name).is_some()
}

/// What a program can be made to do with a variable of this name, if anything.
pub(crate) fn danger(name: &str) -> Option<&'static str> {
    if runs_code(name) {
        Some("it can make a program run code")
    } else if leads_elsewhere(name) {
        Some("it can lead what a program sends, keys included, elsewhere")
    } else {
        None
    }
}

fn runs_code(name: &str) -> bool {
    // npm reads its own in any case.
    let of_npm = || name.get(..11).is_some_and(|start| start.eq_ignore_ascii_case("npm_config_"));
    let family = || PREFIXES.iter().any(|prefix| name.starts_with(prefix)) || of_npm();
    NAMES.contains(&name) || (family() && !HARMLESS.contains(&name))
}

fn leads_elsewhere(name: &str) -> bool {
    let service = || {
        ADDRESS_ENDINGS
            .iter()
            .any(|ending| name.strip_suffix(ending).is_some_and(|who| SERVICES.contains(&who)))
    };
    let family = || {
        let of = ADDRESS_PREFIXES.iter().any(|prefix| name.starts_with(prefix));
        of && (name.contains("_ENDPOINT") || name.ends_with("_CERTIFICATE"))
    };
    let address =
        || name.ends_with("_API_BASE") || ADDRESSES.contains(&name) || service() || family();
    // Those of the catalogue are agreed to as addresses, with the keys that go there.
    let catalogued = || KNOWN_PROVIDERS.iter().any(|known| known.url == Some(name));
    WAYS.iter().any(|way| way.eq_ignore_ascii_case(name))
        || name.starts_with("GIT_SSL_")
        || (address() && !catalogued())
}

#[cfg(test)]
mod tests {
    use super::is_hook;

    #[test]
    fn families_are_hooks_but_for_names_that_only_tune() {
        for name in [
            "LD_PRELOAD",
            "CARGO_BUILD_RUSTC_WRAPPER",
            "CARGO_TARGET_X86_64_UNKNOWN_LINUX_GNU_LINKER",
            "npm_config_script_shell",
            "NPM_CONFIG_SCRIPT_SHELL",
            "Npm_Config_node_options",
            "PIP_INDEX_URL",
            "ANSIBLE_LIBRARY",
            "GNUMAKEFLAGS",
            "HOME",
            "GOFLAGS",
            "LUA_PATH_5_4",
            "https_proxy",
            "HTTPS_PROXY",
            "GIT_SSL_NO_VERIFY",
            "OPENAI_API_BASE",
            "TOGETHER_AI_API_BASE",
            "MISTRAL_BASE_URL",
        ] {
            assert!(is_hook(name), "{name}");
        }
        for name in [
            "CARGO_TARGET_DIR",
            "CARGO_BUILD_JOBS",
            "PORT",
            "npm_configuration",
            "LDAP_URL",
            "AÄ",
            "APP_BASE_URL",
            "NEXT_PUBLIC_API_BASE_URL",
            "OPENAI_BASE_URL",
            "AZURE_OPENAI_ENDPOINT",
            "API_HOST",
        ] {
            assert!(!is_hook(name), "{name}");
        }
    }
}
