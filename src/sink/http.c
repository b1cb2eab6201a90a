/* http.c: see http.h. Facts about libcurl come from its manual pages, named at the place. */
#include "sink/http.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/stop.h"
#include "sink/http_exchange.h"
#include "sink/http_options.h"
#include "sink/http_request.h"
#include "sink/http_setup.h"
#include "sink/url.h"

enum {
    CONTENT_TYPE_BYTES = 96,
    ENCODING_BYTES = 64,
    REMEDY_BYTES = 256, // of text behind libcurl's words
    TOO_LARGE = 413,    // its head is enough: such a server often closes before it has said all
};

enum request_state { REQUEST_IDLE, REQUEST_IN_FLIGHT, REQUEST_DONE, REQUEST_TAKEN };

struct request {
    struct request *next; // of all that were made
    struct http *http;
    CURL *easy;
    enum request_state state;
    uint64_t order; // in which it was done
    CURLcode code;  // when done
    void *owner;
    struct exchange exchange;
    struct curl_slist content_type; // stands before the headers that all requests have
    char content_type_text[CONTENT_TYPE_BYTES];
    struct curl_slist encoding, chunked; // behind it, when the body has them
    char encoding_text[ENCODING_BYTES];
    struct curl_slist signed_headers[HTTP_SIGNED_HEADERS]; // before that, when there is a signer
    struct buffer signed_texts[HTTP_SIGNED_HEADERS];
    bool is_refused;
    char words[CURL_ERROR_SIZE + REMEDY_BYTES]; // libcurl's, when it has failed, and what to do
};

struct http {
    CURLM *multi;
    const struct http_options *options;
    struct tls_pin pin; // when the options have a fingerprint
    struct curl_slist *headers;
    struct request *requests;
    uint64_t done_count;
    bool has_seen_stop;
};

static bool easy_error(struct error *err, CURLcode code)
{
    if (code == CURLE_OUT_OF_MEMORY)
        return error_set_memory(err);
    return error_set(err, ERROR_CONFIG, "libcurl: %s", curl_easy_strerror(code));
}

static bool multi_error(struct error *err, CURLMcode code)
{
    if (code == CURLM_OUT_OF_MEMORY)
        return error_set_memory(err);
    return error_set(err, ERROR_BUG, "libcurl: %s", curl_multi_strerror(code));
}

bool http_new(struct http **out, const struct http_options *options, struct error *err)
{
    if (!http_options_check(options, err))
        return false;
    struct http *h = calloc(1, sizeof *h);
    if (h == NULL)
        return error_set_memory(err);
    CURLcode code = curl_global_init(CURL_GLOBAL_DEFAULT); // counts: curl_global_init(3)
    if (code != CURLE_OK) {
        free(h);
        return easy_error(err, code);
    }
    h->options = options;
    if (options->ca_fingerprint != NULL)
        (void)tls_pin_parse(options->ca_fingerprint, &h->pin); // it was checked
    h->multi = curl_multi_init();
    bool ok =
        h->multi != NULL ? http_setup_headers(options, &h->headers, err) : error_set_memory(err);
    if (ok)
        *out = h;
    else
        http_free(h);
    return ok;
}

static void free_request(struct request *r)
{
    (void)curl_multi_remove_handle(r->http->multi, r->easy); // harmless when it isn't in it
    curl_easy_cleanup(r->easy);
    exchange_free(&r->exchange);
    for (size_t i = 0; i < HTTP_SIGNED_HEADERS; i++)
        buffer_free(&r->signed_texts[i]);
    free(r);
}

void http_free(struct http *h)
{
    if (h == NULL)
        return;
    for (struct request *r = h->requests, *next; r != NULL; r = next) {
        next = r->next;
        free_request(r);
    }
    (void)curl_multi_cleanup(h->multi); // NULL is refused, no more
    curl_slist_free_all(h->headers);
    free(h);
    curl_global_cleanup();
}

static size_t on_read(char *out, size_t size, size_t count, void *exchange)
{
    long got = exchange_read(exchange, out, size * count);
    return got < 0 ? CURL_READFUNC_ABORT : (size_t)got;
}

static int on_seek(void *exchange, curl_off_t offset, int origin)
{
    bool ok = offset == 0 && origin == SEEK_SET && exchange_rewind(exchange);
    return ok ? CURL_SEEKFUNC_OK : CURL_SEEKFUNC_FAIL;
}

static size_t on_write(char *bytes, size_t size, size_t count, void *exchange)
{
    return exchange_receive(exchange, bytes, size * count) ? size * count : CURL_WRITEFUNC_ERROR;
}

#define SET(option, value)                                                                         \
    do {                                                                                           \
        if (code == CURLE_OK)                                                                      \
            code = curl_easy_setopt(r->easy, option, value);                                       \
    } while (0)

