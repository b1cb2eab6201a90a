/* query_internal.h: what query.c and statement.c share. Nobody else includes it. */
#ifndef BOBBIN_SOURCE_QUERY_INTERNAL_H
#define BOBBIN_SOURCE_QUERY_INTERNAL_H

#include "source/query.h"

struct query_column {
    char *name;
    char *expression; // of the outer SELECT
    char *origin;     // for people
};

struct query {
    char *select; // the user's, without what ends it
    char *key;    // q."key", quoted
    char *key_type;
    uint32_t key_table; // the oid of the table whose column the key is; 0: it is none's
    int key_attribute;  // the column's number there
    bool is_unique;
    size_t key_column;
    size_t count;
    struct query_column *columns;
    struct document_column *document_columns;
};

#endif
