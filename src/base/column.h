/* column.h: the words for a column of the query, shared by source/ (which finds out) and encode/ (which
 * acts on it). */
#ifndef BOBBIN_BASE_COLUMN_H
#define BOBBIN_BASE_COLUMN_H

/* What a column's COPY text is. The server has put to_jsonb() around every other type (JSON). */
enum value_type {
    VALUE_TEXT,        // a JSON string
    VALUE_BOOLEAN,     // t or f
    VALUE_INTEGER,     // digits, kept exactly
    VALUE_NUMBER,      // float or numeric, kept exactly; NaN and infinities become null
    VALUE_JSON,        // json or jsonb, embedded on one line
    VALUE_DATE,        // "2026-01-02", "0044-03-15 BC" -> "-0043-03-15"
    VALUE_TIMESTAMP,   // "2026-01-02 03:04:05.678" -> "2026-01-02T03:04:05.678"
    VALUE_TIMESTAMPTZ, // "2026-01-02 03:04:05+00" -> "2026-01-02T03:04:05+00:00"
    VALUE_BYTEA,       // hex -> base64
};

/* What a column is for: a field of the document, or bulk metadata (a name that begins with "_"). */
enum column_role {
    COLUMN_FIELD,
    COLUMN_ID,
    COLUMN_INDEX,
    COLUMN_ROUTING,
    COLUMN_VERSION,
    COLUMN_OP,
    COLUMN_KEY_ONLY, // the key once more as text, because the key's field is not its plain text
};

struct document_column {
    const char *name; // borrowed
    enum value_type type;
    enum column_role role;
};

#endif