static CURLcode set_request(struct request *r, const struct http_request *q,
                            struct curl_slist *headers)
{
    const struct http_options *o = r->http->options;
    uint64_t size = q->body != NULL ? q->body->size : 0;
    CURLcode code = http_setup(r->easy, o, &r->http->pin, q->url);
    SET(CURLOPT_ERRORBUFFER, r->words);
    SET(CURLOPT_WRITEFUNCTION, on_write);
    SET(CURLOPT_WRITEDATA, &r->exchange);
    SET(CURLOPT_URL, q->url);
    if (strcmp(q->method, "HEAD") == 0)
        SET(CURLOPT_NOBODY, 1L);
    else if (q->body != NULL || strcmp(q->method, "POST") == 0 || strcmp(q->method, "PUT") == 0)
        SET(CURLOPT_POST, 1L);
    SET(CURLOPT_CUSTOMREQUEST, q->method);
    SET(CURLOPT_POSTFIELDSIZE_LARGE, size == HTTP_SIZE_UNKNOWN ? -1 : (curl_off_t)size);
    SET(CURLOPT_READFUNCTION, on_read);
    SET(CURLOPT_READDATA, &r->exchange);
    SET(CURLOPT_SEEKFUNCTION, on_seek);
    SET(CURLOPT_SEEKDATA, &r->exchange);
    SET(CURLOPT_HTTPHEADER, headers);
    return code;
}

static struct request *find_oldest(const struct http *h, enum request_state state)
{
    struct request *found = NULL;
    for (struct request *r = h->requests; r != NULL; r = r->next)
        if (r->state == state && (found == NULL || r->order < found->order))
            found = r;
    return found;
}

static struct request *make_request(struct http *h)
{
    struct request *r = find_oldest(h, REQUEST_IDLE);
    if (r != NULL) {
        curl_easy_reset(r->easy); // keeps no option; connections belong to the multi handle
        return r;
    }
    r = calloc(1, sizeof *r);
    if (r == NULL)
        return NULL;
    r->http = h;
    r->easy = curl_easy_init();
    exchange_init(&r->exchange);
    for (size_t i = 0; i < HTTP_SIGNED_HEADERS; i++)
        buffer_init(&r->signed_texts[i], HTTP_HEADER_MAX_BYTES);
    if (r->easy == NULL) {
        free_request(r);
        return NULL;
    }
    r->next = h->requests;
    h->requests = r;
    return r;
}

static void prepare(struct request *r, const struct http_request *q)
{
    r->owner = q->owner;
    exchange_reset(&r->exchange, q->body, q->response_max);
    r->words[0] = '\0';
    r->is_refused = false;
    // a header without a value is not sent: CURLOPT_HTTPHEADER(3)
    const char *type = q->content_type ? q->content_type : "";
    snprintf(r->content_type_text, sizeof r->content_type_text, "Content-Type: %s", type);
    r->content_type = (struct curl_slist){r->content_type_text, r->http->headers};
    if (q->body != NULL && q->body->encoding != NULL) {
        snprintf(r->encoding_text, sizeof r->encoding_text, "Content-Encoding: %s",
                 q->body->encoding);
        r->encoding = (struct curl_slist){r->encoding_text, r->content_type.next};
        r->content_type.next = &r->encoding;
    }
    if (q->body != NULL && q->body->size == HTTP_SIZE_UNKNOWN) {
        static char chunked[] = "Transfer-Encoding: chunked"; // CURLOPT_POST(3)
        r->chunked = (struct curl_slist){chunked, r->content_type.next};
        r->content_type.next = &r->chunked;
    }
}

/* *FIRST: the list of R's headers, with the signer's. */
static bool sign(struct request *r, const struct http_request *q, struct curl_slist **first,
                 struct error *err)
{
    const struct http_signer *signer = r->http->options->signer;
    *first = &r->content_type;
    if (signer == NULL)
        return true;
    for (size_t i = 0; i < HTTP_SIGNED_HEADERS; i++)
        buffer_clear(&r->signed_texts[i]);
    if (!signer->sign(signer->context, q, r->signed_texts, err))
        return false;
    for (size_t i = 0; i < HTTP_SIGNED_HEADERS; i++) {
        struct buffer *text = &r->signed_texts[i];
        (void)buffer_string(text); // libcurl takes it to its zero byte
        if (!buffer_check(text, "an HTTP header", err))
            return false;
        if (text->size == 0)
            continue;
        r->signed_headers[i] = (struct curl_slist){text->data, *first};
        *first = &r->signed_headers[i];
    }
    return true;
}

bool request_start(struct http *h, const struct http_request *q, struct request **out,
                   struct error *err)
{
    if (!url_check(q->url, err))
        return false;
    struct request *r = make_request(h);
    if (r == NULL)
        return error_set_memory(err);
    prepare(r, q);
    struct curl_slist *headers;
    if (!sign(r, q, &headers, err)) {
        request_release(r);
        return false;
    }
    CURLcode code = set_request(r, q, headers);
    CURLMcode added = code == CURLE_OK ? curl_multi_add_handle(h->multi, r->easy) : CURLM_OK;
    if (code == CURLE_OK && added == CURLM_OK) {
        r->state = REQUEST_IN_FLIGHT;
        *out = r;
        return true;
    }
    request_release(r);
    return code != CURLE_OK ? easy_error(err, code) : multi_error(err, added);
}

