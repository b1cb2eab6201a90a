/* searched.h: for tests that compare: answers of a cluster to a refresh, a count and a scroll. */
#ifndef BOBBIN_TESTS_SEARCHED_H
#define BOBBIN_TESTS_SEARCHED_H

#define SEARCHED_OK(text)                                                                          \
    {                                                                                              \
        .status = 200, .body = text                                                                \
    }
#define SEARCHED_SHARDS "\"_shards\":{\"total\":1,\"failed\":0}"
#define SEARCHED_REFRESHED SEARCHED_OK("{" SEARCHED_SHARDS "}")
#define SEARCHED_COUNT(n) SEARCHED_OK("{\"count\":" n "," SEARCHED_SHARDS "}")
#define SEARCHED_PAGE(total, hits)                                                                 \
    SEARCHED_OK("{\"_scroll_id\":\"s\",\"timed_out\":false," SEARCHED_SHARDS                       \
                ",\"hits\":{\"total\":{\"value\":" total ",\"relation\":\"eq\"},\"hits\":[" hits   \
                "]}}")

/* A document of index INDEX, ID, and its source. */
#define SEARCHED_HIT(index, id, source)                                                            \
    "{\"_index\":\"" index "\",\"_id\":\"" id "\",\"_source\":" source "}"

/* The document that dumped.h's row N gives. */
#define SEARCHED_ROW(n) SEARCHED_HIT("images", n, "{\"title\":\"title\",\"id\":" n "}")

#endif
