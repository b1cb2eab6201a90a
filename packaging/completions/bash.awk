# bash.awk: bash's completion of bobbin, from what read.awk has read.

function put_values(    i, kind, command) {
    print "    case $previous in"
    for (i = 1; i <= option_count; i++) {
        if (argument[options[i]] == "")
            continue
        kind = kind_of(options[i])
        if (kind == "files" || kind == "directories")
            command = "compopt -o filenames; COMPREPLY=($(compgen -" (kind == "files" ? "f" : "d") " -- \"$word\"))"
        else {
            gsub(/\|/, " ", kind)
            command = kind == "" ? "" : "COMPREPLY=($(compgen -W \"" kind "\" -- \"$word\"))"
        }
        print "        --" options[i] ") " command (command == "" ? "" : "; ") "return ;;"
    }
    print "    esac"
}

function put_options(    i, j, line) {
    print "    case $command in"
    for (i = 1; i <= command_count; i++) {
        line = "--help"
        for (j = 1; j <= option_count; j++)
            if (takes[commands[i], options[j]])
                line = line " --" options[j]
        print "        \"" commands[i] "\") words=\"" line "\" ;;"
    }
    print "    esac"
}

function put_commands(    i, first, firsts) {
    for (i = 1; i <= command_count; i++)
        if (is_first(i))
            firsts = firsts first_of(commands[i]) " "
    print "    case $COMP_CWORD:${COMP_WORDS[1]} in"
    print "        1:*) words=\"" firsts "--help --version\" ;;"
    for (i = 1; i <= command_count; i++) {
        first = first_of(commands[i])
        if (is_first(i) && seconds_of(first) != "")
            print "        2:" first ") words+=\"" seconds_of(first) "\" ;;"
    }
    print "    esac"
}

function two_words(    i, all) {
    for (i = 1; i <= command_count; i++)
        if (second_of(commands[i]) != "")
            all = all "," commands[i]
    return all ","
}

END {
    print "# bash completion for bobbin, made from its table of options."
    print "_bobbin()"
    print "{"
    print "    local word=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD - 1]} words="
    print "    local command=\"${COMP_WORDS[1]} ${COMP_WORDS[2]}\""
    print "    COMPREPLY=()"
    put_values()
    print "    [[ \"" two_words() "\" == *\",$command,\"* ]] || command=${COMP_WORDS[1]}"
    put_options()
    put_commands()
    print "    COMPREPLY=($(compgen -W \"$words\" -- \"$word\"))"
    print "    [[ $word == -* || ${#COMPREPLY[@]} -gt 0 ]] ||"
    print "        { compopt -o filenames; COMPREPLY=($(compgen -f -- \"$word\")); }"
    print "}"
    print "complete -F _bobbin bobbin"
}
