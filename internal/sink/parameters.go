package sink

import (
	"errors"
	"fmt"
	"math"
	"net/http"
	"net/textproto"
	"net/url"
	"os"
	"slices"
	"strconv"
	"strings"

	"xnumon/internal/sink/kafka"
	"xnumon/internal/sink/syslog"
	"xnumon/internal/sink/transport"
	"xnumon/internal/spool"
)

// parameters are what stands behind the ? of a destination.
type parameters struct {
	queue     int64  // bytes, 0 for the default
	spool     string // directory, "off", or empty for the default
	spoolSize int64

	rotate int64
	keep   int

	facility int

	tls transport.TLS

	headers string // file
	plain   bool

	sasl         string
	user         string
	passwordFile string
	maxBytes     int64
}

const (
	facilityDefault = 3 // daemon
	keepDefault     = 5
)

func (p *parameters) parse(d *Destination, kind *scheme, query string) error {
	p.facility, p.keep = facilityDefault, keepDefault
	values, err := url.ParseQuery(query)
	if err != nil {
		return fmt.Errorf("has wrong parameters (%w): write NAME=VALUE&NAME=VALUE", err)
	}
	takes := append([]string{"queue"}, kind.takes...)
	if kind.network {
		takes = append(takes, networkParameters...)
	}
	if kind.tls {
		takes = append(takes, tlsParameters...)
	}
	slices.Sort(takes)
	names := make([]string, 0, len(values))
	for name := range values {
		names = append(names, name)
	}
	slices.Sort(names)
	var errs []error
	for _, name := range names {
		v := values[name]
		switch {
		case slices.Contains(tlsParameters, name) && !kind.tls:
			errs = append(errs, fmt.Errorf("has a parameter %s, and %s does not encrypt: write %s", name, d.scheme, encrypting(d)))
		case !slices.Contains(takes, name):
			errs = append(errs, fmt.Errorf("has a parameter %s, which %s has not: write one of %s", name, d.scheme, strings.Join(takes, ", ")))
		case len(v) > 1:
			errs = append(errs, fmt.Errorf("has %s %d times: write it once", name, len(v)))
		case v[0] == "":
			errs = append(errs, fmt.Errorf("has no value for %s: write %s=VALUE, or leave it out", name, name))
		default:
			if err := p.set(d, name, v[0]); err != nil {
				errs = append(errs, err)
			}
		}
	}
	if err := p.check(d); err != nil {
		errs = append(errs, err)
	}
	return all(errs)
}

// all makes one line of several errors.
func all(errs []error) error {
	if len(errs) == 0 {
		return nil
	}
	err := errs[0]
	for _, e := range errs[1:] {
		err = fmt.Errorf("%w; %w", err, e)
	}
	return err
}

// encrypting is the destination that does encrypt.
func encrypting(d *Destination) string {
	_, rest, _ := strings.Cut(d.text, "://")
	switch d.scheme {
	case "syslog+tcp":
		return "syslog+tls://" + rest
	case "otlp", "kafka":
		return d.scheme + "+tls://" + rest
	}
	return "it without"
}

func (p *parameters) set(d *Destination, name, value string) (err error) {
	switch name {
	case "queue":
		p.queue, err = parseSize(name, value, 64<<10, 1<<31-1)
	case "spool":
		if p.spool = value; value != "off" && !strings.HasPrefix(value, "/") {
			err = fmt.Errorf("has spool=%s: write an absolute path, or off", value)
		}
	case "spool-size":
		p.spoolSize, err = parseSize(name, value, 1<<20, 1<<50)
	case "rotate":
		p.rotate, err = parseSize(name, value, 64<<10, 1<<50)
	case "keep":
		if p.keep, err = strconv.Atoi(value); err != nil || p.keep < 1 || p.keep > 1000 {
			err = fmt.Errorf("has keep=%s: write a number of files from 1 to 1000", value)
		}
	case "facility":
		if p.facility = slices.Index(syslog.Facilities[:], value); p.facility < 0 {
			err = fmt.Errorf("has facility=%s: write one of %s", value, strings.Join(syslog.Facilities[:], ", "))
		}
	case "ca":
		p.tls.CA = value
	case "cert":
		p.tls.Cert = value
	case "key":
		p.tls.Key = value
	case "server-name":
		p.tls.Name = value
	case "headers":
		p.headers = value
	case "compression":
		if p.plain = value == "none"; value != "none" && value != "gzip" {
			err = fmt.Errorf("has compression=%s: write gzip or none", value)
		}
	case "sasl":
		if p.sasl = value; !slices.Contains(kafka.Mechanisms, value) {
			err = fmt.Errorf("has sasl=%s: write one of %s", value, strings.Join(kafka.Mechanisms, ", "))
		}
	case "user":
		p.user = value
	case "password-file":
		p.passwordFile = value
	case "max-bytes":
		p.maxBytes, err = parseSize(name, value, 1<<10, 1<<30)
	}
	return err
}

