# tables.awk: fill man/bobbin.1.in: @VERSION@, @OPTIONS@ from options.def, @EXIT_STATUS@ from errors.def.
# Both tables have one line for each row, with strings in double quotes.

function escape(text) {
    gsub(/\\/, "\\e", text)
    gsub(/-/, "\\-", text)
    return text
}

function print_options(    line, field) {
    while ((getline line < options) > 0) {
        if (line !~ /^OPTION\("/)
            continue
        split(line, field, "\"")
        is_secret = line ~ /, SECRET,/
        name = field[2] (is_secret ? "-file" : "")
        argument = is_secret ? "FILE" : field[6]
        print ".TP"
        printf ".B \\-\\-%s", escape(name)
        if (argument != "")
            printf " \\fI%s\\fR", escape(argument)
        print ""
        printf "%s", escape(field[8])
        if (field[4] != "")
            printf ". Default: %s", escape(field[4])
        print "."
    }
    close(options)
}

function print_errors(    line, field, status, seen) {
    print ".TP\n.B 0\nall documents are in."
    while ((getline line < errors) > 0) {
        if (line !~ /^KIND\(/)
            continue
        split(line, field, "\"")
        split(line, part, ",")
        status = part[2]
        gsub(/ /, "", status)
        if (status != seen)
            print ".TP\n.B " status
        else
            print ".br"
        seen = status
        print escape(field[2]) "."
    }
    close(errors)
}

/^@OPTIONS@$/ { print_options(); next }
/^@EXIT_STATUS@$/ { print_errors(); next }
{ gsub(/@VERSION@/, version); print }
