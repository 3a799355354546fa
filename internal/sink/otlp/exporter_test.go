package otlp

import (
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	collector "go.opentelemetry.io/proto/slim/otlp/collector/logs/v1"
	"google.golang.org/protobuf/proto"

	"xnumon/internal/sink/transport"
	"xnumon/internal/spool"
)

// serve answers requests and says what their bodies were.
func serve(t *testing.T, answer func(w http.ResponseWriter, bodies []string)) *Exporter {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		z, err := gzip.NewReader(r.Body)
		if err != nil {
			t.Error(err)
			return
		}
		b, err := io.ReadAll(z)
		if err != nil {
			t.Error(err)
		}
		var req collector.ExportLogsServiceRequest
		if err := proto.Unmarshal(b, &req); err != nil {
			t.Error(err)
		}
		var bodies []string
		for _, l := range req.ResourceLogs[0].ScopeLogs[0].LogRecords {
			bodies = append(bodies, l.Body.GetStringValue())
		}
		answer(w, bodies)
	}))
	t.Cleanup(s.Close)
	e := &Exporter{URL: s.URL + DefaultPath, Version: "1"}
	t.Cleanup(func() { e.Close() })
	return e
}

func numbered(n int) (all []spool.Record) {
	for i := range n {
		all = append(all, spool.Record{Seq: uint64(i + 1), Data: fmt.Appendf(nil, "rec %d\n", i)})
	}
	return all
}

// TestOneBadRecord: a request that is refused is divided until it is known which
// record it was for; all others arrive, once.
func TestOneBadRecord(t *testing.T) {
	var got []string
	e := serve(t, func(w http.ResponseWriter, bodies []string) {
		for _, b := range bodies {
			if b == "rec 13" {
				http.Error(w, "too ugly", http.StatusBadRequest)
				return
			}
		}
		got = append(got, bodies...)
	})
	recs, refused := numbered(100), 0
	for len(recs) > 0 {
		n, err := e.Send(t.Context(), recs)
		var refusal *transport.Refusal
		if errors.As(err, &refusal) {
			if refused += refusal.Count; string(recs[n-1].Data) != "rec 13\n" || !strings.Contains(err.Error(), "too ugly") {
				t.Errorf("%q refused: %v", recs[n-1].Data, err)
			}
		} else if err != nil {
			t.Fatal(err)
		}
		recs = recs[n:]
	}
	if refused != 1 || len(got) != 99 || e.Confirmed() != 100 {
		t.Errorf("%d refused, %d arrived, confirmed up to %d", refused, len(got), e.Confirmed())
	}
}

func TestAnswers(t *testing.T) {
	for _, c := range []struct {
		status  int
		header  string
		body    string
		refused int
		after   time.Duration
		arrived bool
	}{
		{200, "", "", 0, 0, true},
		{200, "application/json", `{"partialSuccess":{"rejectedLogRecords":"2","errorMessage":"too old"}}`, 2, 0, true},
		{401, "", "who are you", 0, 0, false},
		{404, "", "", 0, 0, false},
		{500, "", "", 0, 0, false},
		{503, "7", "", 0, 7 * time.Second, false},
		{429, "", "", 0, 0, false},
		{302, "", "", 0, 0, false},
	} {
		e := serve(t, func(w http.ResponseWriter, _ []string) {
			if c.status == 200 {
				w.Header().Set("Content-Type", c.header)
			} else if c.header != "" {
				w.Header().Set("Retry-After", c.header)
			}
			w.WriteHeader(c.status)
			io.WriteString(w, c.body)
		})
		n, err := e.Send(t.Context(), numbered(3))
		var refusal *transport.Refusal
		var later *transport.Later
		errors.As(err, &refusal)
		errors.As(err, &later)
		if (n == 3) != c.arrived || (e.Confirmed() == 3) != c.arrived || (refusal != nil) != (c.refused > 0) ||
			refusal != nil && refusal.Count != c.refused || (later != nil) != (c.after > 0) || later != nil && later.After != c.after {
			t.Errorf("%+v: %d, %v", c, n, err)
		}
		if !c.arrived && !strings.Contains(err.Error(), fmt.Sprint(c.status)) {
			t.Errorf("%d is not told: %v", c.status, err)
		}
	}
}

func TestLogRecord(t *testing.T) {
	data := `{"time":"2026-11-22T21:49:01.123456789Z","eventcode":2,"argv":["a","b"],"image":{"size":7},"reconstructed":true}`
	r := logRecord(&spool.Record{Seq: 9, Time: 5, Data: []byte(data + "\n")})
	got := map[string]string{}
	for _, kv := range r.Attributes {
		got[kv.Key] = kv.Value.String()
	}
	if r.TimeUnixNano != 1795384141123456789 || r.ObservedTimeUnixNano != 5 || r.EventName != "image-exec" || r.Body.GetStringValue() != data ||
		r.SeverityText != "INFO" || len(got) != 6 || !strings.HasSuffix(got["log.record.uid"], `-9"`) {
		t.Errorf("%v", r)
	}
	if loss := logRecord(&spool.Record{Data: []byte(`{"eventcode":1,"loss":{"count":1}}`)}); loss.SeverityText != "WARN" {
		t.Errorf("%v", loss)
	}
	if bytes := logRecord(&spool.Record{Data: []byte("\xff\n")}); string(bytes.Body.GetBytesValue()) != "\xff" {
		t.Errorf("%v", bytes)
	}
}
