# Completion of ultra for elvish. Names come from the program itself, so they are those of here and now.

use str

set edit:completion:arg-completer[ultra] = {|@words|
    var index = (- (count $words) 1)
    try {
        (external ultra) __complete $index -- $@words 2>/dev/null | from-lines | each {|line|
            var parts = [(str:split &max=2 "\t" $line)]
            if (== (count $parts) 2) {
                edit:complex-candidate $parts[0] &display=$parts[0]' ('$parts[1]')'
            } else {
                put $parts[0]
            }
        }
    } catch e {
        nop
    }
}
