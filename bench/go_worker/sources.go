// Where the Go worker's documents come from: the rows of a query, or the lines of a file.
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"os"

	"github.com/jackc/pgx/v5"
)

const longestLine = 64 << 20 // bytes

// queryRows sends each row of the query in the file as a document: its columns that aren't NULL.
func queryRows(ctx context.Context, dsn, file string, each send) error {
	query, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	connection, err := pgx.Connect(ctx, dsn)
	if err != nil {
		return err
	}
	defer connection.Close(ctx)
	rows, err := connection.Query(ctx, string(query))
	if err != nil {
		return err
	}
	defer rows.Close()
	fields := rows.FieldDescriptions()
	for rows.Next() {
		values, err := rows.Values()
		if err != nil {
			return err
		}
		document := make(map[string]any, len(fields))
		for i, value := range values {
			if value != nil {
				document[fields[i].Name] = plain(value)
			}
		}
		body, err := json.Marshal(document)
		if err != nil {
			return err
		}
		if err := each(fmt.Sprint(document["id"]), body); err != nil {
			return err
		}
	}
	return rows.Err()
}

// plain writes a UUID as text: to encoding/json it is an array of numbers.
func plain(value any) any {
	if id, ok := value.([16]byte); ok {
		return fmt.Sprintf("%x-%x-%x-%x-%x", id[:4], id[4:6], id[6:8], id[8:10], id[10:])
	}
	return value
}

// fileLines sends each line of {"_id":...,"_source":...}.
func fileLines(name string, each send) error {
	file, err := os.Open(name)
	if err != nil {
		return err
	}
	defer file.Close()
	lines := bufio.NewScanner(file)
	lines.Buffer(make([]byte, 1<<20), longestLine)
	for lines.Scan() {
		var line struct {
			ID     string          `json:"_id"`
			Source json.RawMessage `json:"_source"`
		}
		if err := json.Unmarshal(lines.Bytes(), &line); err != nil {
			return err
		}
		if err := each(line.ID, line.Source); err != nil {
			return err
		}
	}
	return lines.Err()
}
