/* captured.h: for the tests of what is printed: standard output and standard error into files. */
#ifndef BOBBIN_TESTS_CAPTURED_H
#define BOBBIN_TESTS_CAPTURED_H

#include <fcntl.h>

#include <jansson.h>

#include "unit.h"

enum { CAPTURED_BYTES = 1 << 16 };

static char captured_out[CAPTURED_BYTES], captured_err[CAPTURED_BYTES];
static int captured_saved[2] = {-1, -1}, captured_files[2];

static inline void captured_begin(void)
{
    fflush(stdout);
    fflush(stderr);
    for (int fd = 1; fd <= 2; fd++) {
        FILE *file = tmpfile();
        ck_assert_ptr_nonnull(file);
        captured_saved[fd - 1] = dup(fd);
        captured_files[fd - 1] = dup(fileno(file));
        ck_assert_int_eq(dup2(captured_files[fd - 1], fd), fd);
        fclose(file);
    }
}

static inline void captured_end(void)
{
    char *texts[2] = {captured_out, captured_err};
    fflush(stdout);
    fflush(stderr);
    for (int fd = 1; fd <= 2; fd++) {
        ssize_t size = pread(captured_files[fd - 1], texts[fd - 1], CAPTURED_BYTES - 1, 0);
        texts[fd - 1][size < 0 ? 0 : size] = '\0';
        close(captured_files[fd - 1]);
        dup2(captured_saved[fd - 1], fd);
        close(captured_saved[fd - 1]);
    }
}

/* Was TEXT printed? Was it said on standard error? */
static inline void captured_assert_printed(const char *text)
{
    ck_assert_msg(strstr(captured_out, text) != NULL, "no \"%s\" in: %s", text, captured_out);
}

static inline void captured_assert_told(const char *text)
{
    ck_assert_msg(strstr(captured_err, text) != NULL, "no \"%s\" in: %s", text, captured_err);
}

/* The JSON that was printed; to be given back with json_decref. */
static inline json_t *captured_json(void)
{
    json_error_t why;
    json_t *json = json_loads(captured_out, 0, &why);
    ck_assert_msg(json != NULL, "%s: %s", why.text, captured_out);
    return json;
}

/* Was nothing printed, and one line said, with TEXT in it? */
static inline void captured_assert_one_line(const char *text)
{
    captured_assert_told(text);
    ck_assert_str_eq(captured_out, "");
    ck_assert_str_eq(strchr(captured_err, '\n'), "\n");
}

#endif
