package sink

import (
	"crypto/sha256"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"xnumon/event"
	"xnumon/internal/sink/journald"
	"xnumon/internal/sink/kafka"
	"xnumon/internal/sink/otlp"
	"xnumon/internal/sink/syslog"
	"xnumon/internal/sink/transport"
	"xnumon/internal/spool"
)

// DefaultSpool is the directory under which each destination that needs one has
// its spool.
const DefaultSpool = "/var/lib/xnumon/spool"

// Setup is what opening destinations takes besides their names.
type Setup struct {
	// Stdout is where - leads; nil means os.Stdout. The sink has its own descriptor.
	Stdout *os.File
	// Loss encodes loss records, in the format of the others. One call is made at
	// a time, from any goroutine, so it must not share an encoder with the
	// producer. Nil leaves loss records out.
	Loss EncodeLoss
	// Now is the clock of loss records; nil means time.Now.
	Now func() event.Time
	// Spool is the directory of the spools, DefaultSpool if empty.
	Spool string
	// Version is what the destinations are told of the program's version.
	Version string
	// Warn is told, in a line, what goes on all the same. May be nil.
	Warn func(string)

	retryMost time.Duration // for tests that wait for a peer
}

// serial makes Loss fit to be called by several goroutines.
func (s Setup) serial() Setup {
	if s.Loss == nil {
		return s
	}
	var mu sync.Mutex
	loss := s.Loss
	s.Loss = func(dst []byte, l *event.Loss) []byte {
		mu.Lock()
		defer mu.Unlock()
		return loss(dst, l)
	}
	return s
}

// Open opens the destination. For those in the network that is to open the
// spool: whether the peer is there shows later, in Stats.
func (d *Destination) Open(s Setup) (Sink, error) {
	s = s.serial()
	o := Options{Limit: int(d.parameters.queue), Loss: s.Loss, Now: s.Now, retryMost: s.retryMost}
	switch d.scheme {
	case "-":
		out := s.Stdout
		if out == nil {
			out = os.Stdout
		}
		to, err := NewDescriptor(out.Name(), int(out.Fd()))
		if err != nil {
			return nil, err
		}
		return NewQueue(to, o), nil
	case "file":
		to, err := openFile(d.path, fileOptions{rotate: d.parameters.rotate, keep: d.parameters.keep, warn: s.Warn})
		if err != nil {
			return nil, err
		}
		return NewQueue(to, o), nil
	}
	t, err := d.transport(s)
	if err != nil {
		return nil, err
	}
	dir := d.SpoolDir(s.Spool)
	sp, err := spool.Open(dir, spool.Options{Limit: d.parameters.spoolLimit(), Loss: s.Loss, Now: s.Now})
	if err != nil {
		return nil, d.errorf("%w (?spool=DIR names another directory, ?spool=off does without)", err)
	}
	return newRelay(sp, t, dir != "", o), nil
}

// Adopt prepares to make to, which was opened for a destination that SamePlace
// calls the same, follow this one in all parameters. What can go wrong does so
// now; use makes it so, without missing a record, and drop leaves it as it was.
func (d *Destination) Adopt(to Sink, s Setup) (use, drop func(), err error) {
	r, ok := to.(*relay)
	if !ok {
		return nil, nil, d.errorf("only what has a spool can be changed")
	}
	t, err := d.transport(s)
	if err != nil {
		return nil, nil, err
	}
	return func() {
			r.setLimit(int(d.parameters.queue))
			r.spool.SetLimit(d.parameters.spoolLimit())
			r.use(t)
		}, func() {
			_ = t.Close() // nothing was sent
		}, nil
}

// SamePlace says whether two destinations cannot be open at a time, because the
// spool is the same or because they would go to the same place from none.
func (d *Destination) SamePlace(e *Destination) bool {
	return d.kind().network && d.Identity() == e.Identity() && d.SpoolDir("") == e.SpoolDir("")
}

// transport makes what brings records there, and reads its files once, so that
// what is wrong with them is said now.
func (d *Destination) transport(s Setup) (transport.Transport, error) {
	var tls *transport.TLS
	if d.tls {
		tls = &d.parameters.tls
		if _, err := tls.Config("check"); err != nil {
			return nil, d.errorf("%w", err)
		}
	}
	header := syslog.NewHeader(d.parameters.facility)
	switch d.scheme {
	case "syslog":
		return syslog.NewLocal(d.path, header)
	case "syslog+tcp", "syslog+tls":
		return &syslog.Stream{Header: header, Stream: transport.Stream{Address: d.address, TLS: tls}}, nil
	case "journald":
		return journald.New(d.path)
	case "otlp", "otlp+tls":
		headers, err := d.readHeaders()
		if err != nil {
			return nil, err
		}
		protocol := "http://"
		if tls != nil {
			protocol = "https://"
		}
		return &otlp.Exporter{
			URL: protocol + d.address + d.path, TLS: tls, Headers: headers,
			Plain: d.parameters.plain, Host: header.Host, Version: s.Version,
		}, nil
	case "kafka", "kafka+tls":
		p := &d.parameters
		if p.passwordFile != "" {
			if _, err := os.ReadFile(p.passwordFile); err != nil {
				return nil, d.errorf("password-file: %w", err)
			}
		}
		return &kafka.Producer{
			Brokers: d.brokers, Topic: d.topic, TLS: tls, SASL: p.sasl, User: p.user,
			PasswordFile: p.passwordFile, MessageMost: int(p.maxBytes), Host: header.Host,
		}, nil
	}
	return nil, d.errorf("nothing opens %s", d.scheme)
}

// SpoolDir returns the directory of the destination's spool under base, empty if
// it has none. The same destination always has the same.
func (d *Destination) SpoolDir(base string) string {
	switch {
	case !d.kind().network || d.parameters.spool == "off":
		return ""
	case d.parameters.spool != "":
		return d.parameters.spool
	case base == "":
		base = DefaultSpool
	}
	// For people, as much of it as makes a file name; the rest for the machine.
	name := strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '.' {
			return r
		}
		return '-'
	}, strings.Trim(d.Identity(), " "))
	sum := sha256.Sum256([]byte(d.Identity()))
	return filepath.Join(base, fmt.Sprintf("%.60s-%x", name, sum[:4]))
}

// Leftovers returns the directories under base that hold records for none of
// these destinations: records that nobody will send.
func Leftovers(base string, destinations []*Destination) ([]string, error) {
	if base == "" {
		base = DefaultSpool
	}
	var used []string
	for _, d := range destinations {
		used = append(used, d.SpoolDir(base))
	}
	segments, err := filepath.Glob(filepath.Join(base, "*", "*"+spool.Suffix))
	if err != nil {
		return nil, err
	}
	var out []string
	for _, path := range segments {
		if dir := filepath.Dir(path); !slices.Contains(used, dir) && !slices.Contains(out, dir) {
			out = append(out, dir)
		}
	}
	return out, nil
}
