/* source_hash.c: see source_hash.h. One pass over the bytes; nothing is built. */
#include "sink/source_hash.h"

#include <xxhash.h>

#include "base/json_scan.h"

/* What a hash is of: so "1" is not 1, and [] not {}. */
enum kind { KIND_BYTES, KIND_OBJECT, KIND_ARRAY, KIND_STRING, KIND_NUMBER, KIND_WORD };

enum { EXPONENT_DIGITS_MAX = 15 }; // a larger one is hashed as it is written

struct hashing {
    struct json_scan scan;
    struct buffer *scratch;
    unsigned depth;
    bool has_failed; // SCRATCH was too small
};

static bool hash_value(struct hashing *h, uint64_t *hash);

static uint64_t hash_bytes(enum kind kind, struct slice bytes)
{
    return XXH3_64bits_withSeed(bytes.size > 0 ? bytes.data : "", bytes.size, kind);
}

static uint64_t combine(enum kind kind, uint64_t a, uint64_t b)
{
    const uint64_t both[2] = {a, b};
    return XXH3_64bits_withSeed(both, sizeof both, kind);
}

static uint64_t hash_text(struct hashing *h, struct slice inside)
{
    if (inside.size == 0 || memchr(inside.data, '\\', inside.size) == NULL)
        return hash_bytes(KIND_STRING, inside);
    buffer_clear(h->scratch);
    json_scan_unescape(h->scratch, inside);
    h->has_failed |= h->scratch->has_failed;
    return hash_bytes(KIND_STRING, buffer_slice(h->scratch));
}

/* --- numbers --- */

/* Read the exponent behind "e"; false when it is too large to count with. */
static bool read_exponent(struct slice text, int64_t *exponent)
{
    size_t at = text.size > 0 && (text.data[0] == '-' || text.data[0] == '+') ? 1 : 0;
    bool is_negative = at == 1 && text.data[0] == '-';
    if (text.size - at > EXPONENT_DIGITS_MAX)
        return false;
    *exponent = 0;
    for (; at < text.size; at++)
        *exponent = *exponent * 10 + (text.data[at] - '0');
    if (is_negative)
        *exponent = -*exponent;
    return true;
}

/* Append the digits of MANTISSA, without zeros in front; *FRACTION: how many stand behind the point. */
static void append_digits(struct buffer *out, struct slice mantissa, int64_t *fraction)
{
    bool is_behind_point = false;
    *fraction = 0;
    for (size_t i = 0; i < mantissa.size; i++) {
        char c = mantissa.data[i];
        if (c == '.') {
            is_behind_point = true;
            continue;
        }
        *fraction += is_behind_point;
        if (c != '0' || out->size > 0)
            buffer_append_byte(out, c);
    }
}

/* As its digits, without zeros at either end, its exponent of ten and its sign. Zero has no sign. */
static uint64_t hash_number(struct hashing *h, struct slice number)
{
    struct buffer *digits = h->scratch;
    bool is_negative = number.data[0] == '-';
    struct slice mantissa = {number.data + is_negative, number.size - is_negative};
    int64_t exponent = 0, fraction;
    for (size_t i = 0; i < mantissa.size; i++) {
        if (mantissa.data[i] != 'e' && mantissa.data[i] != 'E')
            continue;
        struct slice power = {mantissa.data + i + 1, mantissa.size - i - 1};
        if (!read_exponent(power, &exponent))
            return hash_bytes(KIND_NUMBER, number);
        mantissa.size = i;
    }
    buffer_clear(digits);
    append_digits(digits, mantissa, &fraction);
    exponent -= fraction;
    while (digits->size > 0 && digits->data[digits->size - 1] == '0') {
        digits->size--;
        exponent++;
    }
    if (digits->size == 0)
        return combine(KIND_NUMBER, 0, 0);
    buffer_append_byte(digits, is_negative ? '-' : '+');
    h->has_failed |= digits->has_failed;
    return combine(KIND_NUMBER, hash_bytes(KIND_NUMBER, buffer_slice(digits)), (uint64_t)exponent);
}

/* --- values --- */

static uint64_t hash_scalar(struct hashing *h, struct slice value)
{
    if (value.data[0] == '"')
        return hash_text(h, json_scan_string(value));
    bool is_word = value.data[0] >= 'a';
    return is_word ? hash_bytes(KIND_WORD, value) : hash_number(h, value);
}

/* The sum doesn't know an order. */
static bool hash_object(struct hashing *h, uint64_t *hash)
{
    struct slice name;
    uint64_t sum = 0, count = 0, value;
    enum json_scan_step step = json_scan_member(&h->scan, true, &name);
    for (; step == JSON_SCAN_ITEM; step = json_scan_member(&h->scan, false, &name)) {
        uint64_t name_hash = hash_text(h, name);
        if (!hash_value(h, &value))
            return false;
        sum += combine(KIND_OBJECT, name_hash, value);
        count++;
    }
    *hash = combine(KIND_OBJECT, sum, count);
    return step == JSON_SCAN_END;
}

static bool hash_array(struct hashing *h, uint64_t *hash)
{
    uint64_t chain = 0, count = 0, value;
    enum json_scan_step step = json_scan_element(&h->scan, true);
    for (; step == JSON_SCAN_ITEM; step = json_scan_element(&h->scan, false)) {
        if (!hash_value(h, &value))
            return false;
        chain = combine(KIND_ARRAY, chain, value);
        count++;
    }
    *hash = combine(KIND_ARRAY, chain, count);
    return step == JSON_SCAN_END;
}

/* Step over BYTE if it comes next. */
static bool take(struct json_scan *s, char byte)
{
    struct json_scan ahead = *s; // a scan that has failed can't be used
    if (!json_scan_expect(&ahead, byte))
        return false;
    *s = ahead;
    return true;
}

static bool hash_value(struct hashing *h, uint64_t *hash)
{
    struct slice value;
    bool ok;
    if (h->depth == JSON_SCAN_MAX_DEPTH)
        return false;
    h->depth++;
    if (take(&h->scan, '{')) {
        ok = hash_object(h, hash);
    } else if (take(&h->scan, '[')) {
        ok = hash_array(h, hash);
    } else {
        ok = json_scan_value(&h->scan, &value);
        *hash = ok ? hash_scalar(h, value) : 0;
    }
    h->depth--;
    return ok;
}

bool source_hash(struct slice json, struct buffer *scratch, uint64_t *hash, struct error *err)
{
    struct hashing h = {.scan = json_scan_over(json), .scratch = scratch};
    if (!hash_value(&h, hash) || !json_scan_is_at_end(&h.scan))
        *hash = hash_bytes(KIND_BYTES, json);
    return !h.has_failed || error_set_memory(err);
}
