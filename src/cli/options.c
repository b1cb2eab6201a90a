/* options.c: see options.h and options.def. */
#include "cli/options.h"

#include <ctype.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/ini_file.h"
#include "cli/options_table.h"
#include "cli/secret.h"
#include "cli/values.h"

enum { NAME_BYTES = 64, LIST_MAX = JOB_URLS_MAX };

_Static_assert((int)JOB_URLS_MAX == (int)JOB_HEADERS_MAX, "all lists have one length");

/* Where a value comes from; a later source overrides an earlier one. */
enum source { FROM_DEFAULT, FROM_FILE, FROM_ENVIRONMENT, FROM_ARGUMENTS };

struct reading {
    struct options *options;
    enum command command;
    enum source source;
    enum source sources[OPTION_ROWS]; // of each row's value so far
    const char *where;                // "--", "BOBBIN_..." or the file, for messages
    const char *config;               // the config file's path
    struct error *err;
};

static void *field_of(struct options *o, const struct option_row *row)
{
    return (char *)o + row->offset;
}

/* --- setting values --- */

/* Keep a copy of TEXT until options_free. */
static char *own(struct options *o, const char *text)
{
    char *copy = o->owned_count < OPTIONS_OWNED_MAX ? strdup(text) : NULL;
    if (copy != NULL)
        o->owned[o->owned_count++] = copy;
    return copy;
}

static bool set_string(struct reading *r, const struct option_row *row, const char *text)
{
    char *copy = *(char **)field_of(r->options, row) = own(r->options, text);
    return copy != NULL || error_set_memory(r->err);
}

/* The first value of a source replaces what earlier sources gave. */
static bool add_to_list(struct reading *r, const struct option_row *row, const char *text)
{
    const char **list = field_of(r->options, row);
    size_t count = 0;
    if (r->sources[row - option_rows] != r->source)
        list[0] = NULL;
    while (list[count] != NULL)
        count++;
    if (count == LIST_MAX)
        return error_set(r->err, ERROR_USAGE, "--%s: more than %d", row->name, LIST_MAX);
    list[count] = own(r->options, text);
    list[count + 1] = NULL;
    return list[count] != NULL || error_set_memory(r->err);
}

static bool parse(struct reading *r, const struct option_row *row, const char *text)
{
    void *field = field_of(r->options, row);
    switch (row->type) {
    case STRING:
    case SECRET:
        return set_string(r, row, text);
    case LIST:
        return add_to_list(r, row, text);
    case COUNT:
        return value_parse_count(text, field);
    case SIZE:
        return value_parse_size(text, field);
    case DURATION:
        return value_parse_duration(text, field);
    case CHOICE:
        return value_parse_choice(text, row->argument, field);
    case FLAG:
        return value_parse_flag(text, field);
    }
    return false;
}

static bool set_value(struct reading *r, const struct option_row *row, const char *text)
{
    if (!parse(r, row, text)) {
        if (r->err->kind == ERROR_NONE)
            error_set(r->err, ERROR_USAGE, "%s%s: \"%s\" is not %s", r->where, row->name, text,
                      option_form(row));
        return false;
    }
    r->sources[row - option_rows] = r->source;
    return true;
}

/* It is told of when logging can begin. */
static void note_exposure(struct reading *r, const char *path)
{
    if (r->options->exposed_file == NULL && secret_is_exposed(path))
        r->options->exposed_file = own(r->options, path);
}

static bool set_from_file(struct reading *r, const struct option_row *row, const char *path)
{
    char *secret;
    bool ok = secret_read_file(path, &secret, r->err)
                  ? set_value(r, row, secret)
                  : error_wrap(r->err, "%s%s-file", r->where, row->name);
    note_exposure(r, path);
    secret_free(secret);
    return ok;
}

