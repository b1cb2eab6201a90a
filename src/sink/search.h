/* search.h: read an index back: refresh it, count its documents, and all of them, page by page.
 *
 * All documents come by a scroll in the order of the shards' files (sort _doc), which sees the index as it was
 * when the scroll began, and which Elasticsearch 7.10 to 9 and OpenSearch 1 to 3 know. A page that was
 * lost can't be asked for again (the scroll has moved on), and one from which a shard is missing is no
 * page: either is ERROR_UNAVAILABLE, and the reading has to begin anew. So what was not seen at the end
 * was not there.
 *
 * HOST: a base URL without a slash at the end. INDEX: an index, alias or data stream. Errors of all:
 * those of http_call; ERROR_DENIED (401, 403: names the privilege); ERROR_CONFIG when the index is
 * gone or the answer is no search engine's; ERROR_UNAVAILABLE (408, 429, 5xx). */
#ifndef BOBBIN_SINK_SEARCH_H
#define BOBBIN_SINK_SEARCH_H

#include "sink/http.h"

/* Make searches see all that was written. *IS_DONE false: the user may not (403, "maintenance"), so they see
 * what the index's refresh_interval has shown them. */
MUST_CHECK bool search_refresh(struct http *h, const char *host, const char *index, bool *is_done,
                               struct error *err);

/* How many documents INDEX has. */
MUST_CHECK bool search_count(struct http *h, const char *host, const char *index, uint64_t *count,
                             struct error *err);

enum {
    SCROLL_RESPONSE_MAX_BYTES = 64 << 20,
    SCROLL_PAGE_BYTES = 1 << 20,     // of documents in a page, about: a page is held whole
    SCROLL_PAGE_DOCUMENTS = 10000,   // at most: index.max_result_window
    SCROLL_DOCUMENT_MIN_BYTES = 160, // its id, index and score, whatever its source
};

struct scroll;

/* A document of a page: good during the call that shows it. */
struct scroll_document {
    struct slice index;   // where it is: not INDEX when that is an alias or a data stream
    struct slice id;      // as text, as the routing
    struct slice routing; // data NULL: none
    struct slice source;  // JSON; data NULL: the index keeps no _source
};

typedef bool scroll_see(void *context, const struct scroll_document *document, struct error *err);

/* Begin to read all of INDEX. What a document's source has on average, and at most, more or less, chooses how many
 * are asked for in a page: SCROLL_PAGE_BYTES of average ones, and never more of the largest ones than a
 * response may hold. */
MUST_CHECK bool scroll_new(struct scroll **out, struct http *h, const char *host, const char *index,
                           uint64_t average_bytes, uint64_t largest_bytes, struct error *err);

/* Tell the cluster that it is over, if it still answers, and free. NULL is ignored. */
void scroll_free(struct scroll *s);

/* Read the next page and call SEE for each of its documents. *IS_END: there was none, and the number of
 * all that came is the one that was announced with the first page. */
MUST_CHECK bool scroll_next(struct scroll *s, scroll_see *see, void *context, bool *is_end,
                            struct error *err);

#endif
