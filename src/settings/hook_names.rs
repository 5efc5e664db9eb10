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
    // The C library: character sets and message catalogues are loaded code or format strings.
    "GCONV_PATH",
    "LOCPATH",
    "NLSPATH",
    // Interpreters and runtimes.
    "CLASSPATH",
    "CORECLR_PROFILER_PATH",
    "DOTNET_STARTUP_HOOKS",
    "JAVA_OPTS",
    "JAVA_TOOL_OPTIONS",
    "JDK_JAVA_OPTIONS",
    "LUA_INIT",
    "NODE_OPTIONS",
    "NODE_PATH",
    "OPENSSL_CONF",
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
    "MAKEFLAGS",
    "MANPAGER",
    "PAGER",
    "RUSTC",
    "RUSTC_WRAPPER",
    "SSH_ASKPASS",
    "SUDO_ASKPASS",
    "VISUAL",
    // Where they look for configuration that names such programs.
    "XDG_CONFIG_HOME",
];

/// Families of such names: the loaders', exported functions of bash, git's configuration.
const PREFIXES: &[&str] = &["BASH_FUNC_", "DYLD_", "GIT_CONFIG", "LD_"];

/// Whether a variable of this name can make a program run code.
pub(crate) fn is_hook(name: &str) -> bool {
    NAMES.contains(&name) || PREFIXES.iter().any(|prefix| name.starts_with(prefix))
}
