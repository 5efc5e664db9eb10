# Completion of ultra for fish. Names come from the program itself, so they are those of here and now.

function __ultra_complete
    set -l before (commandline -opc)
    set -l current (commandline -ct)
    # The word as the command would get it, with a quotation that is still open closed.
    set -l word (string unescape -- "$current"; or string unescape -- "$current\""; or string unescape -- "$current'")
    set -l own (contains -i -- -- $before)
    if test -n "$own"
        # A command to run: what fish would offer for it by itself.
        set -l words (string escape -- $before[(math $own + 1)..-1])
        complete -C (string join ' ' -- $words "$current")
        return
    end
    command ultra __complete (count $before) -- $before "$word" 2>/dev/null
end

complete -c ultra -e
complete -c ultra -f -k -a '(__ultra_complete)'
