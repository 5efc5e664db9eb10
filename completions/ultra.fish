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
complete -c ultra -n "__fish_ultra_needs_command" -f -a "generate" -d 'Write the files that are made from the program\'s own declarations, or check them'
complete -c ultra -n "__fish_ultra_needs_command" -f -a "completions" -d 'Print the completion script of a shell'
complete -c ultra -n "__fish_ultra_needs_command" -f -a "man" -d 'Print a manual page (`ultra man env switch | man -l -`), or write all of them'
complete -c ultra -n "__fish_ultra_using_subcommand env; and not __fish_seen_subcommand_from switch undo history trust" -l profile -d 'Act on this profile instead of the one in use' -r
complete -c ultra -n "__fish_ultra_using_subcommand env; and not __fish_seen_subcommand_from switch undo history trust" -l dir -d 'The root: the directory with `profiles/`' -r -F
complete -c ultra -n "__fish_ultra_using_subcommand env; and not __fish_seen_subcommand_from switch undo history trust" -s o -l output -d 'How the answer is written' -r -f -a "human\t'Text for people'
json\t'One JSON document'"
complete -c ultra -n "__fish_ultra_using_subcommand env; and not __fish_seen_subcommand_from switch undo history trust" -s q -l quiet -d 'Leave out notes about what is going on'
complete -c ultra -n "__fish_ultra_using_subcommand env; and not __fish_seen_subcommand_from switch undo history trust" -s v -l verbose -d 'Say more about what is going on'
complete -c ultra -n "__fish_ultra_using_subcommand env; and not __fish_seen_subcommand_from switch undo history trust" -l no-color -d 'Write without colour'
complete -c ultra -n "__fish_ultra_using_subcommand env; and not __fish_seen_subcommand_from switch undo history trust" -s y -l yes -d 'Give every confirmation in advance'
complete -c ultra -n "__fish_ultra_using_subcommand env; and not __fish_seen_subcommand_from switch undo history trust" -l no-input -d 'Ask nothing; refuse where an answer is needed'
complete -c ultra -n "__fish_ultra_using_subcommand env; and not __fish_seen_subcommand_from switch undo history trust" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c ultra -n "__fish_ultra_using_subcommand env; and not __fish_seen_subcommand_from switch undo history trust" -s V -l version -d 'Print version'
complete -c ultra -n "__fish_ultra_using_subcommand env; and not __fish_seen_subcommand_from switch undo history trust" -f -a "switch" -d 'Make another profile the one in use'
complete -c ultra -n "__fish_ultra_using_subcommand env; and not __fish_seen_subcommand_from switch undo history trust" -f -a "undo" -d 'Go back to what was before the last switch'
complete -c ultra -n "__fish_ultra_using_subcommand env; and not __fish_seen_subcommand_from switch undo history trust" -f -a "history" -d 'The switches so far, newest first'
complete -c ultra -n "__fish_ultra_using_subcommand env; and not __fish_seen_subcommand_from switch undo history trust" -f -a "trust" -d 'See what the profiles of this root send where, and agree to it'
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
