// The Go worker that bobbin is compared with, as an ordinary user would write it: rows of a query streamed by pgx,
// each a map of its columns, sent by go-elasticsearch's esutil.BulkIndexer. With -file it loads a file of
// {"_id":...,"_source":...} lines instead of a query.
package main

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"log"
	"sync/atomic"
	"time"

	"github.com/elastic/go-elasticsearch/v8"
	"github.com/elastic/go-elasticsearch/v8/esutil"
)

// send is called for each document.
type send func(id string, document []byte) error

func main() {
	dsn := flag.String("dsn", "", "how to reach PostgreSQL")
	query := flag.String("query", "", "a file with the SELECT to read")
	file := flag.String("file", "", "the file of lines to load, instead of a query")
	url := flag.String("url", "", "the cluster")
	index := flag.String("index", "", "the index to write to")
	flag.Parse()

	produce := func(ctx context.Context, each send) error { return queryRows(ctx, *dsn, *query, each) }
	if *file != "" {
		produce = func(_ context.Context, each send) error { return fileLines(*file, each) }
	}
	count, err := move(context.Background(), *url, *index, produce)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%d documents\n", count)
}

// move indexes what produce sends. It returns how many documents were flushed.
func move(ctx context.Context, url, index string, produce func(context.Context, send) error) (uint64, error) {
	client, err := elasticsearch.NewClient(elasticsearch.Config{
		Addresses:     []string{url},
		RetryOnStatus: []int{429, 502, 503, 504},
		RetryBackoff:  func(attempt int) time.Duration { return time.Duration(attempt) * 100 * time.Millisecond },
		MaxRetries:    10,
	})
	if err != nil {
		return 0, err
	}
	var failure atomic.Pointer[error]
	fail := func(err error) { failure.CompareAndSwap(nil, &err) }
	indexer, err := esutil.NewBulkIndexer(esutil.BulkIndexerConfig{
		Client:  client,
		Index:   index,
		OnError: func(_ context.Context, err error) { fail(err) },
	})
	if err != nil {
		return 0, err
	}
	refused := func(_ context.Context, item esutil.BulkIndexerItem, answer esutil.BulkIndexerResponseItem, err error) {
		fail(fmt.Errorf("document %s: %s: %s: %v", item.DocumentID, answer.Error.Type, answer.Error.Reason, err))
	}
	produced := produce(ctx, func(id string, document []byte) error {
		return indexer.Add(ctx, esutil.BulkIndexerItem{
			Action:     "index",
			DocumentID: id,
			Body:       bytes.NewReader(document),
			OnFailure:  refused,
		})
	})
	err = errors.Join(produced, indexer.Close(ctx))
	if first := failure.Load(); first != nil {
		err = errors.Join(err, *first)
	}
	return indexer.Stats().NumFlushed, err
}
