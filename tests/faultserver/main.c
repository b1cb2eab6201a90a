/* main.c: the fault server: acts as a search engine on the loopback, and breaks as its script (script.h) says.
 *
 *     faultserver [SCRIPT]
 *
 * prints its URL, and ends when its standard input does. Besides a search engine's, it has paths for the
 * tests, to which no rule applies:
 *
 *     GET /_faults/documents   what was stored: id -> {"operation", "writes", "source"}
 *     GET /_faults/requests    all that was asked, in order: [{"kind", "method", "url", "headers",
 *                              "line" (the rule's; 0: none), and once it was read whole "ids" and "size"}]
 *     PUT /_faults/script      a new script; counting begins anew */
#include <arpa/inet.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "answer.h"
#include "cluster.h"

enum { SCRIPT_BYTES = 1 << 16, WHY_BYTES = 500, USAGE = 64 };

static struct {
    pthread_mutex_t lock; // guards all
    struct script *script;
    unsigned counts[REQUEST_KINDS + 1]; // the last: of any kind
    json_t *documents;
    json_t *requests;
} server = {.lock = PTHREAD_MUTEX_INITIALIZER};

struct request {
    char *url;
    bool has_begun;
    bool is_of_a_test;
    struct seen seen;
    struct rule rule;
    json_t *record; // borrowed from server.requests
    char *body;
    size_t size;
};

/* --- a request comes in --- */

static void *on_url(void *context, const char *url, struct MHD_Connection *connection)
{
    (void)context;
    (void)connection;
    struct request *r = calloc(1, sizeof *r);
    if (r == NULL || (r->url = strdup(url)) == NULL)
        abort();
    return r;
}

static void on_end(void *context, struct MHD_Connection *connection, void **request,
                   enum MHD_RequestTerminationCode code)
{
    struct request *r = *request;
    (void)context;
    (void)connection;
    (void)code;
    free(r->url);
    free(r->body);
    free(r);
}

static enum MHD_Result on_header(void *headers, enum MHD_ValueKind kind, const char *name,
                                 const char *value)
{
    (void)kind;
    json_object_set_new(headers, name, json_string(value));
    return MHD_YES;
}

static enum request_kind kind_of(const char *method, const char *path)
{
    size_t size = strlen(path);
    if (size >= 6 && strcmp(path + size - 6, "/_bulk") == 0)
        return REQUEST_BULK;
    return strcmp(method, "PUT") == 0 ? REQUEST_CREATE : REQUEST_LOOKUP;
}

static const char *name_of(enum request_kind kind)
{
    static const char *const names[] = {"lookup", "create", "bulk"};
    return names[kind];
}

/* The head is there: count it, note it, and find its rule. */
static void begin(struct request *r, struct MHD_Connection *connection, const char *method,
                  const char *path)
{
    json_t *headers = json_object();
    MHD_get_connection_values(connection, MHD_HEADER_KIND, on_header, headers);
    const char *length = json_string_value(json_object_get(headers, "Content-Length"));
    r->seen.kind = kind_of(method, path);
    r->seen.size = length != NULL ? strtoul(length, NULL, 10) : 0;
    pthread_mutex_lock(&server.lock);
    r->seen.number = ++server.counts[r->seen.kind];
    r->seen.number_any = ++server.counts[REQUEST_KINDS];
    script_choose(server.script, &r->seen, &r->rule);
    r->record = json_pack("{s:s, s:s, s:s, s:o, s:i}", "kind", name_of(r->seen.kind), "method",
                          method, "url", r->url, "headers", headers, "line", (int)r->rule.line);
    json_array_append_new(server.requests, r->record);
    pthread_mutex_unlock(&server.lock);
}

static void append(struct request *r, const char *bytes, size_t size)
{
    char *grown = realloc(r->body, r->size + size + 1);
    if (grown == NULL)
        abort();
    memcpy(grown + r->size, bytes, size);
    r->body = grown;
    r->size += size;
    r->body[r->size] = '\0';
}

