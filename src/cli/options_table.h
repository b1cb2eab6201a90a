/* options_table.h: the rows of options.def: which options there are, their types, and who takes them. */
#ifndef BOBBIN_CLI_OPTIONS_TABLE_H
#define BOBBIN_CLI_OPTIONS_TABLE_H

#include <stddef.h>
#include <stdint.h>

#include "cli/options.h"

enum option_type { STRING, LIST, COUNT, SIZE, DURATION, CHOICE, FLAG, SECRET };

#define COMMAND_BIT(command) (1ull << (command))

struct option_row {
    const char *name;
    enum option_type type;
    size_t offset;        // of the field in struct options
    const char *standard; // the default; "": none
    uint64_t commands;    // COMMAND_BIT of each that takes it
    const char *argument;
    const char *help;
};

enum {
    OPTION_ROWS = 0
#define OPTION(name, type, field, standard, commands, argument, help) +1
#include "cli/options.def"
#undef OPTION
};

extern const struct option_row option_rows[OPTION_ROWS];

/* The row whose name NAME is, or a secret's with "-file" behind it (*IS_FILE). NULL: there is none. */
const struct option_row *option_find(const char *name, bool *is_file);

/* The option that COMMAND's first operand stands for; NULL: it takes none. */
const char *option_of_operand(enum command command);

/* What ROW's values look like, in words. */
const char *option_form(const struct option_row *row);

#endif
