// Package kafka sends records to a topic of a Kafka cluster.
package kafka

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/sasl"
	"github.com/twmb/franz-go/pkg/sasl/plain"
	"github.com/twmb/franz-go/pkg/sasl/scram"

	"xnumon/internal/sink/transport"
	"xnumon/internal/spool"
)

const (
	// deliveryMost is how long a record is tried before the reason is told.
	deliveryMost = 15 * time.Second
	// DefaultMessageMost is how long a batch can be for brokers as they come.
	DefaultMessageMost = 1_000_012
)

// The headers of a message. Together they are the same when a record comes twice.
const (
	HeaderStream   = "xnumon-stream"
	HeaderSequence = "xnumon-sequence"
)

// Producer sends records to a topic, one a message. Its key is the host, so that
// the records of a host stay in order, in one partition.
type Producer struct {
	Brokers      []string // host:port
	Topic        string
	TLS          *transport.TLS // nil for none
	SASL         string         // plain, scram-sha-256, scram-sha-512, or empty for none
	User         string
	PasswordFile string
	MessageMost  int // bytes, DefaultMessageMost if zero
	Host         string

	client    *kgo.Client
	confirmed uint64
	careful   uint64                // up to this number records are sent one at a time
	connect   atomic.Pointer[error] // of the last connection
}

var _ transport.Transport = (*Producer)(nil)

// Mechanisms are what SASL can be.
var Mechanisms = []string{"plain", "scram-sha-256", "scram-sha-512"}

// open makes the client. It connects when it has something to send.
func (p *Producer) open() error {
	most := p.MessageMost
	if most == 0 {
		most = DefaultMessageMost
	}
	options := []kgo.Opt{
		kgo.SeedBrokers(p.Brokers...),
		kgo.DefaultProduceTopic(p.Topic),
		kgo.ClientID("xnumon"),
		kgo.Dialer(func(ctx context.Context, _, address string) (net.Conn, error) {
			conn, err := transport.Dial(ctx, address, p.TLS)
			p.connect.Store(&err)
			return conn, err
		}),
		kgo.RequiredAcks(kgo.AllISRAcks()),
		kgo.ProducerBatchMaxBytes(int32(most)),
		kgo.ProducerLinger(0),
		// What is given up is sent again, twice rather than never.
		kgo.AllowIdempotentProduceCancellation(),
		kgo.DisableClientMetrics(),
	}
	if p.SASL != "" {
		options = append(options, kgo.SASL(p.mechanism()))
	}
	client, err := kgo.NewClient(options...)
	if err != nil {
		return fmt.Errorf("kafka: %w", err)
	}
	p.client = client
	return nil
}

// mechanism reads the password each time it is needed, so that it can be changed.
func (p *Producer) mechanism() sasl.Mechanism {
	switch p.SASL {
	case "scram-sha-256":
		return scram.Sha256(func(context.Context) (scram.Auth, error) {
			password, err := p.password()
			return scram.Auth{User: p.User, Pass: password}, err
		})
	case "scram-sha-512":
		return scram.Sha512(func(context.Context) (scram.Auth, error) {
			password, err := p.password()
			return scram.Auth{User: p.User, Pass: password}, err
		})
	}
	return plain.Plain(func(context.Context) (plain.Auth, error) {
		password, err := p.password()
		return plain.Auth{User: p.User, Pass: password}, err
	})
}

func (p *Producer) password() (string, error) {
	b, err := os.ReadFile(p.PasswordFile)
	if err != nil {
		return "", fmt.Errorf("read password: %w", err)
	}
	return strings.TrimRight(string(b), "\r\n"), nil
}

// Send implements transport.Transport.
func (p *Producer) Send(ctx context.Context, recs []spool.Record) (int, error) {
	if p.client == nil {
		if err := p.open(); err != nil {
			return 0, err
		}
	}
	if recs[0].Seq <= p.careful {
		recs = recs[:1]
	}
	n, err := p.produce(ctx, recs)
	if tooLarge(err) {
		// One of those that went together, or all of them together. Others have got
		// there already: to try all of these again and again would bring them twice
		// each time.
		if len(recs) > 1 {
			p.careful = recs[len(recs)-1].Seq
			n, err = p.produce(ctx, recs[:1])
		}
		if tooLarge(err) {
			n, err = 1, &transport.Refusal{Count: 1, Err: fmt.Errorf("a message of %d bytes: %w", len(recs[0].Data), err)}
		}
	}
	if n > 0 {
		p.confirmed = max(p.confirmed, recs[n-1].Seq)
	}
	return n, err
}

func tooLarge(err error) bool {
	return errors.Is(err, kerr.MessageTooLarge) || errors.Is(err, kerr.RecordListTooLarge) || errors.Is(err, kerr.InvalidRecord)
}

// produce sends records and waits for the answers. It returns how many were
// taken before the first that was not.
func (p *Producer) produce(ctx context.Context, recs []spool.Record) (int, error) {
	messages := make([]*kgo.Record, len(recs))
	done := make([]error, len(recs))
	for i := range recs {
		messages[i] = p.message(&recs[i])
	}
	index := make(map[*kgo.Record]int, len(messages))
	for i, m := range messages {
		index[m] = i
	}
	// The client's own limit for deliveries counts from a message's time, which
	// lies far back when it comes out of a spool.
	limited, cancel := context.WithTimeout(ctx, deliveryMost)
	defer cancel()
	for _, result := range p.client.ProduceSync(limited, messages...) {
		done[index[result.Record]] = result.Err
	}
	for i, err := range done {
		if err == nil {
			continue
		}
		if ctx.Err() != nil {
			return i, context.Cause(ctx)
		}
		if limited.Err() != nil {
			err = fmt.Errorf("no answer within %v", deliveryMost)
		}
		if cause := p.connect.Load(); cause != nil && *cause != nil {
			err = fmt.Errorf("%w: %w", err, *cause)
		}
		return i, fmt.Errorf("kafka topic %s: %w", p.Topic, err)
	}
	return len(recs), nil
}

func (p *Producer) message(r *spool.Record) *kgo.Record {
	data := transport.Trim(r.Data)
	at := r.Time
	if head := transport.ReadHead(data); head.Time != 0 {
		at = head.Time
	}
	return &kgo.Record{
		Key:       []byte(p.Host),
		Value:     bytes.Clone(data), // given up, a message can live on in the client
		Timestamp: time.Unix(0, int64(at)),
		Headers: []kgo.RecordHeader{
			{Key: HeaderStream, Value: []byte(r.Stream.String())},
			{Key: HeaderSequence, Value: strconv.AppendUint(nil, r.Seq, 10)},
		},
	}
}

// Confirmed implements transport.Transport: what the brokers answered has arrived.
func (p *Producer) Confirmed() uint64 { return p.confirmed }

// Check implements transport.Transport.
func (p *Producer) Check(context.Context) error { return nil }

// Finish implements transport.Transport.
func (p *Producer) Finish(context.Context) error { return nil }

// Close implements transport.Transport.
func (p *Producer) Close() error {
	if p.client != nil {
		p.client.Close()
		p.client = nil
	}
	return nil
}
