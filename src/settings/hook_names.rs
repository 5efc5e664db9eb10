//! Names of variables that can make a program run code which nobody asked it to run.

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
    "GRADLE_OPTS",
    "JAVA_HOME",
    "JAVA_OPTS",
    "JAVA_TOOL_OPTIONS",
    "JDK_JAVA_OPTIONS",
    "LUA_INIT",
    "MAVEN_OPTS",
    "NODE_OPTIONS",
    "NODE_PATH",
    "PERL5DB",
    "PERL5LIB",
    "PERL5OPT",
    "PERLLIB",
    "PHPRC",
    "PHP_INI_SCAN_DIR",
    "PYTHONBREAKPOINT",
    "PYTHONHOME",
    "PYTHONPATH",
    "PYTHONSTARTUP",
    "PYTHONUSERBASE",
    "PYTHONWARNINGS",
    "RUBYLIB",
    "RUBYOPT",
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
    "CARGO_ENCODED_RUSTFLAGS",
    "CARGO_HOME",
    "CC",
    "CXX",
    "GNUMAKEFLAGS",
    "MAKEFILES",
    "MAKEFLAGS",
    "MFLAGS",
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
    "AWS_CONFIG_FILE",
    "AWS_SHARED_CREDENTIALS_FILE",
    "DOCKER_CONFIG",
    "DOCKER_CONTEXT",
    "DOCKER_HOST",
    "EXINIT",
    "GIT_COMMON_DIR",
    "HGRCPATH",
    "HOME",
    "KUBECONFIG",
    "PSQLRC",
    "VIMINIT",
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
    "CARGO_BUILD_",
    "CARGO_TARGET_",
    "CORECLR_",
    "COR_PROFILER",
    "DOTNET_ADDITIONAL",
    "DYLD_",
    "GIT_CONFIG",
    "LD_",
    "PIP_",
    "UV_",
];

/// Names of these families that only tune: where a build puts its files, how many jobs it runs.
const HARMLESS: &[&str] =
    &["CARGO_BUILD_JOBS", "CARGO_TARGET_DIR", "PIP_NO_CACHE_DIR", "UV_NO_CACHE"];

/// Whether a variable of this name can make a program run code.
pub(crate) fn is_hook(name: &str) -> bool {
    // npm reads its own in any case.
    let of_npm = || name.get(..11).is_some_and(|start| start.eq_ignore_ascii_case("npm_config_"));
    let family = || PREFIXES.iter().any(|prefix| name.starts_with(prefix)) || of_npm();
    NAMES.contains(&name) || (family() && !HARMLESS.contains(&name))
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
        ] {
            assert!(is_hook(name), "{name}");
        }
        for name in
            ["CARGO_TARGET_DIR", "CARGO_BUILD_JOBS", "PORT", "npm_configuration", "LDAP_URL", "AÄ"]
        {
            assert!(!is_hook(name), "{name}");
        }
    }
}