/* One text may hold a whole list, with commas or spaces between; what is free text has both in it. */
static bool set_list(struct reading *r, const struct option_row *row, const char *text)
{
    struct buffer word;
    bool is_text = strcmp(row->name, "header") == 0 || strcmp(row->name, "set") == 0;
    if (row->type != LIST || is_text)
        return set_value(r, row, text);
    buffer_init(&word, SIZE_MAX);
    bool ok = true;
    while (ok && *(text += strspn(text, ", ")) != '\0') {
        size_t length = strcspn(text, ", ");
        buffer_clear(&word);
        buffer_append(&word, text, length);
        ok = set_value(r, row, buffer_string(&word));
        text += length;
    }
    buffer_free(&word);
    return ok;
}

static bool set_by_name(struct reading *r, const char *name, const char *text)
{
    bool is_file;
    const struct option_row *row = option_find(name, &is_file);
    if (row == NULL)
        return error_set(r->err, ERROR_CONFIG, "%sthere is no option \"%s\"", r->where, name);
    if (!(row->commands & COMMAND_BIT(r->command)))
        return true; // one file serves all subcommands
    if (row->type == SECRET && !is_file)
        note_exposure(r, r->config);
    return is_file ? set_from_file(r, row, text) : set_list(r, row, text);
}

/* --- sources --- */

static bool read_defaults(struct reading *r)
{
    for (int i = 0; i < OPTION_ROWS; i++)
        if (option_rows[i].standard[0] != '\0' &&
            !set_value(r, &option_rows[i], option_rows[i].standard))
            return false;
    return true;
}

static bool on_config_line(void *context, const char *section, const char *name, const char *value,
                           struct error *err)
{
    (void)section; // is for people
    (void)err;     // is the reading's
    return set_by_name(context, name, value);
}

static bool read_config(struct reading *r, const char *path)
{
    char where[512];
    snprintf(where, sizeof where, "config file %s: ", path);
    r->source = FROM_FILE;
    r->where = where;
    r->config = path;
    return ini_file_read(path, on_config_line, r, r->err);
}

static void variable_name(const char *option, const char *suffix, char out[NAME_BYTES])
{
    snprintf(out, NAME_BYTES, "BOBBIN_%s%s", option, suffix);
    for (char *c = out; *c != '\0'; c++)
        *c = *c == '-' ? '_' : (char)toupper((unsigned char)*c);
}

static bool read_variable(struct reading *r, const struct option_row *row)
{
    char name[NAME_BYTES];
    variable_name(row->name, "", name);
    const char *value = getenv(name);
    r->where = "BOBBIN_* variable for --";
    if (value != NULL && value[0] != '\0')
        return set_list(r, row, value);
    variable_name(row->name, "_FILE", name);
    const char *path = row->type == SECRET ? getenv(name) : NULL;
    return path == NULL || path[0] == '\0' || set_from_file(r, row, path);
}

static bool read_environment(struct reading *r)
{
    r->source = FROM_ENVIRONMENT;
    for (int i = 0; i < OPTION_ROWS; i++)
        if ((option_rows[i].commands & COMMAND_BIT(r->command)) &&
            !read_variable(r, &option_rows[i]))
            return false;
    return true;
}

/* What getopt_long returns: of a row, and of a secret's name without "-file", which it would else take
 * for an abbreviation. */
enum { ROW_0 = 1000, SECRET_0 = 2000, LONG_OPTIONS = 2 * OPTION_ROWS + 2 };

static void fill_long_options(struct option *out, char names[OPTION_ROWS][NAME_BYTES])
{
    for (int i = 0; i < OPTION_ROWS; i++) {
        const struct option_row *row = &option_rows[i];
        snprintf(names[i], NAME_BYTES, "%s%s", row->name, row->type == SECRET ? "-file" : "");
        *out++ = (struct option){names[i], row->type == FLAG ? no_argument : required_argument,
                                 NULL, ROW_0 + i};
        if (row->type == SECRET)
            *out++ = (struct option){row->name, optional_argument, NULL, SECRET_0 + i};
    }
    *out++ = (struct option){"help", no_argument, NULL, 'h'};
    *out = (struct option){NULL, 0, NULL, 0};
}

