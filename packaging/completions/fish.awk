# fish.awk: fish's completion of bobbin, from what read.awk has read.

function takers_of(name,    i, all) {
    for (i = 1; i <= command_count; i++)
        if (takes[commands[i], name])
            all = all " " "\"" commands[i] "\""
    return all
}

function value_of(name,    kind) {
    kind = kind_of(name)
    if (argument[name] == "")
        return ""
    if (kind == "files")
        return " -rF"
    if (kind == "directories")
        return " -xa '(__fish_complete_directories)'"
    gsub(/\|/, " ", kind)
    return kind == "" ? " -x" : " -xa " fished(kind)
}

# fish knows \' within single quotes.
function fished(text) {
    gsub(/'/, "\\'", text)
    return "'" text "'"
}

function put_command(i,    first, second) {
    first = first_of(commands[i])
    second = second_of(commands[i])
    if (is_first(i))
        print "complete -c bobbin -n '__bobbin_is' -f -a " first \
            (second == "" ? " -d " fished(command_help[first]) : "")
    if (second != "")
        print "complete -c bobbin -n '__bobbin_is " first "' -f -a " second " -d " fished(command_help[commands[i]])
}

function two_words(    i, all) {
    for (i = 1; i <= command_count; i++)
        if (second_of(commands[i]) != "")
            all = all " \"" commands[i] "\""
    return all
}

END {
    print "# fish completion for bobbin, made from its table of options."
    print "function __bobbin_is --description 'Are these all words before the cursor?'"
    print "    set -l words (commandline -opc)"
    print "    test \"$words[2..-1]\" = \"$argv\""
    print "end"
    print "function __bobbin_takes --description 'Is one of these the command?'"
    print "    set -l words (commandline -opc)"
    print "    if contains -- \"$words[2..3]\"" two_words()
    print "        contains -- \"$words[2..3]\" $argv"
    print "    else"
    print "        contains -- \"$words[2]\" $argv"
    print "    end"
    print "end"
    for (i = 1; i <= command_count; i++)
        put_command(i)
    for (i = 1; i <= option_count; i++)
        print "complete -c bobbin -n '__bobbin_takes" takers_of(options[i]) "' -l " options[i] \
            value_of(options[i]) " -d " fished(option_help[options[i]])
}