bool http_start(struct http *h, const struct http_request *request, struct error *err)
{
    struct request *r;
    return request_start(h, request, &r, err);
}

/* Keep why R failed in words that say what to do, where that is known. */
static void note_remedy(struct request *r)
{
    const char *remedy = http_setup_remedy(r->easy, r->http->options, r->code, r->words);
    r->is_refused = remedy != NULL;
    if (remedy == NULL)
        return;
    if (r->words[0] == '\0')
        snprintf(r->words, CURL_ERROR_SIZE, "%s", curl_easy_strerror(r->code));
    size_t length = strlen(r->words);
    snprintf(r->words + length, sizeof r->words - length, "; %s", remedy);
}

static void finish(struct http *h, CURL *easy, CURLcode code)
{
    struct request *r = h->requests;
    while (r->easy != easy) // it is there: only request_start adds handles
        r = r->next;
    r->code = code;
    r->state = REQUEST_DONE;
    r->order = h->done_count++;
    if (code != CURLE_OK)
        note_remedy(r);
    (void)curl_multi_remove_handle(h->multi, easy); // its results stay readable
}

static bool transfer(struct http *h, struct error *err)
{
    int left;
    CURLMcode code = curl_multi_perform(h->multi, &left);
    if (code != CURLM_OK)
        return multi_error(err, code);
    const CURLMsg *message;
    while ((message = curl_multi_info_read(h->multi, &left)) != NULL)
        if (message->msg == CURLMSG_DONE)
            finish(h, message->easy_handle, message->data.result);
    return true;
}

bool request_step(struct http *h, int timeout_ms, struct error *err)
{
    uint64_t before = h->done_count;
    if (!transfer(h, err))
        return false;
    if (h->done_count != before)
        return true;
    struct curl_waitfd stop = {.fd = stop_fd(), .events = CURL_WAIT_POLLIN};
    bool is_watched = stop.fd >= 0 && !h->has_seen_stop;
    CURLMcode code = curl_multi_poll(h->multi, &stop, is_watched ? 1 : 0, timeout_ms, NULL);
    if (code != CURLM_OK)
        return multi_error(err, code);
    h->has_seen_stop = stop_is_requested();
    return transfer(h, err);
}

bool http_poll(struct http *h, int timeout_ms, struct error *err)
{
    return request_step(h, find_oldest(h, REQUEST_DONE) != NULL ? 0 : timeout_ms, err);
}

void http_wakeup(struct http *h)
{
    (void)curl_multi_wakeup(h->multi); // it fails when it was woken very often: then it is awake
}

static const char *failure_of(const struct request *r)
{
    if (r->exchange.why != NULL)
        return r->exchange.why;
    if (r->code == CURLE_OK)
        return "the connection ended without a response";
    return r->words[0] != '\0' ? r->words : curl_easy_strerror(r->code);
}

void request_response(struct request *r, struct http_response *out)
{
    long status = 0;
    struct curl_header *header;
    *out = (struct http_response){.owner = r->owner, .retry_after_ms = -1, .handle = r};
    if (curl_easy_getinfo(r->easy, CURLINFO_RESPONSE_CODE, &status) != CURLE_OK ||
        (r->code != CURLE_OK && status != TOO_LARGE))
        status = 0;
    out->status = (int)status;
    if (status == 0) {
        out->failure = failure_of(r);
        out->is_timeout = r->code == CURLE_OPERATION_TIMEDOUT;
        out->was_sent = r->exchange.sent > 0;
        out->is_too_large = r->exchange.is_too_large;
        out->is_refused = r->is_refused;
        return;
    }
    out->body = buffer_slice(&r->exchange.received);
    (void)curl_easy_getinfo(r->easy, CURLINFO_REDIRECT_URL, &out->redirect);
    if (curl_easy_header(r->easy, "Retry-After", 0, CURLH_HEADER, -1, &header) == CURLHE_OK)
        out->retry_after_ms = exchange_retry_after_ms(header->value, clock_wall_ms());
}

bool http_take_response(struct http *h, struct http_response *out)
{
    struct request *r = find_oldest(h, REQUEST_DONE);
    if (r == NULL)
        return false;
    r->state = REQUEST_TAKEN;
    request_response(r, out);
    return true;
}

bool request_is_done(const struct request *r)
{
    return r->state == REQUEST_DONE;
}

void request_release(struct request *r)
{
    if (r->state == REQUEST_IN_FLIGHT)
        (void)curl_multi_remove_handle(r->http->multi, r->easy);
    exchange_reset(&r->exchange, NULL, 0);
    r->state = REQUEST_IDLE;
}

void http_release(struct http *h, struct http_response *response)
{
    (void)h;
    request_release(response->handle);
    *response = (struct http_response){0};
}
