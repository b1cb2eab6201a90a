/* script.c: see script.h. */
#include "script.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { RULES_MAX = 64, ARGUMENTS_MAX = 3 };

struct script {
    char *text;
    size_t count;
    struct rule rules[RULES_MAX];
};

/* --- words --- */

static bool read_number(const char *word, size_t *out)
{
    char *end;
    if (word[0] < '0' || word[0] > '9')
        return false;
    *out = strtoul(word, &end, 10);
    return *end == '\0';
}

static bool read_unsigned(const char *word, unsigned *out)
{
    size_t number;
    bool ok = read_number(word, &number) && number <= UINT_MAX;
    if (ok)
        *out = (unsigned)number;
    return ok;
}

/* "3", "2..5" or "2..". */
static bool read_range(char *word, struct rule *r)
{
    char *dots = strstr(word, "..");
    if (dots == NULL)
        return read_unsigned(word, &r->first) && (r->last = r->first) > 0;
    *dots = '\0';
    r->last = UINT_MAX;
    return read_unsigned(word, &r->first) && (dots[2] == '\0' || read_unsigned(dots + 2, &r->last));
}

static bool read_kind(const char *word, enum request_kind *kind)
{
    static const char *const names[] = {[REQUEST_LOOKUP] = "lookup",
                                        [REQUEST_CREATE] = "create",
                                        [REQUEST_BULK] = "bulk",
                                        [REQUEST_ANY] = "request"};
    for (unsigned i = 0; i < sizeof names / sizeof *names; i++) {
        if (names[i] != NULL && strcmp(word, names[i]) == 0) {
            *kind = (enum request_kind)i;
            return true;
        }
    }
    return false;
}

/* The next word of *LINE, which is cut; NULL at its end. */
static char *next_word(char **line)
{
    char *word = strsep(line, " ");
    while (word != NULL && word[0] == '\0')
        word = strsep(line, " ");
    return word;
}

static bool read_condition(struct rule *r, const char *name, char **rest)
{
    char *value = next_word(rest);
    if (value == NULL)
        return false;
    if (strcmp(name, "every") == 0)
        return read_unsigned(value, &r->every) && r->every > 0;
    if (strcmp(name, "larger") == 0)
        return read_number(value, &r->larger);
    if (strcmp(name, "times") == 0)
        return read_unsigned(value, &r->times) && r->times > 0;
    r->with = value;
    return strcmp(name, "with") == 0;
}

static bool read_which(struct rule *r, char **rest)
{
    char *word = next_word(rest);
    if (word == NULL || !read_kind(word, &r->kind))
        return false;
    while ((word = next_word(rest)) != NULL && strcmp(word, "do") != 0) {
        bool is_number = word[0] >= '0' && word[0] <= '9';
        if (is_number ? !read_range(word, r) : !read_condition(r, word, rest))
            return false;
    }
    return word != NULL;
}

/* --- what to do: a word and its arguments --- */

typedef bool reader(struct rule *r, char **arguments);

static bool read_status(struct rule *r, char **arguments)
{
    return read_unsigned(arguments[0], &r->status) && r->status >= 200 && r->status < 600;
}

static bool read_documents(struct rule *r, char **arguments)
{
    r->documents = arguments[0];
    r->document_error = arguments[2];
    return read_unsigned(arguments[1], &r->document_status);
}

static bool read_items(struct rule *r, char **arguments)
{
    size_t items;
    bool ok = read_number(arguments[0], &items) && items < LONG_MAX;
    if (ok)
        r->items = (long)items;
    return ok;
}

static bool read_pace(struct rule *r, char **arguments)
{
    return read_number(arguments[0], &r->pace_bytes) && r->pace_bytes > 0 &&
           read_unsigned(arguments[1], &r->pace_ms);
}

static bool read_padding(struct rule *r, char **arguments)
{
    return read_number(arguments[0], &r->padding);
}

/* "drop-" or "stall-" and a moment. False, *IS_SOUND untouched, when WORD is no such thing. */
static bool read_break_off(struct rule *r, const char *word, char **rest, bool *is_sound)
{
    static const char *const moments[] = {[MOMENT_HEAD] = "head",
                                          [MOMENT_READING] = "reading",
                                          [MOMENT_ANSWER] = "answer",
                                          [MOMENT_SENDING] = "sending"};
    bool is_drop = strncmp(word, "drop-", 5) == 0;
    if (!is_drop && strncmp(word, "stall-", 6) != 0)
        return false;
    const char *name = word + (is_drop ? 5 : 6);
    struct break_off *b = is_drop ? &r->drop : &r->stall;
    for (unsigned i = MOMENT_HEAD; i <= MOMENT_SENDING; i++)
        if (strcmp(name, moments[i]) == 0)
            b->moment = (enum moment)i;
    *is_sound = b->moment != MOMENT_NEVER;
    if (b->moment == MOMENT_READING || b->moment == MOMENT_SENDING) {
        const char *bytes = next_word(rest);
        *is_sound = bytes != NULL && read_number(bytes, &b->bytes);
    }
    return true;
}

