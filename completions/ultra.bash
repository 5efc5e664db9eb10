# Completion of ultra for bash. Names come from the program itself, so they are those of here and now.

_ultra() {
    local -a words=()
    local i word glued='' index=0 cur=${COMP_WORDS[COMP_CWORD]}
    # Bash splits at `=` and `:`; what was one word for the program is put together again.
    for ((i = 0; i < ${#COMP_WORDS[@]}; i++)); do
        word=${COMP_WORDS[i]}
        if ((i > 0)) && [[ $word == [=:] || -n $glued ]]; then
            words[${#words[@]}-1]+=$word
            glued=''
            [[ $word == [=:] ]] && glued=yes
        else
            words+=("$word")
        fi
        ((i == COMP_CWORD)) && index=$((${#words[@]} - 1)) && break
    done
    local whole=${words[index]} prefix=''
    [[ $cur == [=:] ]] && cur=''
    prefix=${whole%"$cur"}
    local line value
    COMPREPLY=()
    while IFS= read -r line; do
        value=${line%%$'\t'*}
        value=${value#"$prefix"}
        [[ $value == *[[:space:]\"\'\$\`\\\&\;\|\<\>\(\)]* ]] && printf -v value '%q' "$value"
        COMPREPLY+=("$value")
    done < <(command ultra __complete "$index" -- "${words[@]}" 2>/dev/null)
    if ((${#COMPREPLY[@]} == 1)) && [[ ${COMPREPLY[0]} == *[=/] ]]; then
        compopt -o nospace 2>/dev/null
    elif ((${#COMPREPLY[@]} == 0)) && [[ " ${words[*]:0:index} " == *' -- '* ]]; then
        # A command to run: what bash would offer by itself.
        compopt -o bashdefault -o default 2>/dev/null
    fi
}
complete -F _ultra ultra
