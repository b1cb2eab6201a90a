/* http_setup.c: see http_setup.h. Facts about libcurl come from its manual pages. */
#include "sink/http_setup.h"

#include <string.h>

#include "sink/http_options.h"
#include "sink/url.h"

enum {
    CONNECT_MS = 10000,
    LOW_SPEED_SECONDS = 90, // longer than the minute that Elasticsearch waits for a primary shard
    UPLOAD_BUFFER_BYTES = 64 << 10, // per request in flight; 1 GB/s over the loopback
    PROXY_WANTS_CREDENTIALS = 407,
};

static bool add_header(struct curl_slist **list, struct buffer *text, struct error *err)
{
    if (!buffer_check(text, "an HTTP header", err))
        return false;
    struct curl_slist *longer = curl_slist_append(*list, buffer_string(text));
    if (longer != NULL)
        *list = longer;
    return longer != NULL || error_set_memory(err);
}

bool http_setup_headers(const struct http_options *o, struct curl_slist **out, struct error *err)
{
    bool ok = true;
    struct buffer text;
    buffer_init(&text, HTTP_HEADER_MAX_BYTES);
    for (size_t i = 0; ok && http_options_header(o, i, &text); i++)
        ok = add_header(out, &text, err);
    buffer_free(&text);
    return ok;
}

#define SET(option, value)                                                                         \
    do {                                                                                           \
        if (code == CURLE_OK)                                                                      \
            code = curl_easy_setopt(easy, option, value);                                          \
    } while (0)

