//go:build linux && !nolive

package sink

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/sasl/scram"

	"xnumon/internal/sink/transport"
)

// logs are the requests that a collector has taken.
type logs struct {
	ResourceLogs []struct {
		ScopeLogs []struct {
			LogRecords []struct {
				Body struct {
					StringValue string `json:"stringValue"`
				} `json:"body"`
			} `json:"logRecords"`
		} `json:"scopeLogs"`
	} `json:"resourceLogs"`
}

func collector(t *testing.T, port string, more ...string) (p *process, stored func() string) {
	t.Helper()
	out := filepath.Join(t.TempDir(), "stored")
	p = newProcess(t, append([]string{tool(t, "collector"), "-endpoint", "127.0.0.1:" + port, "-stored", out}, more...)...)
	return p, func() string {
		var b strings.Builder
		for line := range strings.Lines(readAll(out)) {
			var l logs
			if json.Unmarshal([]byte(line), &l) != nil {
				continue // being written
			}
			for _, r := range l.ResourceLogs {
				for _, s := range r.ScopeLogs {
					for _, rec := range s.LogRecords {
						b.WriteString(rec.Body.StringValue)
						b.WriteByte('\n')
					}
				}
			}
		}
		return b.String()
	}
}

func TestOTLPLive(t *testing.T) {
	port := freePort(t)
	p, stored := collector(t, port)
	outage(t, 3, "otlp://127.0.0.1:"+port, p, stored)
}

func TestOTLPOverTLSLive(t *testing.T) {
	ca, cert, key := certificate(t)
	port := freePort(t)
	p, stored := collector(t, port, "-cert", cert, "-key", key)
	outage(t, 1, "otlp+tls://localhost:"+port+"?ca="+ca, p, stored)
}

// consume collects what is in a topic, in order.
func consume(t *testing.T, options ...kgo.Opt) (stored func() string) {
	t.Helper()
	client, err := kgo.NewClient(append(options, kgo.ConsumePartitions(map[string]map[int32]kgo.Offset{"xnumon": {0: kgo.NewOffset().AtStart()}}))...)
	if err != nil {
		t.Fatal(err)
	}
	var mu sync.Mutex
	var b strings.Builder
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		for ctx.Err() == nil {
			fetches := client.PollFetches(ctx)
			mu.Lock()
			fetches.EachRecord(func(r *kgo.Record) {
				b.Write(r.Value)
				b.WriteByte('\n')
			})
			mu.Unlock()
		}
	}()
	t.Cleanup(func() {
		cancel()
		<-done
		client.Close()
	})
	return func() string {
		mu.Lock()
		defer mu.Unlock()
		return b.String()
	}
}

func TestKafkaLive(t *testing.T) {
	port := freePort(t)
	p := newProcess(t, tool(t, "broker"), "-port", port, "-data", t.TempDir())
	outage(t, 2, "kafka://127.0.0.1:"+port+"/xnumon", p, consume(t, kgo.SeedBrokers("127.0.0.1:"+port)))
}

func TestKafkaOverTLSLive(t *testing.T) {
	ca, cert, key := certificate(t)
	password := filepath.Join(t.TempDir(), "password")
	if err := os.WriteFile(password, []byte("open sesame\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	config, err := (&transport.TLS{CA: ca}).Config("127.0.0.1")
	if err != nil {
		t.Fatal(err)
	}
	port := freePort(t)
	p := newProcess(t, tool(t, "broker"), "-port", port, "-data", t.TempDir(), "-cert", cert, "-key", key, "-user", "u", "-password", "open sesame")
	stored := consume(t, kgo.SeedBrokers("127.0.0.1:"+port), kgo.DialTLSConfig(config), kgo.SASL(scram.Auth{User: "u", Pass: "open sesame"}.AsSha512Mechanism()))
	outage(t, 1, "kafka+tls://127.0.0.1:"+port+"/xnumon?ca="+ca+"&sasl=scram-sha-512&user=u&password-file="+password, p, stored)
}

// TestKafkaRefusesLive: a record that is too long for the broker is told as lost,
// where it is missing, and holds up nothing.
func TestKafkaRefusesLive(t *testing.T) {
	port := freePort(t)
	p := newProcess(t, tool(t, "broker"), "-port", port, "-data", t.TempDir(), "-max-message-bytes", "20000")
	stored := consume(t, kgo.SeedBrokers("127.0.0.1:"+port))
	d, err := Parse("kafka://127.0.0.1:" + port + "/xnumon?max-bytes=100K")
	if err != nil {
		t.Fatal(err)
	}
	out, err := d.Open(Setup{Loss: encodeLoss, Spool: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	p.start()
	const total = 100
	for i := range total {
		if i%10 == 7 {
			out.Write([]byte(fmt.Sprintf("rec %d %x\n", i, noise(50_000)))) // does not compress
		} else {
			out.Write([]byte(numbered(i, recordLength)))
		}
	}
	waitFor(t, func() bool { return strings.Contains(stored(), fmt.Sprintf("rec %d ", total-1)) })
	if err := out.Close(within(t, time.Minute)); err != nil {
		t.Error(err)
	}
	if s := out.Stats(); s.Refused != 10 || s.Records != 90 || s.Spooled != 0 {
		t.Errorf("%+v", s)
	}
	if twice, lost := account(t, stored(), total); twice > total || lost != 10 {
		t.Errorf("%d twice, %d lost", twice, lost)
	}
}

func noise(n int) []byte {
	b := make([]byte, n)
	rand.Read(b)
	return b
}