/* Words whose argument is kept as it stands, or that have none. */
static bool read_plain(struct rule *r, const char *word, char **rest, bool *is_sound)
{
    const struct {
        const char *name;
        const char **text;
        bool *flag;
    } words[] = {
        {"error", &r->error, NULL},
        {"retry-after", &r->retry_after, NULL},
        {"retry-after-date", &r->retry_after_date, NULL},
        {"location", &r->location, NULL},
        {"encoding", &r->encoding, NULL},
        {"stored", NULL, &r->is_stored},
        {"early", NULL, &r->is_early},
        {"http-1.0", NULL, &r->is_http_1_0},
    };
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        if (strcmp(word, words[i].name) != 0)
            continue;
        if (words[i].flag != NULL)
            *words[i].flag = true;
        *is_sound = words[i].flag != NULL || (*words[i].text = next_word(rest)) != NULL;
        return true;
    }
    return false;
}

static bool read_action(struct rule *r, const char *word, char **rest)
{
    static const struct {
        const char *name;
        size_t arguments;
        reader *read;
    } words[] = {
        {"status", 1, read_status}, {"documents", 3, read_documents}, {"items", 1, read_items},
        {"pace", 2, read_pace},     {"padding", 1, read_padding},
    };
    bool is_sound = false;
    if (read_plain(r, word, rest, &is_sound) || read_break_off(r, word, rest, &is_sound))
        return is_sound;
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        char *arguments[ARGUMENTS_MAX];
        if (strcmp(word, words[i].name) != 0)
            continue;
        for (size_t n = 0; n < words[i].arguments; n++)
            if ((arguments[n] = next_word(rest)) == NULL)
                return false;
        return words[i].read(r, arguments);
    }
    return false;
}

static bool read_what(struct rule *r, char **rest)
{
    const char *word = next_word(rest);
    if (word == NULL)
        return false;
    for (; word != NULL; word = next_word(rest)) {
        if (strcmp(word, "body") == 0) {
            r->body = *rest != NULL ? *rest : "";
            return true;
        }
        if (!read_action(r, word, rest))
            return false;
    }
    return true;
}

static bool read_rule(struct rule *r, char *line, unsigned number)
{
    const char *word = next_word(&line);
    *r =
        (struct rule){.line = number, .last = UINT_MAX, .every = 1, .times = UINT_MAX, .items = -1};
    return word != NULL && strcmp(word, "when") == 0 && read_which(r, &line) && read_what(r, &line);
}

struct script *script_read(const char *text, char *why, size_t size)
{
    struct script *s = calloc(1, sizeof *s);
    if (s == NULL || (s->text = strdup(text)) == NULL)
        abort();
    char *rest = s->text;
    unsigned number = 0;
    for (char *line; (line = strsep(&rest, "\n")) != NULL;) {
        number++;
        if (line[strspn(line, " ")] == '\0' || line[0] == '#')
            continue;
        snprintf(why, size, "line %u makes no sense: %s\n", number, line);
        if (s->count == RULES_MAX || !read_rule(&s->rules[s->count++], line, number))
            return NULL;
    }
    return s;
}

/* --- choosing --- */

static bool fits(const struct rule *r, const struct seen *seen)
{
    unsigned number = r->kind == REQUEST_ANY ? seen->number_any : seen->number;
    return (r->kind == REQUEST_ANY || r->kind == seen->kind) && number >= r->first &&
           number <= r->last && number % r->every == 0 && r->used < r->times &&
           (r->larger == 0 || seen->size > r->larger);
}

static void use(struct rule *r, struct rule *out)
{
    r->used++;
    *out = *r;
}

void script_choose(struct script *s, const struct seen *seen, struct rule *rule)
{
    *rule = (struct rule){.items = -1};
    for (size_t i = 0; i < s->count && rule->line == 0; i++)
        if (s->rules[i].with == NULL && fits(&s->rules[i], seen))
            use(&s->rules[i], rule);
}

void script_choose_with(struct script *s, const struct seen *seen,
                        bool (*has)(const void *context, const char *id), const void *context,
                        struct rule *rule)
{
    for (size_t i = 0; i < s->count && rule->line == 0; i++) {
        struct rule *r = &s->rules[i];
        if (r->with != NULL && fits(r, seen) && has(context, r->with))
            use(r, rule);
    }
}

/* Is ID one of LIST, which commas join? */
static bool is_listed(const char *list, const char *id)
{
    size_t size = strlen(id);
    for (const char *at = list; at != NULL; at = strchr(at, ','), at += at != NULL)
        if (strncmp(at, id, size) == 0 && (at[size] == ',' || at[size] == '\0'))
            return true;
    return false;
}

bool rule_names_document(const struct rule *rule, const char *id, size_t place)
{
    if (rule->documents == NULL)
        return false;
    if (strcmp(rule->documents, "first") == 0)
        return place == 0;
    if (strcmp(rule->documents, "rest") == 0)
        return place > 0;
    return strcmp(rule->documents, "all") == 0 || is_listed(rule->documents, id);
}
