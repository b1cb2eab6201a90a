# read.awk: the commands of main.c and the options of options.def, for the shells' completions (bash.awk, zsh.awk,
# fish.awk). Files are given in this order: main.c, options_table.c, options.def. Leaves behind:
#
#   commands[1..command_count], command_help[NAME], operand[NAME]
#   options[1..option_count] (a secret's with -file), option_help[NAME], argument[NAME]
#   takes[COMMAND, NAME]: does the command take the option?
#
# Who takes an option is a C expression over sets of commands; here a set is a string of 0 and 1, a digit for each
# command of main.c in its order.

function digits(of, digit,    set, i) {
    for (i = 1; i <= of; i++)
        set = set digit
    return set
}

function combine(a, b, operator,    set, i, x, y) {
    for (i = 1; i <= command_count; i++) {
        x = substr(a, i, 1) + 0
        y = substr(b, i, 1) + 0
        set = set (operator == "|" ? x || y : x && y)
    }
    return set
}

function complement(a,    set, i) {
    for (i = 1; i <= command_count; i++)
        set = set (1 - substr(a, i, 1))
    return set
}

function only(name) {
    if (!(name in place_of))
        fail("a command that main.c has not: " name)
    return digits(place_of[name] - 1, 0) 1 digits(command_count - place_of[name], 0)
}

function fail(why) {
    print "completions: " why | "cat >&2"
    has_failed = 1
    exit 1
}

# The first word of what is left of the expression, taken off.
function next_word(    word) {
    sub(/^[ ]+/, "", rest)
    if (!match(rest, /^(COMMAND_BIT\(COMMAND_[A-Z_]+\)|[A-Z_]+|[|&~()])/))
        fail("not understood: " rest)
    word = substr(rest, 1, RLENGTH)
    rest = substr(rest, RLENGTH + 1)
    return word
}

function unary(    word, set) {
    word = next_word()
    if (word == "~")
        return complement(unary())
    if (word == "(") {
        set = union()
        next_word()
        return set
    }
    if (word ~ /^COMMAND_BIT/)
        return only(substr(word, 13, length(word) - 13))
    if (!(word in sets))
        fail("a set that options_table.c has not: " word)
    return sets[word]
}

function both(    set) {
    set = unary()
    while (rest ~ /^ *&/) {
        next_word()
        set = combine(set, unary(), "&")
    }
    return set
}

function union(    set) {
    set = both()
    while (rest ~ /^ *\|/) {
        next_word()
        set = combine(set, both(), "|")
    }
    return set
}

function evaluate(expression) {
    rest = expression
    return union()
}

# -- main.c: {"name", COMMAND_NAME, "arguments", "help"}, on a line or two

FNR == 1 { file++ }

file == 1 && /^    \{"[a-z]/ { row = ""; in_row = 1 }
file == 1 && in_row {
    row = row $0
    if (row ~ /\},$/) {
        split(row, field, "\"")
        split(field[3], part, /[, ]+/)
        commands[++command_count] = field[2]
        place_of[part[2]] = command_count
        command_help[field[2]] = field[6]
        operand[field[2]] = field[4]
        in_row = 0
    }
}

# -- options_table.c: #define NAME EXPRESSION, on a line or more

file == 2 && /^#define [A-Z_]+ / { entry = ""; in_entry = 1 }
file == 2 && in_entry {
    entry = entry $0
    if (!sub(/ *\\$/, " ", entry)) {
        in_entry = 0
        split(entry, field, " ")
        name = field[2]
        value = substr(entry, length("#define " name " ") + 1)
        if (value == "(COMMAND_BIT(COMMANDS) - 1)")
            sets[name] = digits(command_count, 1)
        else
            sets[name] = evaluate(value)
    }
}

# -- options.def: a line each

file == 3 && /^OPTION\("/ {
    split($0, field, "\"")
    split(field[3], part, /, */)
    is_secret = part[2] == "SECRET"
    name = field[2] (is_secret ? "-file" : "")
    options[++option_count] = name
    argument[name] = is_secret ? "FILE" : field[6]
    option_help[name] = field[8]
    takers = field[5]
    gsub(/^, |, $/, "", takers)
    members = evaluate(takers)
    for (i = 1; i <= command_count; i++)
        if (substr(members, i, 1) == 1)
            takes[commands[i], name] = 1
}

END {
    if (has_failed)
        exit 1
    if (command_count == 0 || option_count == 0)
        fail("no commands or no options were found")
}

# -- what the shells' files share

# What an argument can be completed with: "files", "directories", "" (nothing), or the words of a choice.
function kind_of(name) {
    if (argument[name] ~ /^[a-z|]+$/)
        return argument[name]
    return argument[name] == "FILE" ? "files" : argument[name] == "DIR" ? "directories" : ""
}

# The words of a command's name; the second one may be missing.
function first_of(name) {
    sub(/ .*/, "", name)
    return name
}

function second_of(name) {
    return sub(/^[^ ]+ /, "", name) ? name : ""
}

# Is this the first command of its first word?
function is_first(i,    j) {
    for (j = 1; j < i; j++)
        if (first_of(commands[j]) == first_of(commands[i]))
            return 0
    return 1
}

# The second words that follow FIRST, each with a space before it.
function seconds_of(first,    i, all) {
    for (i = 1; i <= command_count; i++)
        if (first_of(commands[i]) == first && second_of(commands[i]) != "")
            all = all " " second_of(commands[i])
    return all
}