/* C is what getopt_long returned for no good option of ours; WORD is the argument. */
static bool refuse_argument(struct reading *r, int c, const char *word)
{
    if (c >= SECRET_0)
        return error_set(r->err, ERROR_USAGE,
                         "--%s: others can see the command line: give --%s-file FILE, or the "
                         "environment",
                         option_rows[c - SECRET_0].name, option_rows[c - SECRET_0].name);
    if (optopt >= ROW_0)
        return error_set(r->err, ERROR_USAGE, "--%s %s; see --help",
                         option_rows[optopt - ROW_0].name,
                         c == ':' ? "needs a value" : "takes no value");
    if (optopt != 0)
        return error_set(r->err, ERROR_USAGE, "there is no option \"-%c\"; see --help", optopt);
    return error_set(r->err, ERROR_USAGE, "there is no option \"%.*s\"; see --help",
                     (int)strcspn(word, "="), word); // behind "=" may be a secret
}

static bool take_argument(struct reading *r, const struct option_row *row, char *value)
{
    if (!(row->commands & COMMAND_BIT(r->command)))
        return error_set(r->err, ERROR_USAGE, "--%s does not belong to this command; see --help",
                         row->name);
    if (row->type == FLAG)
        return set_value(r, row, "yes");
    if (row->type == SECRET)
        return set_from_file(r, row, value);
    return secret_check_argument(row->name, value, r->err) && set_value(r, row, value);
}

/* The spool may be named without --spool, the file to load without --input; dead show wants an id behind it. */
static bool take_operands(struct reading *r, int argc, char **argv)
{
    bool is_show = r->command == COMMAND_DEAD_SHOW;
    const char *name = option_of_operand(r->command);
    char **extra = argv + optind + (name != NULL) + is_show;
    if (extra < argv + argc)
        return error_set(r->err, ERROR_USAGE, "unexpected argument \"%s\"; see --help", *extra);
    if (is_show && optind < argc)
        r->options->id = argv[--argc];
    return optind == argc || set_value(r, option_find(name, &(bool){false}), argv[optind]);
}

/* PASS 0 only looks for --config and --help, which come before the other sources. */
static bool read_arguments(struct reading *r, int argc, char **argv, int pass)
{
    char names[OPTION_ROWS][NAME_BYTES];
    struct option long_options[LONG_OPTIONS];
    int c;
    fill_long_options(long_options, names);
    r->source = FROM_ARGUMENTS;
    r->where = "--";
    optind = 0; // glibc: start anew
    opterr = 0;
    while ((c = getopt_long(argc, argv, ":h", long_options, NULL)) != -1) {
        if (c == 'h') {
            r->options->wants_help = true;
            continue;
        }
        if (c < ROW_0 || c >= ROW_0 + OPTION_ROWS)
            return refuse_argument(r, c, argv[optind - 1]);
        const struct option_row *row = &option_rows[c - ROW_0];
        bool is_early = strcmp(row->name, "config") == 0;
        if ((pass == 0) == is_early && !take_argument(r, row, optarg))
            return false;
    }
    bool is_config = r->command == COMMAND_REFRESH; // that the operand names
    return (pass == 0 && !is_config) || take_operands(r, argc, argv);
}

bool options_read(struct options *o, enum command command, int argc, char **argv, struct error *err)
{
    struct reading r = {.options = o, .command = command, .where = "default of --", .err = err};
    memset(o, 0, sizeof *o);
    if (!read_defaults(&r) || !read_arguments(&r, argc, argv, 0))
        return false;
    if (o->wants_help)
        return true;
    const char *config = o->config != NULL ? o->config : getenv("BOBBIN_CONFIG");
    return (config == NULL || read_config(&r, config)) && read_environment(&r) &&
           read_arguments(&r, argc, argv, 1);
}

void options_free(struct options *o)
{
    plan_free(o->plan);
    o->plan = NULL;
    for (size_t i = 0; i < o->owned_count; i++)
        secret_free(o->owned[i]); // which of them are secrets isn't asked
    o->owned_count = 0;
}
