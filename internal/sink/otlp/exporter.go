package otlp

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"

	collector "go.opentelemetry.io/proto/slim/otlp/collector/logs/v1"
	"google.golang.org/protobuf/proto"

	"xnumon/internal/sink/transport"
	"xnumon/internal/spool"
)

const (
	requestTimeout = 30 * time.Second
	answerMost     = 1 << 20
	// DefaultPort and DefaultPath are where a collector takes OTLP over HTTP.
	DefaultPort = "4318"
	DefaultPath = "/v1/logs"
)

// Exporter sends records to a collector, or whatever else speaks OTLP over HTTP.
type Exporter struct {
	URL     string
	TLS     *transport.TLS // for https
	Headers http.Header    // further headers, to authenticate with
	Plain   bool           // do not compress
	Host    string         // host.name of the resource
	Version string         // of the scope

	client    *http.Client
	confirmed uint64
	body      bytes.Buffer
}

var _ transport.Transport = (*Exporter)(nil)

// Send implements transport.Transport. All of recs are in one request, unless
// that is refused: then it is found out which of them it was.
func (e *Exporter) Send(ctx context.Context, recs []spool.Record) (int, error) {
	err := e.export(ctx, recs)
	var bad *badRequest
	switch {
	case errors.As(err, &bad) && len(recs) > 1:
		return e.Send(ctx, recs[:len(recs)/2])
	case errors.As(err, &bad):
		err = &transport.Refusal{Count: 1, Err: err}
	case err != nil:
		var refusal *transport.Refusal
		if !errors.As(err, &refusal) {
			return 0, err
		}
	}
	e.confirmed = max(e.confirmed, recs[len(recs)-1].Seq)
	return len(recs), err
}

// badRequest is an answer that says that there is something wrong with the data.
type badRequest struct{ error }

func (e *Exporter) export(ctx context.Context, recs []spool.Record) error {
	if err := e.encode(recs); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, e.URL, bytes.NewReader(e.body.Bytes()))
	if err != nil {
		return err
	}
	for k, v := range e.Headers {
		req.Header[k] = v
	}
	req.Header.Set("Content-Type", "application/x-protobuf")
	req.Header.Set("User-Agent", "xnumon/"+e.Version)
	if !e.Plain {
		req.Header.Set("Content-Encoding", "gzip")
	}
	if err := e.connect(); err != nil {
		return err
	}
	resp, err := e.client.Do(req)
	if err != nil {
		e.disconnect()
		return err // it names the URL
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(resp.Body, answerMost))
	if err != nil {
		return fmt.Errorf("read answer of %s: %w", e.URL, err)
	}
	return e.judge(resp, answer)
}

func (e *Exporter) encode(recs []spool.Record) error {
	b, err := proto.Marshal(e.request(recs))
	if err != nil {
		return fmt.Errorf("encode logs: %w", err)
	}
	e.body.Reset()
	if e.Plain {
		e.body.Write(b)
		return nil
	}
	z, err := gzip.NewWriterLevel(&e.body, gzip.BestSpeed)
	if err != nil {
		return err
	}
	if _, err := z.Write(b); err != nil {
		return err
	}
	return z.Close()
}

// judge says what an answer means (OTLP specification, OTLP/HTTP response). An
// error that a person can mend is no reason to give up records: it is tried
// again for as long as it takes.
func (e *Exporter) judge(resp *http.Response, answer []byte) error {
	if resp.StatusCode/100 == 2 {
		return partial(resp.Header.Get("Content-Type"), answer)
	}
	err := fmt.Errorf("%s answers %s%s", e.URL, resp.Status, excerpt(answer))
	switch resp.StatusCode {
	case http.StatusBadRequest, http.StatusRequestEntityTooLarge, http.StatusUnprocessableEntity:
		return &badRequest{err}
	case http.StatusTooManyRequests, http.StatusServiceUnavailable:
		if s, bad := strconv.Atoi(resp.Header.Get("Retry-After")); bad == nil && s > 0 {
			return &transport.Later{After: time.Duration(s) * time.Second, Err: err}
		}
	}
	return err
}

// partial reads a good answer, which can say that some records were not taken.
func partial(contentType string, answer []byte) error {
	var rejected int64
	var message string
	if kind, _, _ := mime.ParseMediaType(contentType); kind == "application/json" {
		var r struct {
			PartialSuccess struct {
				RejectedLogRecords json.RawMessage // a number, or one in a string
				ErrorMessage       string
			}
		}
		if json.Unmarshal(answer, &r) != nil {
			return nil // the status says that it was taken
		}
		rejected, _ = strconv.ParseInt(strings.Trim(string(r.PartialSuccess.RejectedLogRecords), `"`), 10, 64)
		message = r.PartialSuccess.ErrorMessage
	} else {
		var r collector.ExportLogsServiceResponse
		if proto.Unmarshal(answer, &r) != nil {
			return nil
		}
		rejected, message = r.GetPartialSuccess().GetRejectedLogRecords(), r.GetPartialSuccess().GetErrorMessage()
	}
	if rejected <= 0 {
		return nil
	}
	return &transport.Refusal{Count: int(min(rejected, 1<<30)), Err: fmt.Errorf("rejected: %.200q", message)}
}

// excerpt is the beginning of an answer, if it can be read by a person.
func excerpt(b []byte) string {
	s := strings.Join(strings.Fields(strings.ToValidUTF8(string(b), "")), " ")
	if s == "" {
		return ""
	}
	return fmt.Sprintf(": %.200q", s)
}

func (e *Exporter) connect() error {
	if e.client != nil {
		return nil
	}
	t := &http.Transport{
		Proxy:           http.ProxyFromEnvironment,
		MaxConnsPerHost: 1,
		IdleConnTimeout: 90 * time.Second,
		DialContext: func(ctx context.Context, _, address string) (net.Conn, error) {
			return transport.Dial(ctx, address, nil)
		},
	}
	if e.TLS != nil {
		var err error
		if t.TLSClientConfig, err = e.TLS.Config(""); err != nil {
			return err
		}
	}
	e.client = &http.Client{
		Transport: t,
		// What is sent is for the one who was named.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	return nil
}

// Confirmed implements transport.Transport: what was answered has arrived.
func (e *Exporter) Confirmed() uint64 { return e.confirmed }

// Check implements transport.Transport.
func (e *Exporter) Check(context.Context) error { return nil }

// Finish implements transport.Transport.
func (e *Exporter) Finish(context.Context) error { return nil }

// Close implements transport.Transport.
func (e *Exporter) Close() error {
	e.disconnect()
	return nil
}

func (e *Exporter) disconnect() {
	if e.client != nil {
		e.client.CloseIdleConnections()
	}
	e.client = nil
}
