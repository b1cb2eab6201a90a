# zsh.awk: zsh's completion of bobbin, from what read.awk has read.

# In single quotes. A message within a specification has neither brackets nor colons bare.
function quoted(text) {
    gsub(/'/, "'\\\\''", text)
    return "'" text "'"
}

function message(text) {
    gsub(/\[/, "\\[", text)
    gsub(/\]/, "\\]", text)
    gsub(/:/, "\\:", text)
    return text
}

function specification(name,    kind, action) {
    kind = kind_of(name)
    if (argument[name] == "")
        return quoted("--" name "[" message(option_help[name]) "]")
    if (kind == "files")
        action = "_files"
    else if (kind == "directories")
        action = "_files -/"
    else if (kind != "") {
        gsub(/\|/, " ", kind)
        action = "(" kind ")"
    }
    return quoted("*--" name "[" message(option_help[name]) "]:" message(argument[name]) ":" action)
}

function put_options(    i, j) {
    print "    case $command in"
    for (i = 1; i <= command_count; i++) {
        print "        (\"" commands[i] "\")\n            specifications=("
        for (j = 1; j <= option_count; j++)
            if (takes[commands[i], options[j]])
                print "                " specification(options[j])
        print "            )\n            ;;"
    }
    print "    esac"
}

function put_commands(    i) {
    print "    local -a firsts=("
    for (i = 1; i <= command_count; i++)
        if (second_of(commands[i]) == "")
            print "        " quoted(commands[i] ":" message(command_help[commands[i]]))
        else if (is_first(i))
            print "        " first_of(commands[i])
    print "    )\n    local -A seconds=("
    for (i = 1; i <= command_count; i++)
        if (is_first(i) && seconds_of(first_of(commands[i])) != "")
            print "        " first_of(commands[i]) " " quoted(substr(seconds_of(first_of(commands[i])), 2))
    print "    )"
}

END {
    print "#compdef bobbin"
    print "# zsh completion for bobbin, made from its table of options."
    print "_bobbin() {"
    print "    local command=$words[2] length=1"
    print "    local -a specifications"
    put_commands()
    print "    if (( CURRENT == 2 )); then"
    print "        _describe command firsts"
    print "        return"
    print "    fi"
    print "    if (( CURRENT == 3 )) && [[ -n $seconds[$command] ]]; then"
    print "        compadd ${=seconds[$command]}"
    print "    elif [[ \" $seconds[$command] \" == *\" $words[3] \"* ]]; then"
    print "        command+=\" $words[3]\" length=2"
    print "    fi"
    put_options()
    print "    shift $length words"
    print "    (( CURRENT -= length ))"
    print "    _arguments '--help[list the options]' $specifications '*:operand:_files'"
    print "}"
    print "_bobbin \"$@\""
}
