//! Names that a shell keeps for itself: setting one fails, or does something else.

use super::Shell;

const BASH: &[&str] = &[
    "BASHOPTS",
    "BASH_VERSINFO",
    "BASHPID",
    "EUID",
    "FUNCNAME",
    "GROUPS",
    "PPID",
    "SHELLOPTS",
    "UID",
];

const ZSH: &[&str] = &[
    "ARGC",
    "EGID",
    "ERRNO",
    "EUID",
    "GID",
    "HISTCMD",
    "LINENO",
    "OPTIND",
    "PPID",
    "RANDOM",
    "SECONDS",
    "SHLVL",
    "TTY",
    "TTYIDLE",
    "UID",
    "USERNAME",
    "ZSH_EVAL_CONTEXT",
    "ZSH_NAME",
    "ZSH_SUBSHELL",
    "ZSH_VERSION",
    "_",
    "aliases",
    "argv",
    "builtins",
    "cdpath",
    "commands",
    "dirstack",
    "fignore",
    "fpath",
    "functions",
    "funcstack",
    "galiases",
    "histchars",
    "history",
    "jobdirs",
    "jobstates",
    "jobtexts",
    "mailpath",
    "manpath",
    "modules",
    "module_path",
    "nameddirs",
    "options",
    "parameters",
    "path",
    "pipestatus",
    "prompt",
    "psvar",
    "reswords",
    "signals",
    "status",
    "termcap",
    "terminfo",
    "userdirs",
    "watch",
    "widgets",
    "zsh_eval_context",
];

const FISH: &[&str] = &[
    "FISH_VERSION",
    "PWD",
    "SHLVL",
    "_",
    "argv",
    "fish_kill_signal",
    "fish_killring",
    "fish_pid",
    "history",
    "hostname",
    "pipestatus",
    "status",
    "status_generation",
    "umask",
    "version",
];

const NU: &[&str] = &["CURRENT_FILE", "FILE_PWD", "LAST_EXIT_CODE", "PWD"];

/// Whether `name` belongs to the shell, or to what an export keeps there.
pub(super) fn is(shell: Shell, name: &str) -> bool {
    let lists: &[&[&str]] = match shell {
        Shell::Posix => &[BASH, ZSH],
        Shell::Bash => &[BASH],
        Shell::Zsh => &[ZSH],
        Shell::Fish => &[FISH],
        Shell::Nu => &[NU],
        Shell::Pwsh | Shell::Json | Shell::Dotenv => &[],
    };
    name.starts_with("__ultra_") || lists.iter().any(|list| list.contains(&name))
}
