# Print an optspec for argparse to handle cmd's options that are independent of any subcommand.
function __fish_ultra_global_optspecs
    string join \n profile= dir= o/output= q/quiet v/verbose no-color y/yes no-input h/help V/version
end

function __fish_ultra_needs_command
    # Figure out if the current invocation already has a command.
    set -l cmd (commandline -opc)
    set -e cmd[1]
    argparse -s (__fish_ultra_global_optspecs) -- $cmd 2>/dev/null
    or return
    if set -q argv[1]
        # Also print the command, so this can be used to figure out what it is.
        echo $argv[1]
        return 1
    end
    return 0
end

function __fish_ultra_using_subcommand
    set -l cmd (__fish_ultra_needs_command)
    test -z "$cmd"
    and return 1
    contains -- $cmd[1] $argv
end

complete -c ultra -n "__fish_ultra_needs_command" -l profile -d 'Act on this profile instead of the one in use' -r
complete -c ultra -n "__fish_ultra_needs_command" -l dir -d 'The root: the directory with `profiles/`' -r -F
complete -c ultra -n "__fish_ultra_needs_command" -s o -l output -d 'How the answer is written' -r -f -a "human\t'Text for people'
json\t'One JSON document'"
complete -c ultra -n "__fish_ultra_needs_command" -s q -l quiet -d 'Leave out notes about what is going on'
complete -c ultra -n "__fish_ultra_needs_command" -s v -l verbose -d 'Say more about what is going on'
complete -c ultra -n "__fish_ultra_needs_command" -l no-color -d 'Write without colour'
complete -c ultra -n "__fish_ultra_needs_command" -s y -l yes -d 'Give every confirmation in advance'
complete -c ultra -n "__fish_ultra_needs_command" -l no-input -d 'Ask nothing; refuse where an answer is needed'
complete -c ultra -n "__fish_ultra_needs_command" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c ultra -n "__fish_ultra_needs_command" -s V -l version -d 'Print version'
complete -c ultra -n "__fish_ultra_needs_command" -f -a "env" -d 'Environment profiles'
complete -c ultra -n "__fish_ultra_needs_command" -f -a "keys" -d 'Give, see, test, rotate and roll back keys. No argument ever carries a value'
complete -c ultra -n "__fish_ultra_needs_command" -f -a "serve" -d 'Serve the API, with the mock or with real providers'
complete -c ultra -n "__fish_ultra_needs_command" -f -a "auth" -d 'Who may use the server: service keys and access tokens'
complete -c ultra -n "__fish_ultra_needs_command" -f -a "db" -d 'The store: its schema and its state'
complete -c ultra -n "__fish_ultra_needs_command" -f -a "check" -d 'Readiness, status, smoke tests and scans'
complete -c ultra -n "__fish_ultra_needs_command" -f -a "generate" -d 'Write the files that are made from the program\'s own declarations, or check them'
complete -c ultra -n "__fish_ultra_needs_command" -f -a "completions" -d 'Print the completion script of a shell'
complete -c ultra -n "__fish_ultra_needs_command" -f -a "man" -d 'Print a manual page (`ultra man env switch | man -l -`), or write all of them'
complete -c ultra -n "__fish_ultra_using_subcommand env; and not __fish_seen_subcommand_from list current show validate explain lint diff run export switch undo history trust init import" -l profile -d 'Act on this profile instead of the one in use' -r
complete -c ultra -n "__fish_ultra_using_subcommand env; and not __fish_seen_subcommand_from list current show validate explain lint diff run export switch undo history trust init import" -l dir -d 'The root: the directory with `profiles/`' -r -F
complete -c ultra -n "__fish_ultra_using_subcommand env; and not __fish_seen_subcommand_from list current show validate explain lint diff run export switch undo history trust init import" -s o -l output -d 'How the answer is written' -r -f -a "human\t'Text for people'
json\t'One JSON document'"
complete -c ultra -n "__fish_ultra_using_subcommand env; and not __fish_seen_subcommand_from list current show validate explain lint diff run export switch undo history trust init import" -s q -l quiet -d 'Leave out notes about what is going on'
complete -c ultra -n "__fish_ultra_using_subcommand env; and not __fish_seen_subcommand_from list current show validate explain lint diff run export switch undo history trust init import" -s v -l verbose -d 'Say more about what is going on'
complete -c ultra -n "__fish_ultra_using_subcommand env; and not __fish_seen_subcommand_from list current show validate explain lint diff run export switch undo history trust init import" -l no-color -d 'Write without colour'
complete -c ultra -n "__fish_ultra_using_subcommand env; and not __fish_seen_subcommand_from list current show validate explain lint diff run export switch undo history trust init import" -s y -l yes -d 'Give every confirmation in advance'
complete -c ultra -n "__fish_ultra_using_subcommand env; and not __fish_seen_subcommand_from list current show validate explain lint diff run export switch undo history trust init import" -l no-input -d 'Ask nothing; refuse where an answer is needed'
complete -c ultra -n "__fish_ultra_using_subcommand env; and not __fish_seen_subcommand_from list current show validate explain lint diff run export switch undo history trust init import" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c ultra -n "__fish_ultra_using_subcommand env; and not __fish_seen_subcommand_from list current show validate explain lint diff run export switch undo history trust init import" -s V -l version -d 'Print version'
complete -c ultra -n "__fish_ultra_using_subcommand env; and not __fish_seen_subcommand_from list current show validate explain lint diff run export switch undo history trust init import" -f -a "list" -d 'The profiles'
complete -c ultra -n "__fish_ultra_using_subcommand env; and not __fish_seen_subcommand_from list current show validate explain lint diff run export switch undo history trust init import" -f -a "current" -d 'The profile in use, and who decided so'
complete -c ultra -n "__fish_ultra_using_subcommand env; and not __fish_seen_subcommand_from list current show validate explain lint diff run export switch undo history trust init import" -f -a "show" -d 'The settings as they are resolved, and where each comes from. Secrets are never shown'
complete -c ultra -n "__fish_ultra_using_subcommand env; and not __fish_seen_subcommand_from list current show validate explain lint diff run export switch undo history trust init import" -f -a "validate" -d 'Everything that is wrong with a profile, at once'
complete -c ultra -n "__fish_ultra_using_subcommand env; and not __fish_seen_subcommand_from list current show validate explain lint diff run export switch undo history trust init import" -f -a "explain" -d 'What a variable means, and what every layer says of it'
complete -c ultra -n "__fish_ultra_using_subcommand env; and not __fish_seen_subcommand_from list current show validate explain lint diff run export switch undo history trust init import" -f -a "lint" -d 'What is wrong in dotenv files, and what other programs would read in them'
complete -c ultra -n "__fish_ultra_using_subcommand env; and not __fish_seen_subcommand_from list current show validate explain lint diff run export switch undo history trust init import" -f -a "diff" -d 'What differs between two profiles, files, or a running server'
complete -c ultra -n "__fish_ultra_using_subcommand env; and not __fish_seen_subcommand_from list current show validate explain lint diff run export switch undo history trust init import" -f -a "run" -d 'Run a command with the variables and secrets of the profile, which only it gets to see'
complete -c ultra -n "__fish_ultra_using_subcommand env; and not __fish_seen_subcommand_from list current show validate explain lint diff run export switch undo history trust init import" -f -a "export" -d 'Write the variables of the profile as code for a shell, or as JSON or dotenv'
complete -c ultra -n "__fish_ultra_using_subcommand env; and not __fish_seen_subcommand_from list current show validate explain lint diff run export switch undo history trust init import" -f -a "switch" -d 'Make another profile the one in use'
complete -c ultra -n "__fish_ultra_using_subcommand env; and not __fish_seen_subcommand_from list current show validate explain lint diff run export switch undo history trust init import" -f -a "undo" -d 'Go back to what was before the last switch'
complete -c ultra -n "__fish_ultra_using_subcommand env; and not __fish_seen_subcommand_from list current show validate explain lint diff run export switch undo history trust init import" -f -a "history" -d 'The switches so far, newest first'
complete -c ultra -n "__fish_ultra_using_subcommand env; and not __fish_seen_subcommand_from list current show validate explain lint diff run export switch undo history trust init import" -f -a "trust" -d 'See what the profiles of this root send where, and agree to it'
complete -c ultra -n "__fish_ultra_using_subcommand env; and not __fish_seen_subcommand_from list current show validate explain lint diff run export switch undo history trust init import" -f -a "init" -d 'Start a project: profiles, their editor schema, `.gitignore` and `.env.example`. A file that is there is kept as it is'
complete -c ultra -n "__fish_ultra_using_subcommand env; and not __fish_seen_subcommand_from list current show validate explain lint diff run export switch undo history trust init import" -f -a "import" -d 'Take over a dotenv file: secrets into the vault, other values into a dotenv file of the profile, under the names they have here. Everything is examined before anything is written'
complete -c ultra -n "__fish_ultra_using_subcommand env; and __fish_seen_subcommand_from list" -l profile -d 'Act on this profile instead of the one in use' -r
complete -c ultra -n "__fish_ultra_using_subcommand env; and __fish_seen_subcommand_from list" -l dir -d 'The root: the directory with `profiles/`' -r -F
complete -c ultra -n "__fish_ultra_using_subcommand env; and __fish_seen_subcommand_from list" -s o -l output -d 'How the answer is written' -r -f -a "human\t'Text for people'
json\t'One JSON document'"
complete -c ultra -n "__fish_ultra_using_subcommand env; and __fish_seen_subcommand_from list" -s q -l quiet -d 'Leave out notes about what is going on'
complete -c ultra -n "__fish_ultra_using_subcommand env; and __fish_seen_subcommand_from list" -s v -l verbose -d 'Say more about what is going on'
complete -c ultra -n "__fish_ultra_using_subcommand env; and __fish_seen_subcommand_from list" -l no-color -d 'Write without colour'
complete -c ultra -n "__fish_ultra_using_subcommand env; and __fish_seen_subcommand_from list" -s y -l yes -d 'Give every confirmation in advance'
complete -c ultra -n "__fish_ultra_using_subcommand env; and __fish_seen_subcommand_from list" -l no-input -d 'Ask nothing; refuse where an answer is needed'
complete -c ultra -n "__fish_ultra_using_subcommand env; and __fish_seen_subcommand_from list" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c ultra -n "__fish_ultra_using_subcommand env; and __fish_seen_subcommand_from list" -s V -l version -d 'Print version'
complete -c ultra -n "__fish_ultra_using_subcommand env; and __fish_seen_subcommand_from current" -l profile -d 'Act on this profile instead of the one in use' -r
complete -c ultra -n "__fish_ultra_using_subcommand env; and __fish_seen_subcommand_from current" -l dir -d 'The root: the directory with `profiles/`' -r -F
complete -c ultra -n "__fish_ultra_using_subcommand env; and __fish_seen_subcommand_from current" -s o -l output -d 'How the answer is written' -r -f -a "human\t'Text for people'
json\t'One JSON document'"
complete -c ultra -n "__fish_ultra_using_subcommand env; and __fish_seen_subcommand_from current" -s q -l quiet -d 'Leave out notes about what is going on'
complete -c ultra -n "__fish_ultra_using_subcommand env; and __fish_seen_subcommand_from current" -s v -l verbose -d 'Say more about what is going on'
complete -c ultra -n "__fish_ultra_using_subcommand env; and __fish_seen_subcommand_from current" -l no-color -d 'Write without colour'
complete -c ultra -n "__fish_ultra_using_subcommand env; and __fish_seen_subcommand_from current" -s y -l yes -d 'Give every confirmation in advance'
complete -c ultra -n "__fish_ultra_using_subcommand env; and __fish_seen_subcommand_from current" -l no-input -d 'Ask nothing; refuse where an answer is needed'
complete -c ultra -n "__fish_ultra_using_subcommand env; and __fish_seen_subcommand_from current" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c ultra -n "__fish_ultra_using_subcommand env; and __fish_seen_subcommand_from current" -s V -l version -d 'Print version'
complete -c ultra -n "__fish_ultra_using_subcommand env; and __fish_seen_subcommand_from show" -l profile -d 'Act on this profile instead of the one in use' -r
complete -c ultra -n "__fish_ultra_using_subcommand env; and __fish_seen_subcommand_from show" -l dir -d 'The root: the directory with `profiles/`' -r -F
complete -c ultra -n "__fish_ultra_using_subcommand env; and __fish_seen_subcommand_from show" -s o -l output -d 'How the answer is written' -r -f -a "human\t'Text for people'
json\t'One JSON document'"
complete -c ultra -n "__fish_ultra_using_subcommand env; and __fish_seen_subcommand_from show" -s q -l quiet -d 'Leave out notes about what is going on'
complete -c ultra -n "__fish_ultra_using_subcommand env; and __fish_seen_subcommand_from show" -s v -l verbose -d 'Say more about what is going on'
complete -c ultra -n "__fish_ultra_using_subcommand env; and __fish_seen_subcommand_from show" -l no-color -d 'Write without colour'
complete -c ultra -n "__fish_ultra_using_subcommand env; and __fish_seen_subcommand_from show" -s y -l yes -d 'Give every confirmation in advance'
complete -c ultra -n "__fish_ultra_using_subcommand env; and __fish_seen_subcommand_from show" -l no-input -d 'Ask nothing; refuse where an answer is needed'
complete -c ultra -n "__fish_ultra_using_subcommand env; and __fish_seen_subcommand_from show" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c ultra -n "__fish_ultra_using_subcommand env; and __fish_seen_subcommand_from show" -s V -l version -d 'Print version'
complete -c ultra -n "__fish_ultra_using_subcommand env; and __fish_seen_subcommand_from validate" -l profile -d 'Act on this profile instead of the one in use' -r
complete -c ultra -n "__fish_ultra_using_subcommand env; and __fish_seen_subcommand_from validate" -l dir -d 'The root: the directory with `profiles/`' -r -F
complete -c ultra -n "__fish_ultra_using_subcommand env; and __fish_seen_subcommand_from validate" -s o -l output -d 'How the answer is written' -r -f -a "human\t'Text for people'
json\t'One JSON document'"
complete -c ultra -n "__fish_ultra_using_subcommand env; and __fish_seen_subcommand_from validate" -s q -l quiet -d 'Leave out notes about what is going on'
complete -c ultra -n "__fish_ultra_using_subcommand env; and __fish_seen_subcommand_from validate" -s v -l verbose -d 'Say more about what is going on'
complete -c ultra -n "__fish_ultra_using_subcommand env; and __fish_seen_subcommand_from validate" -l no-color -d 'Write without colour'
complete -c ultra -n "__fish_ultra_using_subcommand env; and __fish_seen_subcommand_from validate" -s y -l yes -d 'Give every confirmation in advance'
complete -c ultra -n "__fish_ultra_using_subcommand env; and __fish_seen_subcommand_from validate" -l no-input -d 'Ask nothing; refuse where an answer is needed'
complete -c ultra -n "__fish_ultra_using_subcommand env; and __fish_seen_subcommand_from validate" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c ultra -n "__fish_ultra_using_subcommand env; and __fish_seen_subcommand_from validate" -s V -l version -d 'Print version'
complete -c ultra -n "__fish_ultra_using_subcommand env; and __fish_seen_subcommand_from explain" -l profile -d 'Act on this profile instead of the one in use' -r
complete -c ultra -n "__fish_ultra_using_subcommand env; and __fish_seen_subcommand_from explain" -l dir -d 'The root: the directory with `profiles/`' -r -F
complete -c ultra -n "__fish_ultra_using_subcommand env; and __fish_seen_subcommand_from explain" -s o -l output -d 'How the answer is written' -r -f -a "human\t'Text for people'
json\t'One JSON document'"
complete -c ultra -n "__fish_ultra_using_subcommand env; and __fish_seen_subcommand_from explain" -s q -l quiet -d 'Leave out notes about what is going on'
complete -c ultra -n "__fish_ultra_using_subcommand env; and __fish_seen_subcommand_from explain" -s v -l verbose -d 'Say more about what is going on'
complete -c ultra -n "__fish_ultra_using_subcommand env; and __fish_seen_subcommand_from explain" -l no-color -d 'Write without colour'
complete -c ultra -n "__fish_ultra_using_subcommand env; and __fish_seen_subcommand_from explain" -s y -l yes -d 'Give every confirmation in advance'
complete -c ultra -n "__fish_ultra_using_subcommand env; and __fish_seen_subcommand_from explain" -l no-input -d 'Ask nothing; refuse where an answer is needed'
complete -c ultra -n "__fish_ultra_using_subcommand env; and __fish_seen_subcommand_from explain" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c ultra -n "__fish_ultra_using_subcommand env; and __fish_seen_subcommand_from explain" -s V -l version -d 'Print version'
complete -c ultra -n "__fish_ultra_using_subcommand env; and __fish_seen_subcommand_from lint" -l compat -d 'Name each line that these programs read differently; all of them if none is named' -r -f -a "all\t'All of them'
dotenvy\t'The Rust crate'
motdotla\t'The npm package `dotenv`'
python\t'The PyPI package `python-dotenv`'
node\t'Node\'s `--env-file`'
compose\t'Docker Compose'
bash\t'`set -a; . FILE`'"
complete -c ultra -n "__fish_ultra_using_subcommand env; and __fish_seen_subcommand_from lint" -l fail-on -d 'End with 4 if nothing is worse than this; a line that another program reads differently is a warning' -r -f -a "warn\t'Warnings'"
complete -c ultra -n "__fish_ultra_using_subcommand env; and __fish_seen_subcommand_from lint" -l profile -d 'Act on this profile instead of the one in use' -r
complete -c ultra -n "__fish_ultra_using_subcommand env; and __fish_seen_subcommand_from lint" -l dir -d 'The root: the directory with `profiles/`' -r -F
complete -c ultra -n "__fish_ultra_using_subcommand env; and __fish_seen_subcommand_from lint" -s o -l output -d 'How the answer is written' -r -f -a "human\t'Text for people'
json\t'One JSON document'"
complete -c ultra -n "__fish_ultra_using_subcommand env; and __fish_seen_subcommand_from lint" -s q -l quiet -d 'Leave out notes about what is going on'
complete -c ultra -n "__fish_ultra_using_subcommand env; and __fish_seen_subcommand_from lint" -s v -l verbose -d 'Say more about what is going on'
complete -c ultra -n "__fish_ultra_using_subcommand env; and __fish_seen_subcommand_from lint" -l no-color -d 'Write without colour'
complete -c ultra -n "__fish_ultra_using_subcommand env; and __fish_seen_subcommand_from lint" -s y -l yes -d 'Give every confirmation in advance'
complete -c ultra -n "__fish_ultra_using_subcommand env; and __fish_seen_subcommand_from lint" -l no-input -d 'Ask nothing; refuse where an answer is needed'
complete -c ultra -n "__fish_ultra_using_subcommand env; and __fish_seen_subcommand_from lint" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c ultra -n "__fish_ultra_using_subcommand env; and __fish_seen_subcommand_from lint" -s V -l version -d 'Print version'
complete -c ultra -n "__fish_ultra_using_subcommand env; and __fish_seen_subcommand_from diff" -l url -d 'The second side is the server that runs here; it wants a service key with the scope `admin` in `ULTRA_SERVICE_KEY` or `ULTRA_SERVICE_KEY_FILE`' -r
complete -c ultra -n "__fish_ultra_using_subcommand env; and __fish_seen_subcommand_from diff" -l profile -d 'Act on this profile instead of the one in use' -r
complete -c ultra -n "__fish_ultra_using_subcommand env; and __fish_seen_subcommand_from diff" -l dir -d 'The root: the directory with `profiles/`' -r -F
complete -c ultra -n "__fish_ultra_using_subcommand env; and __fish_seen_subcommand_from diff" -s o -l output -d 'How the answer is written' -r -f -a "human\t'Text for people'
json\t'One JSON document'"
complete -c ultra -n "__fish_ultra_using_subcommand env; and __fish_seen_subcommand_from diff" -l origins -d 'Say which file and line each side\'s value comes from'
complete -c ultra -n "__fish_ultra_using_subcommand env; and __fish_seen_subcommand_from diff" -l exit-code -d 'End with 3 if anything differs, and with 5 if that cannot be said'
complete -c ultra -n "__fish_ultra_using_subcommand env; and __fish_seen_subcommand_from diff" -s q -l quiet -d 'Leave out notes about what is going on'
complete -c ultra -n "__fish_ultra_using_subcommand env; and __fish_seen_subcommand_from diff" -s v -l verbose -d 'Say more about what is going on'
complete -c ultra -n "__fish_ultra_using_subcommand env; and __fish_seen_subcommand_from diff" -l no-color -d 'Write without colour'
complete -c ultra -n "__fish_ultra_using_subcommand env; and __fish_seen_subcommand_from diff" -s y -l yes -d 'Give every confirmation in advance'
complete -c ultra -n "__fish_ultra_using_subcommand env; and __fish_seen_subcommand_from diff" -l no-input -d 'Ask nothing; refuse where an answer is needed'
complete -c ultra -n "__fish_ultra_using_subcommand env; and __fish_seen_subcommand_from diff" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c ultra -n "__fish_ultra_using_subcommand env; and __fish_seen_subcommand_from diff" -s V -l version -d 'Print version'
complete -c ultra -n "__fish_ultra_using_subcommand env; and __fish_seen_subcommand_from run" -l file -d 'One more dotenv file: above the vault, below the process environment; a later one wins' -r -F
complete -c ultra -n "__fish_ultra_using_subcommand env; and __fish_seen_subcommand_from run" -l only -d 'Only these variables of the profile' -r
complete -c ultra -n "__fish_ultra_using_subcommand env; and __fish_seen_subcommand_from run" -l profile -d 'Act on this profile instead of the one in use' -r
complete -c ultra -n "__fish_ultra_using_subcommand env; and __fish_seen_subcommand_from run" -l dir -d 'The root: the directory with `profiles/`' -r -F
complete -c ultra -n "__fish_ultra_using_subcommand env; and __fish_seen_subcommand_from run" -s o -l output -d 'How the answer is written' -r -f -a "human\t'Text for people'
json\t'One JSON document'"
complete -c ultra -n "__fish_ultra_using_subcommand env; and __fish_seen_subcommand_from run" -l gateway -d 'Send OpenAI and Anthropic clients to the running `ultra serve`, and keep providers\' keys'
complete -c ultra -n "__fish_ultra_using_subcommand env; and __fish_seen_subcommand_from run" -l redact -d 'Mask secrets in what the command writes, in every usual encoding'
complete -c ultra -n "__fish_ultra_using_subcommand env; and __fish_seen_subcommand_from run" -s q -l quiet -d 'Leave out notes about what is going on'
complete -c ultra -n "__fish_ultra_using_subcommand env; and __fish_seen_subcommand_from run" -s v -l verbose -d 'Say more about what is going on'
complete -c ultra -n "__fish_ultra_using_subcommand env; and __fish_seen_subcommand_from run" -l no-color -d 'Write without colour'
complete -c ultra -n "__fish_ultra_using_subcommand env; and __fish_seen_subcommand_from run" -s y -l yes -d 'Give every confirmation in advance'
complete -c ultra -n "__fish_ultra_using_subcommand env; and __fish_seen_subcommand_from run" -l no-input -d 'Ask nothing; refuse where an answer is needed'
complete -c ultra -n "__fish_ultra_using_subcommand env; and __fish_seen_subcommand_from run" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c ultra -n "__fish_ultra_using_subcommand env; and __fish_seen_subcommand_from run" -s V -l version -d 'Print version'
complete -c ultra -n "__fish_ultra_using_subcommand env; and __fish_seen_subcommand_from export" -l file -d 'One more dotenv file: above the vault, below the process environment; a later one wins' -r -F
complete -c ultra -n "__fish_ultra_using_subcommand env; and __fish_seen_subcommand_from export" -l only -d 'Only these variables of the profile' -r
complete -c ultra -n "__fish_ultra_using_subcommand env; and __fish_seen_subcommand_from export" -l shell -d 'Who reads it' -r -f -a "posix\t'Any POSIX shell'
bash\t'Bash'
zsh\t'Zsh'
fish\t'Fish'
pwsh\t'PowerShell 7'
nu\t'Nushell'
json\t'One JSON object'
dotenv\t'A dotenv file'"
complete -c ultra -n "__fish_ultra_using_subcommand env; and __fish_seen_subcommand_from export" -l profile -d 'Act on this profile instead of the one in use' -r
complete -c ultra -n "__fish_ultra_using_subcommand env; and __fish_seen_subcommand_from export" -l dir -d 'The root: the directory with `profiles/`' -r -F
complete -c ultra -n "__fish_ultra_using_subcommand env; and __fish_seen_subcommand_from export" -s o -l output -d 'How the answer is written' -r -f -a "human\t'Text for people'
json\t'One JSON document'"
complete -c ultra -n "__fish_ultra_using_subcommand env; and __fish_seen_subcommand_from export" -l gateway -d 'Send OpenAI and Anthropic clients to the running `ultra serve`, and keep providers\' keys'
complete -c ultra -n "__fish_ultra_using_subcommand env; and __fish_seen_subcommand_from export" -l with-secrets -d 'Write secrets too; never to a terminal'
complete -c ultra -n "__fish_ultra_using_subcommand env; and __fish_seen_subcommand_from export" -l undo -d 'Write what takes the last export back: variables that still have its values get their earlier ones'
complete -c ultra -n "__fish_ultra_using_subcommand env; and __fish_seen_subcommand_from export" -s q -l quiet -d 'Leave out notes about what is going on'
complete -c ultra -n "__fish_ultra_using_subcommand env; and __fish_seen_subcommand_from export" -s v -l verbose -d 'Say more about what is going on'
complete -c ultra -n "__fish_ultra_using_subcommand env; and __fish_seen_subcommand_from export" -l no-color -d 'Write without colour'
complete -c ultra -n "__fish_ultra_using_subcommand env; and __fish_seen_subcommand_from export" -s y -l yes -d 'Give every confirmation in advance'
complete -c ultra -n "__fish_ultra_using_subcommand env; and __fish_seen_subcommand_from export" -l no-input -d 'Ask nothing; refuse where an answer is needed'
complete -c ultra -n "__fish_ultra_using_subcommand env; and __fish_seen_subcommand_from export" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c ultra -n "__fish_ultra_using_subcommand env; and __fish_seen_subcommand_from export" -s V -l version -d 'Print version'
complete -c ultra -n "__fish_ultra_using_subcommand env; and __fish_seen_subcommand_from switch" -l wait -d 'How long to wait for another switch to end' -r
complete -c ultra -n "__fish_ultra_using_subcommand env; and __fish_seen_subcommand_from switch" -l profile -d 'Act on this profile instead of the one in use' -r
complete -c ultra -n "__fish_ultra_using_subcommand env; and __fish_seen_subcommand_from switch" -l dir -d 'The root: the directory with `profiles/`' -r -F
complete -c ultra -n "__fish_ultra_using_subcommand env; and __fish_seen_subcommand_from switch" -s o -l output -d 'How the answer is written' -r -f -a "human\t'Text for people'
json\t'One JSON document'"
complete -c ultra -n "__fish_ultra_using_subcommand env; and __fish_seen_subcommand_from switch" -l dry-run -d 'Say what would happen, and do nothing'
complete -c ultra -n "__fish_ultra_using_subcommand env; and __fish_seen_subcommand_from switch" -l adopt -d 'Move a `.env` that somebody wrote to `.env.local`, where its values keep counting'
complete -c ultra -n "__fish_ultra_using_subcommand env; and __fish_seen_subcommand_from switch" -l no-dotenv -d 'Leave `.env` as it is'
complete -c ultra -n "__fish_ultra_using_subcommand env; and __fish_seen_subcommand_from switch" -s q -l quiet -d 'Leave out notes about what is going on'
complete -c ultra -n "__fish_ultra_using_subcommand env; and __fish_seen_subcommand_from switch" -s v -l verbose -d 'Say more about what is going on'
complete -c ultra -n "__fish_ultra_using_subcommand env; and __fish_seen_subcommand_from switch" -l no-color -d 'Write without colour'
complete -c ultra -n "__fish_ultra_using_subcommand env; and __fish_seen_subcommand_from switch" -s y -l yes -d 'Give every confirmation in advance'
complete -c ultra -n "__fish_ultra_using_subcommand env; and __fish_seen_subcommand_from switch" -l no-input -d 'Ask nothing; refuse where an answer is needed'
complete -c ultra -n "__fish_ultra_using_subcommand env; and __fish_seen_subcommand_from switch" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c ultra -n "__fish_ultra_using_subcommand env; and __fish_seen_subcommand_from switch" -s V -l version -d 'Print version'
complete -c ultra -n "__fish_ultra_using_subcommand env; and __fish_seen_subcommand_from undo" -l wait -d 'How long to wait for another switch to end' -r
complete -c ultra -n "__fish_ultra_using_subcommand env; and __fish_seen_subcommand_from undo" -l profile -d 'Act on this profile instead of the one in use' -r
complete -c ultra -n "__fish_ultra_using_subcommand env; and __fish_seen_subcommand_from undo" -l dir -d 'The root: the directory with `profiles/`' -r -F
complete -c ultra -n "__fish_ultra_using_subcommand env; and __fish_seen_subcommand_from undo" -s o -l output -d 'How the answer is written' -r -f -a "human\t'Text for people'
json\t'One JSON document'"
complete -c ultra -n "__fish_ultra_using_subcommand env; and __fish_seen_subcommand_from undo" -l dry-run -d 'Say what would happen, and do nothing'
complete -c ultra -n "__fish_ultra_using_subcommand env; and __fish_seen_subcommand_from undo" -l no-dotenv -d 'Leave `.env` as it is'
complete -c ultra -n "__fish_ultra_using_subcommand env; and __fish_seen_subcommand_from undo" -s q -l quiet -d 'Leave out notes about what is going on'
complete -c ultra -n "__fish_ultra_using_subcommand env; and __fish_seen_subcommand_from undo" -s v -l verbose -d 'Say more about what is going on'
complete -c ultra -n "__fish_ultra_using_subcommand env; and __fish_seen_subcommand_from undo" -l no-color -d 'Write without colour'
complete -c ultra -n "__fish_ultra_using_subcommand env; and __fish_seen_subcommand_from undo" -s y -l yes -d 'Give every confirmation in advance'
complete -c ultra -n "__fish_ultra_using_subcommand env; and __fish_seen_subcommand_from undo" -l no-input -d 'Ask nothing; refuse where an answer is needed'
complete -c ultra -n "__fish_ultra_using_subcommand env; and __fish_seen_subcommand_from undo" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c ultra -n "__fish_ultra_using_subcommand env; and __fish_seen_subcommand_from undo" -s V -l version -d 'Print version'
complete -c ultra -n "__fish_ultra_using_subcommand env; and __fish_seen_subcommand_from history" -l profile -d 'Act on this profile instead of the one in use' -r
complete -c ultra -n "__fish_ultra_using_subcommand env; and __fish_seen_subcommand_from history" -l dir -d 'The root: the directory with `profiles/`' -r -F
complete -c ultra -n "__fish_ultra_using_subcommand env; and __fish_seen_subcommand_from history" -s o -l output -d 'How the answer is written' -r -f -a "human\t'Text for people'
json\t'One JSON document'"
complete -c ultra -n "__fish_ultra_using_subcommand env; and __fish_seen_subcommand_from history" -s q -l quiet -d 'Leave out notes about what is going on'
complete -c ultra -n "__fish_ultra_using_subcommand env; and __fish_seen_subcommand_from history" -s v -l verbose -d 'Say more about what is going on'
complete -c ultra -n "__fish_ultra_using_subcommand env; and __fish_seen_subcommand_from history" -l no-color -d 'Write without colour'
complete -c ultra -n "__fish_ultra_using_subcommand env; and __fish_seen_subcommand_from history" -s y -l yes -d 'Give every confirmation in advance'
complete -c ultra -n "__fish_ultra_using_subcommand env; and __fish_seen_subcommand_from history" -l no-input -d 'Ask nothing; refuse where an answer is needed'
complete -c ultra -n "__fish_ultra_using_subcommand env; and __fish_seen_subcommand_from history" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c ultra -n "__fish_ultra_using_subcommand env; and __fish_seen_subcommand_from history" -s V -l version -d 'Print version'
complete -c ultra -n "__fish_ultra_using_subcommand env; and __fish_seen_subcommand_from trust" -l profile -d 'Act on this profile instead of the one in use' -r
complete -c ultra -n "__fish_ultra_using_subcommand env; and __fish_seen_subcommand_from trust" -l dir -d 'The root: the directory with `profiles/`' -r -F
complete -c ultra -n "__fish_ultra_using_subcommand env; and __fish_seen_subcommand_from trust" -s o -l output -d 'How the answer is written' -r -f -a "human\t'Text for people'
json\t'One JSON document'"
complete -c ultra -n "__fish_ultra_using_subcommand env; and __fish_seen_subcommand_from trust" -s q -l quiet -d 'Leave out notes about what is going on'
complete -c ultra -n "__fish_ultra_using_subcommand env; and __fish_seen_subcommand_from trust" -s v -l verbose -d 'Say more about what is going on'
complete -c ultra -n "__fish_ultra_using_subcommand env; and __fish_seen_subcommand_from trust" -l no-color -d 'Write without colour'
complete -c ultra -n "__fish_ultra_using_subcommand env; and __fish_seen_subcommand_from trust" -s y -l yes -d 'Give every confirmation in advance'
complete -c ultra -n "__fish_ultra_using_subcommand env; and __fish_seen_subcommand_from trust" -l no-input -d 'Ask nothing; refuse where an answer is needed'
complete -c ultra -n "__fish_ultra_using_subcommand env; and __fish_seen_subcommand_from trust" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c ultra -n "__fish_ultra_using_subcommand env; and __fish_seen_subcommand_from trust" -s V -l version -d 'Print version'
complete -c ultra -n "__fish_ultra_using_subcommand env; and __fish_seen_subcommand_from init" -l profile-set -d 'Which profiles to start with' -r -f -a "all\t'dev, test, staging and prod'
small\t'dev and prod'"
complete -c ultra -n "__fish_ultra_using_subcommand env; and __fish_seen_subcommand_from init" -l provider -d 'Providers whose keys production will need, separated by commas; `none` for none yet' -r
complete -c ultra -n "__fish_ultra_using_subcommand env; and __fish_seen_subcommand_from init" -l database -d 'Where production keeps its data' -r -f -a "postgres\t'A PostgreSQL server, which more than one replica needs'
sqlite\t'A file in the state directory'"
complete -c ultra -n "__fish_ultra_using_subcommand env; and __fish_seen_subcommand_from init" -l cache -d 'What production remembers answers in' -r -f -a "redis\t'A Redis server, shared by replicas'
memory\t'Bounded memory of each process'"
complete -c ultra -n "__fish_ultra_using_subcommand env; and __fish_seen_subcommand_from init" -l profile -d 'Act on this profile instead of the one in use' -r
complete -c ultra -n "__fish_ultra_using_subcommand env; and __fish_seen_subcommand_from init" -l dir -d 'The root: the directory with `profiles/`' -r -F
complete -c ultra -n "__fish_ultra_using_subcommand env; and __fish_seen_subcommand_from init" -s o -l output -d 'How the answer is written' -r -f -a "human\t'Text for people'
json\t'One JSON document'"
complete -c ultra -n "__fish_ultra_using_subcommand env; and __fish_seen_subcommand_from init" -l dry-run -d 'Say what would be written, and write nothing'
complete -c ultra -n "__fish_ultra_using_subcommand env; and __fish_seen_subcommand_from init" -s q -l quiet -d 'Leave out notes about what is going on'
complete -c ultra -n "__fish_ultra_using_subcommand env; and __fish_seen_subcommand_from init" -s v -l verbose -d 'Say more about what is going on'
complete -c ultra -n "__fish_ultra_using_subcommand env; and __fish_seen_subcommand_from init" -l no-color -d 'Write without colour'
complete -c ultra -n "__fish_ultra_using_subcommand env; and __fish_seen_subcommand_from init" -s y -l yes -d 'Give every confirmation in advance'
complete -c ultra -n "__fish_ultra_using_subcommand env; and __fish_seen_subcommand_from init" -l no-input -d 'Ask nothing; refuse where an answer is needed'
complete -c ultra -n "__fish_ultra_using_subcommand env; and __fish_seen_subcommand_from init" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c ultra -n "__fish_ultra_using_subcommand env; and __fish_seen_subcommand_from init" -s V -l version -d 'Print version'
complete -c ultra -n "__fish_ultra_using_subcommand env; and __fish_seen_subcommand_from import" -l into -d 'Where values that are no secrets go; `.env.<profile>.local` if left out' -r -F
complete -c ultra -n "__fish_ultra_using_subcommand env; and __fish_seen_subcommand_from import" -l except -d 'Names to leave out, separated by commas' -r
complete -c ultra -n "__fish_ultra_using_subcommand env; and __fish_seen_subcommand_from import" -l backend -d 'What keeps the identity of a new vault' -r -f -a "keyring\t'The keyring of the operating system'
identity-file\t'The file that `ULTRA_VAULT_IDENTITY_FILE` names'
passphrase\t'A file in the state directory, under a passphrase'"
complete -c ultra -n "__fish_ultra_using_subcommand env; and __fish_seen_subcommand_from import" -l profile -d 'Act on this profile instead of the one in use' -r
complete -c ultra -n "__fish_ultra_using_subcommand env; and __fish_seen_subcommand_from import" -l dir -d 'The root: the directory with `profiles/`' -r -F
complete -c ultra -n "__fish_ultra_using_subcommand env; and __fish_seen_subcommand_from import" -s o -l output -d 'How the answer is written' -r -f -a "human\t'Text for people'
json\t'One JSON document'"
complete -c ultra -n "__fish_ultra_using_subcommand env; and __fish_seen_subcommand_from import" -l keep-unused -d 'Keep names that do nothing here, for an application that reads them'
complete -c ultra -n "__fish_ultra_using_subcommand env; and __fish_seen_subcommand_from import" -l replace -d 'Replace values that are there and differ'
complete -c ultra -n "__fish_ultra_using_subcommand env; and __fish_seen_subcommand_from import" -l no-verify -d 'Keep keys without asking their providers'
complete -c ultra -n "__fish_ultra_using_subcommand env; and __fish_seen_subcommand_from import" -l shadowed -d 'Write secrets although another layer wins over the vault'
complete -c ultra -n "__fish_ultra_using_subcommand env; and __fish_seen_subcommand_from import" -l remove-source -d 'Remove the file once all of it is taken over'
complete -c ultra -n "__fish_ultra_using_subcommand env; and __fish_seen_subcommand_from import" -l dry-run -d 'Say what would become of each entry; send and write nothing'
complete -c ultra -n "__fish_ultra_using_subcommand env; and __fish_seen_subcommand_from import" -s q -l quiet -d 'Leave out notes about what is going on'
complete -c ultra -n "__fish_ultra_using_subcommand env; and __fish_seen_subcommand_from import" -s v -l verbose -d 'Say more about what is going on'
complete -c ultra -n "__fish_ultra_using_subcommand env; and __fish_seen_subcommand_from import" -l no-color -d 'Write without colour'
complete -c ultra -n "__fish_ultra_using_subcommand env; and __fish_seen_subcommand_from import" -s y -l yes -d 'Give every confirmation in advance'
complete -c ultra -n "__fish_ultra_using_subcommand env; and __fish_seen_subcommand_from import" -l no-input -d 'Ask nothing; refuse where an answer is needed'
complete -c ultra -n "__fish_ultra_using_subcommand env; and __fish_seen_subcommand_from import" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c ultra -n "__fish_ultra_using_subcommand env; and __fish_seen_subcommand_from import" -s V -l version -d 'Print version'
complete -c ultra -n "__fish_ultra_using_subcommand keys; and not __fish_seen_subcommand_from list set show verify rotate rollback allow status" -l profile -d 'Act on this profile instead of the one in use' -r
complete -c ultra -n "__fish_ultra_using_subcommand keys; and not __fish_seen_subcommand_from list set show verify rotate rollback allow status" -l dir -d 'The root: the directory with `profiles/`' -r -F
complete -c ultra -n "__fish_ultra_using_subcommand keys; and not __fish_seen_subcommand_from list set show verify rotate rollback allow status" -s o -l output -d 'How the answer is written' -r -f -a "human\t'Text for people'
json\t'One JSON document'"
complete -c ultra -n "__fish_ultra_using_subcommand keys; and not __fish_seen_subcommand_from list set show verify rotate rollback allow status" -s q -l quiet -d 'Leave out notes about what is going on'
complete -c ultra -n "__fish_ultra_using_subcommand keys; and not __fish_seen_subcommand_from list set show verify rotate rollback allow status" -s v -l verbose -d 'Say more about what is going on'
complete -c ultra -n "__fish_ultra_using_subcommand keys; and not __fish_seen_subcommand_from list set show verify rotate rollback allow status" -l no-color -d 'Write without colour'
complete -c ultra -n "__fish_ultra_using_subcommand keys; and not __fish_seen_subcommand_from list set show verify rotate rollback allow status" -s y -l yes -d 'Give every confirmation in advance'
complete -c ultra -n "__fish_ultra_using_subcommand keys; and not __fish_seen_subcommand_from list set show verify rotate rollback allow status" -l no-input -d 'Ask nothing; refuse where an answer is needed'
complete -c ultra -n "__fish_ultra_using_subcommand keys; and not __fish_seen_subcommand_from list set show verify rotate rollback allow status" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c ultra -n "__fish_ultra_using_subcommand keys; and not __fish_seen_subcommand_from list set show verify rotate rollback allow status" -s V -l version -d 'Print version'
complete -c ultra -n "__fish_ultra_using_subcommand keys; and not __fish_seen_subcommand_from list set show verify rotate rollback allow status" -f -a "list" -d 'List the keys of the profile; opens nothing'
complete -c ultra -n "__fish_ultra_using_subcommand keys; and not __fish_seen_subcommand_from list set show verify rotate rollback allow status" -f -a "set" -d 'Keep a value in the vault: by hidden prompt, or one line of stdin. A provider\'s key is tested first (it lists models, which spends no tokens) and from then on sent to that address only'
complete -c ultra -n "__fish_ultra_using_subcommand keys; and not __fish_seen_subcommand_from list set show verify rotate rollback allow status" -f -a "show" -d 'Show the versions of a key'
complete -c ultra -n "__fish_ultra_using_subcommand keys; and not __fish_seen_subcommand_from list set show verify rotate rollback allow status" -f -a "verify" -d 'Ask the providers whether they accept the keys in use; spends no tokens'
complete -c ultra -n "__fish_ultra_using_subcommand keys; and not __fish_seen_subcommand_from list set show verify rotate rollback allow status" -f -a "rotate" -d 'Replace a key by a new one, tested before it is used'
complete -c ultra -n "__fish_ultra_using_subcommand keys; and not __fish_seen_subcommand_from list set show verify rotate rollback allow status" -f -a "rollback" -d 'Go back to the value before, as a new version'
complete -c ultra -n "__fish_ultra_using_subcommand keys; and not __fish_seen_subcommand_from list set show verify rotate rollback allow status" -f -a "allow" -d 'Let the key in use be sent to one more address. A key goes only where it was tested first'
complete -c ultra -n "__fish_ultra_using_subcommand keys; and not __fish_seen_subcommand_from list set show verify rotate rollback allow status" -f -a "status" -d 'Show the vault, its backend, rotations under way and keys that are due; opens nothing'
complete -c ultra -n "__fish_ultra_using_subcommand keys; and __fish_seen_subcommand_from list" -l profile -d 'Act on this profile instead of the one in use' -r
complete -c ultra -n "__fish_ultra_using_subcommand keys; and __fish_seen_subcommand_from list" -l dir -d 'The root: the directory with `profiles/`' -r -F
complete -c ultra -n "__fish_ultra_using_subcommand keys; and __fish_seen_subcommand_from list" -s o -l output -d 'How the answer is written' -r -f -a "human\t'Text for people'
json\t'One JSON document'"
complete -c ultra -n "__fish_ultra_using_subcommand keys; and __fish_seen_subcommand_from list" -s q -l quiet -d 'Leave out notes about what is going on'
complete -c ultra -n "__fish_ultra_using_subcommand keys; and __fish_seen_subcommand_from list" -s v -l verbose -d 'Say more about what is going on'
complete -c ultra -n "__fish_ultra_using_subcommand keys; and __fish_seen_subcommand_from list" -l no-color -d 'Write without colour'
complete -c ultra -n "__fish_ultra_using_subcommand keys; and __fish_seen_subcommand_from list" -s y -l yes -d 'Give every confirmation in advance'
complete -c ultra -n "__fish_ultra_using_subcommand keys; and __fish_seen_subcommand_from list" -l no-input -d 'Ask nothing; refuse where an answer is needed'
complete -c ultra -n "__fish_ultra_using_subcommand keys; and __fish_seen_subcommand_from list" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c ultra -n "__fish_ultra_using_subcommand keys; and __fish_seen_subcommand_from list" -s V -l version -d 'Print version'
complete -c ultra -n "__fish_ultra_using_subcommand keys; and __fish_seen_subcommand_from set" -l backend -d 'What keeps the identity of a new vault' -r -f -a "keyring\t'The keyring of the operating system'
identity-file\t'The file that `ULTRA_VAULT_IDENTITY_FILE` names'
passphrase\t'A file in the state directory, under a passphrase'"
complete -c ultra -n "__fish_ultra_using_subcommand keys; and __fish_seen_subcommand_from set" -l profile -d 'Act on this profile instead of the one in use' -r
complete -c ultra -n "__fish_ultra_using_subcommand keys; and __fish_seen_subcommand_from set" -l dir -d 'The root: the directory with `profiles/`' -r -F
complete -c ultra -n "__fish_ultra_using_subcommand keys; and __fish_seen_subcommand_from set" -s o -l output -d 'How the answer is written' -r -f -a "human\t'Text for people'
json\t'One JSON document'"
complete -c ultra -n "__fish_ultra_using_subcommand keys; and __fish_seen_subcommand_from set" -l replace -d 'Replace a value that is there, at once and without the steps of a rotation'
complete -c ultra -n "__fish_ultra_using_subcommand keys; and __fish_seen_subcommand_from set" -l generate -d 'Make the value here: 256 random bits (`jwt`, `encryption`)'
complete -c ultra -n "__fish_ultra_using_subcommand keys; and __fish_seen_subcommand_from set" -l shadowed -d 'Write it although another layer wins over the vault'
complete -c ultra -n "__fish_ultra_using_subcommand keys; and __fish_seen_subcommand_from set" -s q -l quiet -d 'Leave out notes about what is going on'
complete -c ultra -n "__fish_ultra_using_subcommand keys; and __fish_seen_subcommand_from set" -s v -l verbose -d 'Say more about what is going on'
complete -c ultra -n "__fish_ultra_using_subcommand keys; and __fish_seen_subcommand_from set" -l no-color -d 'Write without colour'
complete -c ultra -n "__fish_ultra_using_subcommand keys; and __fish_seen_subcommand_from set" -s y -l yes -d 'Give every confirmation in advance'
complete -c ultra -n "__fish_ultra_using_subcommand keys; and __fish_seen_subcommand_from set" -l no-input -d 'Ask nothing; refuse where an answer is needed'
complete -c ultra -n "__fish_ultra_using_subcommand keys; and __fish_seen_subcommand_from set" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c ultra -n "__fish_ultra_using_subcommand keys; and __fish_seen_subcommand_from set" -s V -l version -d 'Print version'
complete -c ultra -n "__fish_ultra_using_subcommand keys; and __fish_seen_subcommand_from show" -l profile -d 'Act on this profile instead of the one in use' -r
complete -c ultra -n "__fish_ultra_using_subcommand keys; and __fish_seen_subcommand_from show" -l dir -d 'The root: the directory with `profiles/`' -r -F
complete -c ultra -n "__fish_ultra_using_subcommand keys; and __fish_seen_subcommand_from show" -s o -l output -d 'How the answer is written' -r -f -a "human\t'Text for people'
json\t'One JSON document'"
complete -c ultra -n "__fish_ultra_using_subcommand keys; and __fish_seen_subcommand_from show" -l reveal -d 'Show the value in use; on a terminal only'
complete -c ultra -n "__fish_ultra_using_subcommand keys; and __fish_seen_subcommand_from show" -s q -l quiet -d 'Leave out notes about what is going on'
complete -c ultra -n "__fish_ultra_using_subcommand keys; and __fish_seen_subcommand_from show" -s v -l verbose -d 'Say more about what is going on'
complete -c ultra -n "__fish_ultra_using_subcommand keys; and __fish_seen_subcommand_from show" -l no-color -d 'Write without colour'
complete -c ultra -n "__fish_ultra_using_subcommand keys; and __fish_seen_subcommand_from show" -s y -l yes -d 'Give every confirmation in advance'
complete -c ultra -n "__fish_ultra_using_subcommand keys; and __fish_seen_subcommand_from show" -l no-input -d 'Ask nothing; refuse where an answer is needed'
complete -c ultra -n "__fish_ultra_using_subcommand keys; and __fish_seen_subcommand_from show" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c ultra -n "__fish_ultra_using_subcommand keys; and __fish_seen_subcommand_from show" -s V -l version -d 'Print version'
complete -c ultra -n "__fish_ultra_using_subcommand keys; and __fish_seen_subcommand_from verify" -l profile -d 'Act on this profile instead of the one in use' -r
complete -c ultra -n "__fish_ultra_using_subcommand keys; and __fish_seen_subcommand_from verify" -l dir -d 'The root: the directory with `profiles/`' -r -F
complete -c ultra -n "__fish_ultra_using_subcommand keys; and __fish_seen_subcommand_from verify" -s o -l output -d 'How the answer is written' -r -f -a "human\t'Text for people'
json\t'One JSON document'"
complete -c ultra -n "__fish_ultra_using_subcommand keys; and __fish_seen_subcommand_from verify" -s q -l quiet -d 'Leave out notes about what is going on'
complete -c ultra -n "__fish_ultra_using_subcommand keys; and __fish_seen_subcommand_from verify" -s v -l verbose -d 'Say more about what is going on'
complete -c ultra -n "__fish_ultra_using_subcommand keys; and __fish_seen_subcommand_from verify" -l no-color -d 'Write without colour'
complete -c ultra -n "__fish_ultra_using_subcommand keys; and __fish_seen_subcommand_from verify" -s y -l yes -d 'Give every confirmation in advance'
complete -c ultra -n "__fish_ultra_using_subcommand keys; and __fish_seen_subcommand_from verify" -l no-input -d 'Ask nothing; refuse where an answer is needed'
complete -c ultra -n "__fish_ultra_using_subcommand keys; and __fish_seen_subcommand_from verify" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c ultra -n "__fish_ultra_using_subcommand keys; and __fish_seen_subcommand_from verify" -s V -l version -d 'Print version'
complete -c ultra -n "__fish_ultra_using_subcommand keys; and __fish_seen_subcommand_from rotate" -l profile -d 'Act on this profile instead of the one in use' -r
complete -c ultra -n "__fish_ultra_using_subcommand keys; and __fish_seen_subcommand_from rotate" -l dir -d 'The root: the directory with `profiles/`' -r -F
complete -c ultra -n "__fish_ultra_using_subcommand keys; and __fish_seen_subcommand_from rotate" -s o -l output -d 'How the answer is written' -r -f -a "human\t'Text for people'
json\t'One JSON document'"
complete -c ultra -n "__fish_ultra_using_subcommand keys; and __fish_seen_subcommand_from rotate" -l resume -d 'Go on with a rotation that was cut short'
complete -c ultra -n "__fish_ultra_using_subcommand keys; and __fish_seen_subcommand_from rotate" -l abort -d 'Give up a rotation that was cut short'
complete -c ultra -n "__fish_ultra_using_subcommand keys; and __fish_seen_subcommand_from rotate" -l shadowed -d 'Write it although another layer wins over the vault'
complete -c ultra -n "__fish_ultra_using_subcommand keys; and __fish_seen_subcommand_from rotate" -s q -l quiet -d 'Leave out notes about what is going on'
complete -c ultra -n "__fish_ultra_using_subcommand keys; and __fish_seen_subcommand_from rotate" -s v -l verbose -d 'Say more about what is going on'
complete -c ultra -n "__fish_ultra_using_subcommand keys; and __fish_seen_subcommand_from rotate" -l no-color -d 'Write without colour'
complete -c ultra -n "__fish_ultra_using_subcommand keys; and __fish_seen_subcommand_from rotate" -s y -l yes -d 'Give every confirmation in advance'
complete -c ultra -n "__fish_ultra_using_subcommand keys; and __fish_seen_subcommand_from rotate" -l no-input -d 'Ask nothing; refuse where an answer is needed'
complete -c ultra -n "__fish_ultra_using_subcommand keys; and __fish_seen_subcommand_from rotate" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c ultra -n "__fish_ultra_using_subcommand keys; and __fish_seen_subcommand_from rotate" -s V -l version -d 'Print version'
complete -c ultra -n "__fish_ultra_using_subcommand keys; and __fish_seen_subcommand_from rollback" -l profile -d 'Act on this profile instead of the one in use' -r
complete -c ultra -n "__fish_ultra_using_subcommand keys; and __fish_seen_subcommand_from rollback" -l dir -d 'The root: the directory with `profiles/`' -r -F
complete -c ultra -n "__fish_ultra_using_subcommand keys; and __fish_seen_subcommand_from rollback" -s o -l output -d 'How the answer is written' -r -f -a "human\t'Text for people'
json\t'One JSON document'"
complete -c ultra -n "__fish_ultra_using_subcommand keys; and __fish_seen_subcommand_from rollback" -l shadowed -d 'Write it although another layer wins over the vault'
complete -c ultra -n "__fish_ultra_using_subcommand keys; and __fish_seen_subcommand_from rollback" -s q -l quiet -d 'Leave out notes about what is going on'
complete -c ultra -n "__fish_ultra_using_subcommand keys; and __fish_seen_subcommand_from rollback" -s v -l verbose -d 'Say more about what is going on'
complete -c ultra -n "__fish_ultra_using_subcommand keys; and __fish_seen_subcommand_from rollback" -l no-color -d 'Write without colour'
complete -c ultra -n "__fish_ultra_using_subcommand keys; and __fish_seen_subcommand_from rollback" -s y -l yes -d 'Give every confirmation in advance'
complete -c ultra -n "__fish_ultra_using_subcommand keys; and __fish_seen_subcommand_from rollback" -l no-input -d 'Ask nothing; refuse where an answer is needed'
complete -c ultra -n "__fish_ultra_using_subcommand keys; and __fish_seen_subcommand_from rollback" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c ultra -n "__fish_ultra_using_subcommand keys; and __fish_seen_subcommand_from rollback" -s V -l version -d 'Print version'
complete -c ultra -n "__fish_ultra_using_subcommand keys; and __fish_seen_subcommand_from allow" -l host -d 'The address: `https` unless it is a URL that says otherwise. `http` goes to this machine only' -r
complete -c ultra -n "__fish_ultra_using_subcommand keys; and __fish_seen_subcommand_from allow" -l profile -d 'Act on this profile instead of the one in use' -r
complete -c ultra -n "__fish_ultra_using_subcommand keys; and __fish_seen_subcommand_from allow" -l dir -d 'The root: the directory with `profiles/`' -r -F
complete -c ultra -n "__fish_ultra_using_subcommand keys; and __fish_seen_subcommand_from allow" -s o -l output -d 'How the answer is written' -r -f -a "human\t'Text for people'
json\t'One JSON document'"
complete -c ultra -n "__fish_ultra_using_subcommand keys; and __fish_seen_subcommand_from allow" -s q -l quiet -d 'Leave out notes about what is going on'
complete -c ultra -n "__fish_ultra_using_subcommand keys; and __fish_seen_subcommand_from allow" -s v -l verbose -d 'Say more about what is going on'
complete -c ultra -n "__fish_ultra_using_subcommand keys; and __fish_seen_subcommand_from allow" -l no-color -d 'Write without colour'
complete -c ultra -n "__fish_ultra_using_subcommand keys; and __fish_seen_subcommand_from allow" -s y -l yes -d 'Give every confirmation in advance'
complete -c ultra -n "__fish_ultra_using_subcommand keys; and __fish_seen_subcommand_from allow" -l no-input -d 'Ask nothing; refuse where an answer is needed'
complete -c ultra -n "__fish_ultra_using_subcommand keys; and __fish_seen_subcommand_from allow" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c ultra -n "__fish_ultra_using_subcommand keys; and __fish_seen_subcommand_from allow" -s V -l version -d 'Print version'
complete -c ultra -n "__fish_ultra_using_subcommand keys; and __fish_seen_subcommand_from status" -l profile -d 'Act on this profile instead of the one in use' -r
complete -c ultra -n "__fish_ultra_using_subcommand keys; and __fish_seen_subcommand_from status" -l dir -d 'The root: the directory with `profiles/`' -r -F
complete -c ultra -n "__fish_ultra_using_subcommand keys; and __fish_seen_subcommand_from status" -s o -l output -d 'How the answer is written' -r -f -a "human\t'Text for people'
json\t'One JSON document'"
complete -c ultra -n "__fish_ultra_using_subcommand keys; and __fish_seen_subcommand_from status" -s q -l quiet -d 'Leave out notes about what is going on'
complete -c ultra -n "__fish_ultra_using_subcommand keys; and __fish_seen_subcommand_from status" -s v -l verbose -d 'Say more about what is going on'
complete -c ultra -n "__fish_ultra_using_subcommand keys; and __fish_seen_subcommand_from status" -l no-color -d 'Write without colour'
complete -c ultra -n "__fish_ultra_using_subcommand keys; and __fish_seen_subcommand_from status" -s y -l yes -d 'Give every confirmation in advance'
complete -c ultra -n "__fish_ultra_using_subcommand keys; and __fish_seen_subcommand_from status" -l no-input -d 'Ask nothing; refuse where an answer is needed'
complete -c ultra -n "__fish_ultra_using_subcommand keys; and __fish_seen_subcommand_from status" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c ultra -n "__fish_ultra_using_subcommand keys; and __fish_seen_subcommand_from status" -s V -l version -d 'Print version'
complete -c ultra -n "__fish_ultra_using_subcommand serve" -l addr -d 'The address to listen on' -r
complete -c ultra -n "__fish_ultra_using_subcommand serve" -l port -d 'The port to listen on; `auto` takes a free one' -r
complete -c ultra -n "__fish_ultra_using_subcommand serve" -l profile -d 'Act on this profile instead of the one in use' -r
complete -c ultra -n "__fish_ultra_using_subcommand serve" -l dir -d 'The root: the directory with `profiles/`' -r -F
complete -c ultra -n "__fish_ultra_using_subcommand serve" -s o -l output -d 'How the answer is written' -r -f -a "human\t'Text for people'
json\t'One JSON document'"
complete -c ultra -n "__fish_ultra_using_subcommand serve" -l mock -d 'Answer with the mock, whatever the profile says'
complete -c ultra -n "__fish_ultra_using_subcommand serve" -l real -d 'Answer with real providers, whatever the profile says'
complete -c ultra -n "__fish_ultra_using_subcommand serve" -l probe -d 'Be there only to be looked at: loopback, a free port, a state directory of its own, and one service key, which is the first line of standard input. Ends with standard input'
complete -c ultra -n "__fish_ultra_using_subcommand serve" -s q -l quiet -d 'Leave out notes about what is going on'
complete -c ultra -n "__fish_ultra_using_subcommand serve" -s v -l verbose -d 'Say more about what is going on'
complete -c ultra -n "__fish_ultra_using_subcommand serve" -l no-color -d 'Write without colour'
complete -c ultra -n "__fish_ultra_using_subcommand serve" -s y -l yes -d 'Give every confirmation in advance'
complete -c ultra -n "__fish_ultra_using_subcommand serve" -l no-input -d 'Ask nothing; refuse where an answer is needed'
complete -c ultra -n "__fish_ultra_using_subcommand serve" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c ultra -n "__fish_ultra_using_subcommand serve" -s V -l version -d 'Print version'
complete -c ultra -n "__fish_ultra_using_subcommand auth; and not __fish_seen_subcommand_from service-key token" -l profile -d 'Act on this profile instead of the one in use' -r
complete -c ultra -n "__fish_ultra_using_subcommand auth; and not __fish_seen_subcommand_from service-key token" -l dir -d 'The root: the directory with `profiles/`' -r -F
complete -c ultra -n "__fish_ultra_using_subcommand auth; and not __fish_seen_subcommand_from service-key token" -s o -l output -d 'How the answer is written' -r -f -a "human\t'Text for people'
json\t'One JSON document'"
complete -c ultra -n "__fish_ultra_using_subcommand auth; and not __fish_seen_subcommand_from service-key token" -s q -l quiet -d 'Leave out notes about what is going on'
complete -c ultra -n "__fish_ultra_using_subcommand auth; and not __fish_seen_subcommand_from service-key token" -s v -l verbose -d 'Say more about what is going on'
complete -c ultra -n "__fish_ultra_using_subcommand auth; and not __fish_seen_subcommand_from service-key token" -l no-color -d 'Write without colour'
complete -c ultra -n "__fish_ultra_using_subcommand auth; and not __fish_seen_subcommand_from service-key token" -s y -l yes -d 'Give every confirmation in advance'
complete -c ultra -n "__fish_ultra_using_subcommand auth; and not __fish_seen_subcommand_from service-key token" -l no-input -d 'Ask nothing; refuse where an answer is needed'
complete -c ultra -n "__fish_ultra_using_subcommand auth; and not __fish_seen_subcommand_from service-key token" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c ultra -n "__fish_ultra_using_subcommand auth; and not __fish_seen_subcommand_from service-key token" -s V -l version -d 'Print version'
complete -c ultra -n "__fish_ultra_using_subcommand auth; and not __fish_seen_subcommand_from service-key token" -f -a "service-key" -d 'Keys with which programs use the server'
complete -c ultra -n "__fish_ultra_using_subcommand auth; and not __fish_seen_subcommand_from service-key token" -f -a "token" -d 'Short-lived access tokens'
complete -c ultra -n "__fish_ultra_using_subcommand auth; and __fish_seen_subcommand_from service-key" -l profile -d 'Act on this profile instead of the one in use' -r
complete -c ultra -n "__fish_ultra_using_subcommand auth; and __fish_seen_subcommand_from service-key" -l dir -d 'The root: the directory with `profiles/`' -r -F
complete -c ultra -n "__fish_ultra_using_subcommand auth; and __fish_seen_subcommand_from service-key" -s o -l output -d 'How the answer is written' -r -f -a "human\t'Text for people'
json\t'One JSON document'"
complete -c ultra -n "__fish_ultra_using_subcommand auth; and __fish_seen_subcommand_from service-key" -s q -l quiet -d 'Leave out notes about what is going on'
complete -c ultra -n "__fish_ultra_using_subcommand auth; and __fish_seen_subcommand_from service-key" -s v -l verbose -d 'Say more about what is going on'
complete -c ultra -n "__fish_ultra_using_subcommand auth; and __fish_seen_subcommand_from service-key" -l no-color -d 'Write without colour'
complete -c ultra -n "__fish_ultra_using_subcommand auth; and __fish_seen_subcommand_from service-key" -s y -l yes -d 'Give every confirmation in advance'
complete -c ultra -n "__fish_ultra_using_subcommand auth; and __fish_seen_subcommand_from service-key" -l no-input -d 'Ask nothing; refuse where an answer is needed'
complete -c ultra -n "__fish_ultra_using_subcommand auth; and __fish_seen_subcommand_from service-key" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c ultra -n "__fish_ultra_using_subcommand auth; and __fish_seen_subcommand_from service-key" -s V -l version -d 'Print version'
complete -c ultra -n "__fish_ultra_using_subcommand auth; and __fish_seen_subcommand_from service-key" -f -a "create" -d 'Make a key and print it, once: only a hash of it is kept'
complete -c ultra -n "__fish_ultra_using_subcommand auth; and __fish_seen_subcommand_from service-key" -f -a "list" -d 'List the keys of the profile'
complete -c ultra -n "__fish_ultra_using_subcommand auth; and __fish_seen_subcommand_from service-key" -f -a "revoke" -d 'Take a key back; running servers refuse it within 5 seconds'
complete -c ultra -n "__fish_ultra_using_subcommand auth; and __fish_seen_subcommand_from token" -l profile -d 'Act on this profile instead of the one in use' -r
complete -c ultra -n "__fish_ultra_using_subcommand auth; and __fish_seen_subcommand_from token" -l dir -d 'The root: the directory with `profiles/`' -r -F
complete -c ultra -n "__fish_ultra_using_subcommand auth; and __fish_seen_subcommand_from token" -s o -l output -d 'How the answer is written' -r -f -a "human\t'Text for people'
json\t'One JSON document'"
complete -c ultra -n "__fish_ultra_using_subcommand auth; and __fish_seen_subcommand_from token" -s q -l quiet -d 'Leave out notes about what is going on'
complete -c ultra -n "__fish_ultra_using_subcommand auth; and __fish_seen_subcommand_from token" -s v -l verbose -d 'Say more about what is going on'
complete -c ultra -n "__fish_ultra_using_subcommand auth; and __fish_seen_subcommand_from token" -l no-color -d 'Write without colour'
complete -c ultra -n "__fish_ultra_using_subcommand auth; and __fish_seen_subcommand_from token" -s y -l yes -d 'Give every confirmation in advance'
complete -c ultra -n "__fish_ultra_using_subcommand auth; and __fish_seen_subcommand_from token" -l no-input -d 'Ask nothing; refuse where an answer is needed'
complete -c ultra -n "__fish_ultra_using_subcommand auth; and __fish_seen_subcommand_from token" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c ultra -n "__fish_ultra_using_subcommand auth; and __fish_seen_subcommand_from token" -s V -l version -d 'Print version'
complete -c ultra -n "__fish_ultra_using_subcommand auth; and __fish_seen_subcommand_from token" -f -a "create" -d 'Make an access token and print it, once'
complete -c ultra -n "__fish_ultra_using_subcommand db; and not __fish_seen_subcommand_from migrate status" -l profile -d 'Act on this profile instead of the one in use' -r
complete -c ultra -n "__fish_ultra_using_subcommand db; and not __fish_seen_subcommand_from migrate status" -l dir -d 'The root: the directory with `profiles/`' -r -F
complete -c ultra -n "__fish_ultra_using_subcommand db; and not __fish_seen_subcommand_from migrate status" -s o -l output -d 'How the answer is written' -r -f -a "human\t'Text for people'
json\t'One JSON document'"
complete -c ultra -n "__fish_ultra_using_subcommand db; and not __fish_seen_subcommand_from migrate status" -s q -l quiet -d 'Leave out notes about what is going on'
complete -c ultra -n "__fish_ultra_using_subcommand db; and not __fish_seen_subcommand_from migrate status" -s v -l verbose -d 'Say more about what is going on'
complete -c ultra -n "__fish_ultra_using_subcommand db; and not __fish_seen_subcommand_from migrate status" -l no-color -d 'Write without colour'
complete -c ultra -n "__fish_ultra_using_subcommand db; and not __fish_seen_subcommand_from migrate status" -s y -l yes -d 'Give every confirmation in advance'
complete -c ultra -n "__fish_ultra_using_subcommand db; and not __fish_seen_subcommand_from migrate status" -l no-input -d 'Ask nothing; refuse where an answer is needed'
complete -c ultra -n "__fish_ultra_using_subcommand db; and not __fish_seen_subcommand_from migrate status" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c ultra -n "__fish_ultra_using_subcommand db; and not __fish_seen_subcommand_from migrate status" -s V -l version -d 'Print version'
complete -c ultra -n "__fish_ultra_using_subcommand db; and not __fish_seen_subcommand_from migrate status" -f -a "migrate" -d 'Apply pending migrations, all or none'
complete -c ultra -n "__fish_ultra_using_subcommand db; and not __fish_seen_subcommand_from migrate status" -f -a "status" -d 'Say where the store is, whether it answers, and which migrations it has'
complete -c ultra -n "__fish_ultra_using_subcommand db; and __fish_seen_subcommand_from migrate" -l profile -d 'Act on this profile instead of the one in use' -r
complete -c ultra -n "__fish_ultra_using_subcommand db; and __fish_seen_subcommand_from migrate" -l dir -d 'The root: the directory with `profiles/`' -r -F
complete -c ultra -n "__fish_ultra_using_subcommand db; and __fish_seen_subcommand_from migrate" -s o -l output -d 'How the answer is written' -r -f -a "human\t'Text for people'
json\t'One JSON document'"
complete -c ultra -n "__fish_ultra_using_subcommand db; and __fish_seen_subcommand_from migrate" -s q -l quiet -d 'Leave out notes about what is going on'
complete -c ultra -n "__fish_ultra_using_subcommand db; and __fish_seen_subcommand_from migrate" -s v -l verbose -d 'Say more about what is going on'
complete -c ultra -n "__fish_ultra_using_subcommand db; and __fish_seen_subcommand_from migrate" -l no-color -d 'Write without colour'
complete -c ultra -n "__fish_ultra_using_subcommand db; and __fish_seen_subcommand_from migrate" -s y -l yes -d 'Give every confirmation in advance'
complete -c ultra -n "__fish_ultra_using_subcommand db; and __fish_seen_subcommand_from migrate" -l no-input -d 'Ask nothing; refuse where an answer is needed'
complete -c ultra -n "__fish_ultra_using_subcommand db; and __fish_seen_subcommand_from migrate" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c ultra -n "__fish_ultra_using_subcommand db; and __fish_seen_subcommand_from migrate" -s V -l version -d 'Print version'
complete -c ultra -n "__fish_ultra_using_subcommand db; and __fish_seen_subcommand_from status" -l profile -d 'Act on this profile instead of the one in use' -r
complete -c ultra -n "__fish_ultra_using_subcommand db; and __fish_seen_subcommand_from status" -l dir -d 'The root: the directory with `profiles/`' -r -F
complete -c ultra -n "__fish_ultra_using_subcommand db; and __fish_seen_subcommand_from status" -s o -l output -d 'How the answer is written' -r -f -a "human\t'Text for people'
json\t'One JSON document'"
complete -c ultra -n "__fish_ultra_using_subcommand db; and __fish_seen_subcommand_from status" -s q -l quiet -d 'Leave out notes about what is going on'
complete -c ultra -n "__fish_ultra_using_subcommand db; and __fish_seen_subcommand_from status" -s v -l verbose -d 'Say more about what is going on'
complete -c ultra -n "__fish_ultra_using_subcommand db; and __fish_seen_subcommand_from status" -l no-color -d 'Write without colour'
complete -c ultra -n "__fish_ultra_using_subcommand db; and __fish_seen_subcommand_from status" -s y -l yes -d 'Give every confirmation in advance'
complete -c ultra -n "__fish_ultra_using_subcommand db; and __fish_seen_subcommand_from status" -l no-input -d 'Ask nothing; refuse where an answer is needed'
complete -c ultra -n "__fish_ultra_using_subcommand db; and __fish_seen_subcommand_from status" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c ultra -n "__fish_ultra_using_subcommand db; and __fish_seen_subcommand_from status" -s V -l version -d 'Print version'
complete -c ultra -n "__fish_ultra_using_subcommand check; and not __fish_seen_subcommand_from readiness list explain status smoke scan" -l profile -d 'Act on this profile instead of the one in use' -r
complete -c ultra -n "__fish_ultra_using_subcommand check; and not __fish_seen_subcommand_from readiness list explain status smoke scan" -l dir -d 'The root: the directory with `profiles/`' -r -F
complete -c ultra -n "__fish_ultra_using_subcommand check; and not __fish_seen_subcommand_from readiness list explain status smoke scan" -s o -l output -d 'How the answer is written' -r -f -a "human\t'Text for people'
json\t'One JSON document'"
complete -c ultra -n "__fish_ultra_using_subcommand check; and not __fish_seen_subcommand_from readiness list explain status smoke scan" -s q -l quiet -d 'Leave out notes about what is going on'
complete -c ultra -n "__fish_ultra_using_subcommand check; and not __fish_seen_subcommand_from readiness list explain status smoke scan" -s v -l verbose -d 'Say more about what is going on'
complete -c ultra -n "__fish_ultra_using_subcommand check; and not __fish_seen_subcommand_from readiness list explain status smoke scan" -l no-color -d 'Write without colour'
complete -c ultra -n "__fish_ultra_using_subcommand check; and not __fish_seen_subcommand_from readiness list explain status smoke scan" -s y -l yes -d 'Give every confirmation in advance'
complete -c ultra -n "__fish_ultra_using_subcommand check; and not __fish_seen_subcommand_from readiness list explain status smoke scan" -l no-input -d 'Ask nothing; refuse where an answer is needed'
complete -c ultra -n "__fish_ultra_using_subcommand check; and not __fish_seen_subcommand_from readiness list explain status smoke scan" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c ultra -n "__fish_ultra_using_subcommand check; and not __fish_seen_subcommand_from readiness list explain status smoke scan" -s V -l version -d 'Print version'
complete -c ultra -n "__fish_ultra_using_subcommand check; and not __fish_seen_subcommand_from readiness list explain status smoke scan" -f -a "readiness" -d 'Say whether the profile may go live, and what to fix if not'
complete -c ultra -n "__fish_ultra_using_subcommand check; and not __fish_seen_subcommand_from readiness list explain status smoke scan" -f -a "list" -d 'List all checks'
complete -c ultra -n "__fish_ultra_using_subcommand check; and not __fish_seen_subcommand_from readiness list explain status smoke scan" -f -a "explain" -d 'Show what a check looks at, why, and how to fix what it finds'
complete -c ultra -n "__fish_ultra_using_subcommand check; and not __fish_seen_subcommand_from readiness list explain status smoke scan" -f -a "status" -d 'Say what is broken on a running server'
complete -c ultra -n "__fish_ultra_using_subcommand check; and not __fish_seen_subcommand_from readiness list explain status smoke scan" -f -a "smoke" -d 'Try a running server, step by step'
complete -c ultra -n "__fish_ultra_using_subcommand check; and not __fish_seen_subcommand_from readiness list explain status smoke scan" -f -a "scan" -d 'Search files for secrets'
complete -c ultra -n "__fish_ultra_using_subcommand check; and __fish_seen_subcommand_from readiness" -l only -d 'Judge only these checks: ids, groups, globs such as `ULT-AUTH-*`' -r
complete -c ultra -n "__fish_ultra_using_subcommand check; and __fish_seen_subcommand_from readiness" -l skip -d 'Leave out these checks' -r
complete -c ultra -n "__fish_ultra_using_subcommand check; and __fish_seen_subcommand_from readiness" -l stage -d 'Judge only checks of these stages' -r -f -a "static\t'The project\'s files'
config\t'The resolved configuration'
live\t'A running server'
drill\t'An experiment that breaks something'"
complete -c ultra -n "__fish_ultra_using_subcommand check; and __fish_seen_subcommand_from readiness" -l gate -d 'Failures at this gate and above count, instead of those that the profile names' -r -f -a "P0\t'Every release'
P1\t'A production release'
P2\t'Nothing'"
complete -c ultra -n "__fish_ultra_using_subcommand check; and __fish_seen_subcommand_from readiness" -l fail-on -d 'End with 4 if nothing is worse than this' -r -f -a "warn\t'Warnings'"
complete -c ultra -n "__fish_ultra_using_subcommand check; and __fish_seen_subcommand_from readiness" -l url -d 'Judge the server that runs here instead of one that is started for the checks' -r
complete -c ultra -n "__fish_ultra_using_subcommand check; and __fish_seen_subcommand_from readiness" -l secrets -d 'Whether secrets must have values, or only be declared' -r -f -a "present\t'They must'
declared\t'It is enough that they are declared: for CI, which has no secrets of production'"
complete -c ultra -n "__fish_ultra_using_subcommand check; and __fish_seen_subcommand_from readiness" -l profile -d 'Act on this profile instead of the one in use' -r
complete -c ultra -n "__fish_ultra_using_subcommand check; and __fish_seen_subcommand_from readiness" -l dir -d 'The root: the directory with `profiles/`' -r -F
complete -c ultra -n "__fish_ultra_using_subcommand check; and __fish_seen_subcommand_from readiness" -s o -l output -d 'How the answer is written' -r -f -a "human\t'Text for people'
json\t'One JSON document'"
complete -c ultra -n "__fish_ultra_using_subcommand check; and __fish_seen_subcommand_from readiness" -s q -l quiet -d 'Leave out notes about what is going on'
complete -c ultra -n "__fish_ultra_using_subcommand check; and __fish_seen_subcommand_from readiness" -s v -l verbose -d 'Say more about what is going on'
complete -c ultra -n "__fish_ultra_using_subcommand check; and __fish_seen_subcommand_from readiness" -l no-color -d 'Write without colour'
complete -c ultra -n "__fish_ultra_using_subcommand check; and __fish_seen_subcommand_from readiness" -s y -l yes -d 'Give every confirmation in advance'
complete -c ultra -n "__fish_ultra_using_subcommand check; and __fish_seen_subcommand_from readiness" -l no-input -d 'Ask nothing; refuse where an answer is needed'
complete -c ultra -n "__fish_ultra_using_subcommand check; and __fish_seen_subcommand_from readiness" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c ultra -n "__fish_ultra_using_subcommand check; and __fish_seen_subcommand_from readiness" -s V -l version -d 'Print version'
complete -c ultra -n "__fish_ultra_using_subcommand check; and __fish_seen_subcommand_from list" -l profile -d 'Act on this profile instead of the one in use' -r
complete -c ultra -n "__fish_ultra_using_subcommand check; and __fish_seen_subcommand_from list" -l dir -d 'The root: the directory with `profiles/`' -r -F
complete -c ultra -n "__fish_ultra_using_subcommand check; and __fish_seen_subcommand_from list" -s o -l output -d 'How the answer is written' -r -f -a "human\t'Text for people'
json\t'One JSON document'"
complete -c ultra -n "__fish_ultra_using_subcommand check; and __fish_seen_subcommand_from list" -s q -l quiet -d 'Leave out notes about what is going on'
complete -c ultra -n "__fish_ultra_using_subcommand check; and __fish_seen_subcommand_from list" -s v -l verbose -d 'Say more about what is going on'
complete -c ultra -n "__fish_ultra_using_subcommand check; and __fish_seen_subcommand_from list" -l no-color -d 'Write without colour'
complete -c ultra -n "__fish_ultra_using_subcommand check; and __fish_seen_subcommand_from list" -s y -l yes -d 'Give every confirmation in advance'
complete -c ultra -n "__fish_ultra_using_subcommand check; and __fish_seen_subcommand_from list" -l no-input -d 'Ask nothing; refuse where an answer is needed'
complete -c ultra -n "__fish_ultra_using_subcommand check; and __fish_seen_subcommand_from list" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c ultra -n "__fish_ultra_using_subcommand check; and __fish_seen_subcommand_from list" -s V -l version -d 'Print version'
complete -c ultra -n "__fish_ultra_using_subcommand check; and __fish_seen_subcommand_from explain" -l profile -d 'Act on this profile instead of the one in use' -r
complete -c ultra -n "__fish_ultra_using_subcommand check; and __fish_seen_subcommand_from explain" -l dir -d 'The root: the directory with `profiles/`' -r -F
complete -c ultra -n "__fish_ultra_using_subcommand check; and __fish_seen_subcommand_from explain" -s o -l output -d 'How the answer is written' -r -f -a "human\t'Text for people'
json\t'One JSON document'"
complete -c ultra -n "__fish_ultra_using_subcommand check; and __fish_seen_subcommand_from explain" -s q -l quiet -d 'Leave out notes about what is going on'
complete -c ultra -n "__fish_ultra_using_subcommand check; and __fish_seen_subcommand_from explain" -s v -l verbose -d 'Say more about what is going on'
complete -c ultra -n "__fish_ultra_using_subcommand check; and __fish_seen_subcommand_from explain" -l no-color -d 'Write without colour'
complete -c ultra -n "__fish_ultra_using_subcommand check; and __fish_seen_subcommand_from explain" -s y -l yes -d 'Give every confirmation in advance'
complete -c ultra -n "__fish_ultra_using_subcommand check; and __fish_seen_subcommand_from explain" -l no-input -d 'Ask nothing; refuse where an answer is needed'
complete -c ultra -n "__fish_ultra_using_subcommand check; and __fish_seen_subcommand_from explain" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c ultra -n "__fish_ultra_using_subcommand check; and __fish_seen_subcommand_from explain" -s V -l version -d 'Print version'
complete -c ultra -n "__fish_ultra_using_subcommand check; and __fish_seen_subcommand_from status" -l url -d 'The server; those that run on this state directory if left out' -r
complete -c ultra -n "__fish_ultra_using_subcommand check; and __fish_seen_subcommand_from status" -l profile -d 'Act on this profile instead of the one in use' -r
complete -c ultra -n "__fish_ultra_using_subcommand check; and __fish_seen_subcommand_from status" -l dir -d 'The root: the directory with `profiles/`' -r -F
complete -c ultra -n "__fish_ultra_using_subcommand check; and __fish_seen_subcommand_from status" -s o -l output -d 'How the answer is written' -r -f -a "human\t'Text for people'
json\t'One JSON document'"
complete -c ultra -n "__fish_ultra_using_subcommand check; and __fish_seen_subcommand_from status" -s q -l quiet -d 'Leave out notes about what is going on'
complete -c ultra -n "__fish_ultra_using_subcommand check; and __fish_seen_subcommand_from status" -s v -l verbose -d 'Say more about what is going on'
complete -c ultra -n "__fish_ultra_using_subcommand check; and __fish_seen_subcommand_from status" -l no-color -d 'Write without colour'
complete -c ultra -n "__fish_ultra_using_subcommand check; and __fish_seen_subcommand_from status" -s y -l yes -d 'Give every confirmation in advance'
complete -c ultra -n "__fish_ultra_using_subcommand check; and __fish_seen_subcommand_from status" -l no-input -d 'Ask nothing; refuse where an answer is needed'
complete -c ultra -n "__fish_ultra_using_subcommand check; and __fish_seen_subcommand_from status" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c ultra -n "__fish_ultra_using_subcommand check; and __fish_seen_subcommand_from status" -s V -l version -d 'Print version'
complete -c ultra -n "__fish_ultra_using_subcommand check; and __fish_seen_subcommand_from smoke" -l url -d 'The server' -r
complete -c ultra -n "__fish_ultra_using_subcommand check; and __fish_seen_subcommand_from smoke" -l wait -d 'How long to wait until the server is ready, such as `60s`' -r
complete -c ultra -n "__fish_ultra_using_subcommand check; and __fish_seen_subcommand_from smoke" -l expect-version -d 'The version that must answer' -r
complete -c ultra -n "__fish_ultra_using_subcommand check; and __fish_seen_subcommand_from smoke" -l model -d 'The model to ask; the first that the server lists if left out' -r
complete -c ultra -n "__fish_ultra_using_subcommand check; and __fish_seen_subcommand_from smoke" -l profile -d 'Act on this profile instead of the one in use' -r
complete -c ultra -n "__fish_ultra_using_subcommand check; and __fish_seen_subcommand_from smoke" -l dir -d 'The root: the directory with `profiles/`' -r -F
complete -c ultra -n "__fish_ultra_using_subcommand check; and __fish_seen_subcommand_from smoke" -s o -l output -d 'How the answer is written' -r -f -a "human\t'Text for people'
json\t'One JSON document'"
complete -c ultra -n "__fish_ultra_using_subcommand check; and __fish_seen_subcommand_from smoke" -s q -l quiet -d 'Leave out notes about what is going on'
complete -c ultra -n "__fish_ultra_using_subcommand check; and __fish_seen_subcommand_from smoke" -s v -l verbose -d 'Say more about what is going on'
complete -c ultra -n "__fish_ultra_using_subcommand check; and __fish_seen_subcommand_from smoke" -l no-color -d 'Write without colour'
complete -c ultra -n "__fish_ultra_using_subcommand check; and __fish_seen_subcommand_from smoke" -s y -l yes -d 'Give every confirmation in advance'
complete -c ultra -n "__fish_ultra_using_subcommand check; and __fish_seen_subcommand_from smoke" -l no-input -d 'Ask nothing; refuse where an answer is needed'
complete -c ultra -n "__fish_ultra_using_subcommand check; and __fish_seen_subcommand_from smoke" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c ultra -n "__fish_ultra_using_subcommand check; and __fish_seen_subcommand_from smoke" -s V -l version -d 'Print version'
complete -c ultra -n "__fish_ultra_using_subcommand check; and __fish_seen_subcommand_from scan" -l profile -d 'Act on this profile instead of the one in use' -r
complete -c ultra -n "__fish_ultra_using_subcommand check; and __fish_seen_subcommand_from scan" -l dir -d 'The root: the directory with `profiles/`' -r -F
complete -c ultra -n "__fish_ultra_using_subcommand check; and __fish_seen_subcommand_from scan" -s o -l output -d 'How the answer is written' -r -f -a "human\t'Text for people'
json\t'One JSON document'"
complete -c ultra -n "__fish_ultra_using_subcommand check; and __fish_seen_subcommand_from scan" -s q -l quiet -d 'Leave out notes about what is going on'
complete -c ultra -n "__fish_ultra_using_subcommand check; and __fish_seen_subcommand_from scan" -s v -l verbose -d 'Say more about what is going on'
complete -c ultra -n "__fish_ultra_using_subcommand check; and __fish_seen_subcommand_from scan" -l no-color -d 'Write without colour'
complete -c ultra -n "__fish_ultra_using_subcommand check; and __fish_seen_subcommand_from scan" -s y -l yes -d 'Give every confirmation in advance'
complete -c ultra -n "__fish_ultra_using_subcommand check; and __fish_seen_subcommand_from scan" -l no-input -d 'Ask nothing; refuse where an answer is needed'
complete -c ultra -n "__fish_ultra_using_subcommand check; and __fish_seen_subcommand_from scan" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c ultra -n "__fish_ultra_using_subcommand check; and __fish_seen_subcommand_from scan" -s V -l version -d 'Print version'
complete -c ultra -n "__fish_ultra_using_subcommand generate" -l profile -d 'Act on this profile instead of the one in use' -r
complete -c ultra -n "__fish_ultra_using_subcommand generate" -l dir -d 'The root: the directory with `profiles/`' -r -F
complete -c ultra -n "__fish_ultra_using_subcommand generate" -s o -l output -d 'How the answer is written' -r -f -a "human\t'Text for people'
json\t'One JSON document'"
complete -c ultra -n "__fish_ultra_using_subcommand generate" -l check -d 'Write nothing; say which files differ, and exit 3 if any does'
complete -c ultra -n "__fish_ultra_using_subcommand generate" -s q -l quiet -d 'Leave out notes about what is going on'
complete -c ultra -n "__fish_ultra_using_subcommand generate" -s v -l verbose -d 'Say more about what is going on'
complete -c ultra -n "__fish_ultra_using_subcommand generate" -l no-color -d 'Write without colour'
complete -c ultra -n "__fish_ultra_using_subcommand generate" -s y -l yes -d 'Give every confirmation in advance'
complete -c ultra -n "__fish_ultra_using_subcommand generate" -l no-input -d 'Ask nothing; refuse where an answer is needed'
complete -c ultra -n "__fish_ultra_using_subcommand generate" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c ultra -n "__fish_ultra_using_subcommand generate" -s V -l version -d 'Print version'
complete -c ultra -n "__fish_ultra_using_subcommand completions" -l profile -d 'Act on this profile instead of the one in use' -r
complete -c ultra -n "__fish_ultra_using_subcommand completions" -l dir -d 'The root: the directory with `profiles/`' -r -F
complete -c ultra -n "__fish_ultra_using_subcommand completions" -s o -l output -d 'How the answer is written' -r -f -a "human\t'Text for people'
json\t'One JSON document'"
complete -c ultra -n "__fish_ultra_using_subcommand completions" -s q -l quiet -d 'Leave out notes about what is going on'
complete -c ultra -n "__fish_ultra_using_subcommand completions" -s v -l verbose -d 'Say more about what is going on'
complete -c ultra -n "__fish_ultra_using_subcommand completions" -l no-color -d 'Write without colour'
complete -c ultra -n "__fish_ultra_using_subcommand completions" -s y -l yes -d 'Give every confirmation in advance'
complete -c ultra -n "__fish_ultra_using_subcommand completions" -l no-input -d 'Ask nothing; refuse where an answer is needed'
complete -c ultra -n "__fish_ultra_using_subcommand completions" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c ultra -n "__fish_ultra_using_subcommand completions" -s V -l version -d 'Print version'
complete -c ultra -n "__fish_ultra_using_subcommand man" -l out -d 'Write every page into this folder' -r -F
complete -c ultra -n "__fish_ultra_using_subcommand man" -l profile -d 'Act on this profile instead of the one in use' -r
complete -c ultra -n "__fish_ultra_using_subcommand man" -l dir -d 'The root: the directory with `profiles/`' -r -F
complete -c ultra -n "__fish_ultra_using_subcommand man" -s o -l output -d 'How the answer is written' -r -f -a "human\t'Text for people'
json\t'One JSON document'"
complete -c ultra -n "__fish_ultra_using_subcommand man" -s q -l quiet -d 'Leave out notes about what is going on'
complete -c ultra -n "__fish_ultra_using_subcommand man" -s v -l verbose -d 'Say more about what is going on'
complete -c ultra -n "__fish_ultra_using_subcommand man" -l no-color -d 'Write without colour'
complete -c ultra -n "__fish_ultra_using_subcommand man" -s y -l yes -d 'Give every confirmation in advance'
complete -c ultra -n "__fish_ultra_using_subcommand man" -l no-input -d 'Ask nothing; refuse where an answer is needed'
complete -c ultra -n "__fish_ultra_using_subcommand man" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c ultra -n "__fish_ultra_using_subcommand man" -s V -l version -d 'Print version'
