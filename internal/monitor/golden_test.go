package monitor

import (
	"bytes"
	"context"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"xnumon/internal/encode"
	"xnumon/internal/record"
	"xnumon/internal/sensor/replay"
)

var update = flag.Bool("update", false, "write the golden files")

type collected struct{ bytes.Buffer }

func (c *collected) Write(rec []byte) { c.Buffer.Write(rec) }

// Recorded streams, through everything behind a sensor, to the byte.
func TestGolden(t *testing.T) {
	streams, err := filepath.Glob("testdata/golden/*.jsonl")
	if err != nil || len(streams) == 0 {
		t.Fatal("no streams: ", err)
	}
	for _, stream := range streams {
		t.Run(strings.TrimSuffix(filepath.Base(stream), ".jsonl"), func(t *testing.T) {
			s, err := replay.Open(stream)
			if err != nil {
				t.Fatal(err)
			}
			defer s.Close()
			var out collected
			m := New(Options{
				Records: record.Options{Ancestors: record.Unlimited, Hashes: record.Hashes{SHA256: true}},
				Encoder: &encode.JSON{}, Sink: &out, AtStart: true,
			})
			if err := m.Run(context.Background(), s); err != nil {
				t.Fatal(err)
			}
			golden := strings.TrimSuffix(stream, ".jsonl") + ".golden"
			if *update {
				if err := os.WriteFile(golden, out.Bytes(), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			got := bytes.Split(out.Bytes(), []byte("\n"))
			for i, line := range bytes.Split(want, []byte("\n")) {
				if i >= len(got) || !bytes.Equal(got[i], line) {
					t.Fatalf("line %d:\n%s\nwant\n%s", i+1, got[min(i, len(got)-1)], line)
				}
			}
		})
	}
}