static CURLcode set_transport(CURL *easy, const struct http_options *o)
{
    CURLcode code = CURLE_OK;
    SET(CURLOPT_NOSIGNAL, 1L);
    SET(CURLOPT_PROTOCOLS_STR, "http,https");
    SET(CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    SET(CURLOPT_FOLLOWLOCATION, 0L);
    SET(CURLOPT_TCP_NODELAY, 1L);
    SET(CURLOPT_TCP_KEEPALIVE, 1L);
    SET(CURLOPT_TCP_KEEPIDLE, 30L);
    SET(CURLOPT_TCP_KEEPINTVL, 10L);
    SET(CURLOPT_CONNECTTIMEOUT_MS, (long)CONNECT_MS);
    SET(CURLOPT_LOW_SPEED_LIMIT, 1L);
    SET(CURLOPT_LOW_SPEED_TIME, (long)LOW_SPEED_SECONDS);
    SET(CURLOPT_TIMEOUT_MS, (long)o->timeout_ms);
    SET(CURLOPT_UPLOAD_BUFFERSIZE, (long)UPLOAD_BUFFER_BYTES);
    SET(CURLOPT_USERAGENT, "bobbin");
    // a bulk response is a few percent of its request; what some proxy compresses is still decoded
    SET(CURLOPT_ACCEPT_ENCODING, "identity");
    return code;
}

/* The password of another user is not for the one in the URL. */
static const char *password_for(const struct http_options *o, const char *url)
{
    if (!url_has_user(url))
        return o->password;
    return url_may_have_password(url) || o->user != NULL ? NULL : o->password;
}

static CURLcode set_credentials(CURL *easy, const struct http_options *o, const char *url)
{
    CURLcode code = CURLE_OK;
    SET(CURLOPT_HTTPAUTH, CURLAUTH_BASIC);
    SET(CURLOPT_UNRESTRICTED_AUTH, 0L);
    SET(CURLOPT_NETRC, (long)CURL_NETRC_IGNORED);
    SET(CURLOPT_USERNAME, url_has_user(url) ? NULL : o->user); // NULL, here and below: none
    SET(CURLOPT_PASSWORD, password_for(o, url));
    return code;
}

/* The headers of requests, the cluster's credentials among them, are not for a proxy that is asked
 * for a tunnel. */
static CURLcode set_proxy(CURL *easy, const struct http_options *o)
{
    CURLcode code = CURLE_OK;
    SET(CURLOPT_HEADEROPT, (long)CURLHEADER_SEPARATE);
    SET(CURLOPT_PROXYAUTH, CURLAUTH_BASIC);
    SET(CURLOPT_PROXY, o->proxy); // NULL: the environment's; "": none
    SET(CURLOPT_PROXYUSERNAME, o->proxy_user);
    SET(CURLOPT_PROXYPASSWORD, o->proxy_password);
    return code;
}

static CURLcode on_tls_context(CURL *easy, void *context, void *pin)
{
    (void)easy;
    tls_pin_apply(context, pin);
    return CURLE_OK;
}

static CURLcode set_tls(CURL *easy, const struct http_options *o, struct tls_pin *pin)
{
    CURLcode code = CURLE_OK;
    SET(CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2); // at least
    SET(CURLOPT_SSL_VERIFYPEER, o->is_insecure ? 0L : 1L);
    SET(CURLOPT_SSL_VERIFYHOST, o->is_insecure ? 0L : 2L);
    if (o->ca_file != NULL) // NULL would take the system's certificates away
        SET(CURLOPT_CAINFO, o->ca_file);
    if (o->ca_fingerprint != NULL) {
        SET(CURLOPT_CAINFO, NULL); // the system's don't count, and needn't be there
        SET(CURLOPT_CAPATH, NULL);
        SET(CURLOPT_SSL_CTX_FUNCTION, on_tls_context);
        SET(CURLOPT_SSL_CTX_DATA, pin);
    }
    SET(CURLOPT_SSLCERT, o->cert_file);
    SET(CURLOPT_SSLKEY, o->cert_key_file);
    // OpenSSL would ask at the terminal for the password of a key when there is none
    SET(CURLOPT_KEYPASSWD, o->cert_password != NULL ? o->cert_password : "");
    return code;
}

CURLcode http_setup(CURL *easy, const struct http_options *o, struct tls_pin *pin, const char *url)
{
    CURLcode code = set_transport(easy, o);
    if (code == CURLE_OK)
        code = set_credentials(easy, o, url);
    if (code == CURLE_OK)
        code = set_proxy(easy, o);
    return code == CURLE_OK ? set_tls(easy, o, pin) : code;
}

/* With TLS 1.3 the server's refusal comes when our side of the handshake is done: as a failure to
 * read, which only OpenSSL's words tell from others. */
static bool is_client_refused(CURLcode code, const char *words)
{
    static const char *const alerts[] = {"alert certificate required", "alert bad certificate",
                                         "alert unknown ca", "alert certificate unknown"};
    for (size_t i = 0; i < sizeof alerts / sizeof *alerts; i++)
        if (strstr(words, alerts[i]) != NULL)
            return true;
    return code == CURLE_SSL_CLIENTCERT;
}

static const char *remedy_of_server(const struct http_options *o, const char *words)
{
    if (strstr(words, "target host name") != NULL)
        return "the certificate is for another host: give --url with the name that it is for";
    if (o->ca_fingerprint != NULL)
        return "no authority with the --ca-fingerprint vouches for the server: check it";
    return "give the certificate of the authority that signed it with --ca, or --ca-fingerprint";
}

const char *http_setup_remedy(CURL *easy, const struct http_options *o, CURLcode code,
                              const char *words)
{
    long status = 0;
    if (curl_easy_getinfo(easy, CURLINFO_HTTP_CONNECTCODE, &status) == CURLE_OK &&
        status == PROXY_WANTS_CREDENTIALS)
        return "the proxy refuses --proxy-user and its password";
    switch (code) {
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_ISSUER_ERROR:
        return remedy_of_server(o, words);
    case CURLE_SSL_CACERT_BADFILE:
        return "check --ca";
    case CURLE_SSL_CERTPROBLEM:
        return "check --cert, --cert-key and --cert-password-file";
    default:
        return is_client_refused(code, words)
                   ? "the server wants a client certificate that it trusts: --cert and --cert-key"
                   : NULL;
    }
}