// check finds what does not go together.
func (p *parameters) check(d *Destination) error {
	switch {
	case (p.tls.Cert == "") != (p.tls.Key == ""):
		return errors.New("has a cert without a key, or the other way round: write cert=FILE&key=FILE")
	case p.sasl == "" && (p.user != "" || p.passwordFile != ""):
		return fmt.Errorf("has a user or a password-file and does not say how to log in: write sasl= and one of %s", strings.Join(kafka.Mechanisms, ", "))
	case p.sasl != "" && (p.user == "" || p.passwordFile == ""):
		return errors.New("has sasl and not both a user and a password: write user=NAME&password-file=FILE")
	case p.sasl == "plain" && !d.tls:
		return errors.New("would send its password so that anybody can read it: write kafka+tls, or sasl=scram-sha-512")
	}
	return nil
}

// parseSize reads a number of bytes, with K, M, G or T for powers of 1024.
func parseSize(name, value string, least, most int64) (int64, error) {
	number, factor := strings.TrimSuffix(value, "B"), 1.0
	if n := len(number); n > 0 {
		if i := strings.IndexByte("KMGT", number[n-1]&^0x20); i >= 0 {
			number, factor = number[:n-1], math.Pow(1024, float64(i+1))
		}
	}
	f, err := strconv.ParseFloat(number, 64)
	if err != nil || math.IsNaN(f) {
		return 0, fmt.Errorf("has %s=%s: write a number of bytes, such as 512K, 64M or 2G", name, value)
	}
	if f *= factor; f < float64(least) || f > float64(most) {
		return 0, fmt.Errorf("has %s=%s: write a size from %s to %s", name, value, sizeText(least), sizeText(most))
	}
	return int64(f), nil
}

func sizeText(n int64) string {
	for i, unit := range []string{"T", "G", "M", "K"} {
		if size := int64(1) << (10 * (4 - i)); n >= size-1 {
			return strconv.FormatInt((n+1)/size, 10) + unit
		}
	}
	return strconv.FormatInt(n, 10)
}

// readHeaders reads the file of headers: a line each, as in HTTP.
func (d *Destination) readHeaders() (http.Header, error) {
	name := d.parameters.headers
	if name == "" {
		return nil, nil
	}
	b, err := os.ReadFile(name)
	if err != nil {
		return nil, d.errorf("headers: %w", err)
	}
	out := http.Header{}
	for i, line := range strings.Split(string(b), "\n") {
		if line = strings.TrimSpace(line); line == "" || line[0] == '#' {
			continue
		}
		key, value, ok := strings.Cut(line, ":")
		key = textproto.TrimString(key)
		if !ok || key == "" || strings.ContainsAny(key, " \t") {
			return nil, d.errorf("headers: %s: line %d is not NAME: VALUE", name, i+1)
		}
		out.Add(key, textproto.TrimString(value))
	}
	return out, nil
}

func (p *parameters) spoolLimit() int64 {
	if p.spoolSize > 0 {
		return p.spoolSize
	}
	if p.spool == "off" {
		return spool.DefaultMemory
	}
	return spool.DefaultLimit
}