/* Is it time to break off? Does not return when the time is to stall. */
static bool is_dropped(const struct request *r, enum moment moment)
{
    bool is_counted = moment == MOMENT_READING;
    const struct break_off *stall = &r->rule.stall, *drop = &r->rule.drop;
    if (stall->moment == moment && (!is_counted || r->size >= stall->bytes))
        answer_stall();
    return drop->moment == moment && (!is_counted || r->size >= drop->bytes);
}

/* --- answers --- */

static enum MHD_Result send_json(struct MHD_Connection *connection, const struct rule *rule,
                                 unsigned status, json_t *json)
{
    char *body = json_dumps(json, JSON_COMPACT);
    json_decref(json);
    if (body == NULL)
        abort();
    return answer_send(connection, rule, status, body, strlen(body));
}

/* What the whole request gets by RULE: its status, and a body that tells why. */
static enum MHD_Result send_status(struct MHD_Connection *connection, const struct rule *rule)
{
    unsigned status = rule->status != 0 ? rule->status : 200;
    if (rule->body != NULL) {
        char *body = strdup(rule->body);
        if (body == NULL)
            abort();
        return answer_send(connection, rule, status, body, strlen(body));
    }
    const char *type = rule->error != NULL ? rule->error : "scripted_exception";
    return send_json(connection, rule, status,
                     json_pack("{s:o, s:i}", "error", cluster_error(type, rule->padding), "status",
                               (int)status));
}

static bool has_document(const void *operations, const char *id)
{
    size_t i;
    const json_t *operation;
    json_array_foreach(operations, i,
                       operation) if (strcmp(json_string_value(json_object_get(operation, "id")),
                                             id) == 0) return true;
    return false;
}

/* Note what was read, and do it unless the rule says otherwise; the answer of a sound search engine. */
static json_t *do_request(struct request *r, const json_t *operations, const char *index)
{
    size_t i;
    const json_t *operation;
    json_t *ids = json_array(), *answer = NULL;
    json_array_foreach(operations, i, operation)
        json_array_append(ids, json_object_get(operation, "id"));
    pthread_mutex_lock(&server.lock);
    script_choose_with(server.script, &r->seen, has_document, operations, &r->rule);
    json_object_set_new(r->record, "line", json_integer(r->rule.line));
    json_object_set_new(r->record, "size", json_integer((json_int_t)r->size));
    json_object_set_new(r->record, "ids", ids);
    bool is_done = (r->rule.status == 0 && r->rule.body == NULL) || r->rule.is_stored;
    if (r->seen.kind == REQUEST_BULK && is_done)
        answer = cluster_do_bulk(server.documents, operations, &r->rule);
    else if (is_done)
        answer = r->seen.kind == REQUEST_CREATE ? cluster_create(index) : cluster_look_up(index);
    pthread_mutex_unlock(&server.lock);
    return answer;
}

static enum MHD_Result finish(struct request *r, struct MHD_Connection *connection,
                              const char *path)
{
    const struct rule malformed = {.status = 400, .error = "malformed_bulk"};
    bool is_bulk = r->seen.kind == REQUEST_BULK;
    json_t *operations = is_bulk ? cluster_read_bulk(r->body, r->size) : json_array();
    if (operations == NULL)
        return send_status(connection, &malformed);
    json_t *answer = do_request(r, operations, path + 1);
    json_decref(operations);
    if (is_dropped(r, MOMENT_ANSWER)) {
        json_decref(answer);
        return MHD_NO;
    }
    if (answer != NULL && r->rule.status == 0)
        return send_json(connection, &r->rule, 200, answer);
    json_decref(answer);
    return send_status(connection, &r->rule);
}

/* --- the tests' own paths --- */

