# Completions of otactl for elvish. They ask the program at each TAB.

use str

set edit:completion:arg-completer[otactl] = {|@words|
    var reply = []
    if (has-external 'otactl') {
        try {
            tmp E:COMPLETE = elvish
            set reply = [((external 'otactl') -- $@words 2>/dev/null)]
        } catch {
            nop
        }
    }
    if (> (count $reply) 0) {
        var kind @lines = $@reply
        if (has-value [files directories programs] $kind) {
            edit:complete-filename $@words
        } else {
            for line $lines {
                var value help = (str:split &max=2 "\t" $line"\t")
                set help = (str:trim-space $help)
                var display = $value
                if (not-eq $help '') {
                    set display = $value'  '$help
                }
                edit:complex-candidate $value &display=$display
            }
        }
    }
}