static enum MHD_Result replace_script(const struct request *r, struct MHD_Connection *connection)
{
    const struct rule plain = {.items = -1};
    char why[WHY_BYTES];
    struct script *script = script_read(r->size > 0 ? r->body : "", why, sizeof why);
    if (script == NULL)
        return send_json(connection, &plain, 400, json_pack("{s:s}", "error", why));
    pthread_mutex_lock(&server.lock);
    server.script = script;
    memset(server.counts, 0, sizeof server.counts);
    pthread_mutex_unlock(&server.lock);
    return send_json(connection, &plain, 200, json_object());
}

static enum MHD_Result serve_test(const struct request *r, struct MHD_Connection *connection,
                                  const char *path)
{
    const struct rule plain = {.items = -1};
    if (strcmp(path, "/_faults/script") == 0)
        return replace_script(r, connection);
    bool is_documents = strcmp(path, "/_faults/documents") == 0;
    pthread_mutex_lock(&server.lock);
    json_t *copy = json_deep_copy(is_documents ? server.documents : server.requests);
    pthread_mutex_unlock(&server.lock);
    return send_json(connection, &plain, 200, copy);
}

/* --- libmicrohttpd's view: called when the head is there, for each piece of the body, and at its end --- */

static enum MHD_Result on_request(void *context, struct MHD_Connection *connection,
                                  const char *path, const char *method, const char *version,
                                  const char *bytes, size_t *size, void **request)
{
    struct request *r = *request;
    (void)context;
    (void)version;
    if (!r->has_begun) {
        r->has_begun = true;
        r->is_of_a_test = strncmp(path, "/_faults/", 9) == 0;
        if (r->is_of_a_test)
            return MHD_YES;
        begin(r, connection, method, path);
        if (is_dropped(r, MOMENT_HEAD))
            return MHD_NO;
        return r->rule.is_early ? send_status(connection, &r->rule) : MHD_YES;
    }
    if (*size > 0) {
        append(r, bytes, *size);
        *size = 0;
        return is_dropped(r, MOMENT_READING) ? MHD_NO : MHD_YES;
    }
    return r->is_of_a_test ? serve_test(r, connection, path) : finish(r, connection, path);
}

static struct script *read_script_file(const char *path)
{
    static char text[SCRIPT_BYTES];
    char why[WHY_BYTES];
    FILE *file = path != NULL ? fopen(path, "r") : NULL;
    if (path != NULL && file == NULL)
        fprintf(stderr, "faultserver: %s can't be read\n", path);
    if (path != NULL && file == NULL)
        exit(USAGE);
    text[file != NULL ? fread(text, 1, sizeof text - 1, file) : 0] = '\0';
    if (file != NULL)
        fclose(file);
    struct script *script = script_read(text, why, sizeof why);
    if (script == NULL) {
        fprintf(stderr, "faultserver: %s: %s", path, why);
        exit(USAGE);
    }
    return script;
}

int main(int argc, char **argv)
{
    const struct sockaddr_in address = {.sin_family = AF_INET,
                                        .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    server.script = read_script_file(argc > 1 ? argv[1] : NULL);
    server.documents = json_object();
    server.requests = json_array();
    struct MHD_Daemon *daemon = MHD_start_daemon(
        MHD_USE_THREAD_PER_CONNECTION | MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_POLL, 0, NULL,
        NULL, on_request, NULL, MHD_OPTION_SOCK_ADDR, &address, MHD_OPTION_URI_LOG_CALLBACK, on_url,
        NULL, MHD_OPTION_NOTIFY_COMPLETED, on_end, NULL, MHD_OPTION_END);
    if (daemon == NULL) {
        fprintf(stderr, "faultserver: can't listen\n");
        return 1;
    }
    printf("http://127.0.0.1:%u\n",
           (unsigned)MHD_get_daemon_info(daemon, MHD_DAEMON_INFO_BIND_PORT)->port);
    fflush(stdout);
    while (getchar() != EOF)
        continue;
    _exit(0); // some connections may never end
}
