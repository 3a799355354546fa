package sink

import (
	"cmp"
	"errors"
	"fmt"
	"net"
	"net/url"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"xnumon/internal/sink/journald"
	"xnumon/internal/sink/otlp"
	"xnumon/internal/sink/syslog"
)

// Destination says where records go: what a flag or the configuration says,
// understood. Parse makes one.
type Destination struct {
	text    string
	example string // of its kind
	scheme  string // "-" for standard output, or one of schemes
	path    string // of a file, a socket, or a URL
	address string // host:port
	brokers []string
	topic   string
	tls     bool

	parameters parameters
}

// scheme is a kind of destination.
type scheme struct {
	name    string
	example string
	parse   func(*Destination, *url.URL) error
	network bool     // has a spool
	tls     bool     // encrypts
	takes   []string // parameters besides those of all, and of its group
}

var (
	networkParameters = []string{"spool", "spool-size"}
	tlsParameters     = []string{"ca", "cert", "key", "server-name"}
)

var schemes = []scheme{
	{name: "file", example: "file:///var/log/xnumon.log", parse: (*Destination).parseFile, takes: []string{"rotate", "keep"}},
	{name: "syslog", example: "syslog://", parse: parseSocket(syslog.DefaultPath), network: true, takes: []string{"facility"}},
	{name: "syslog+tcp", example: "syslog+tcp://HOST:514", parse: parseHost(""), network: true, takes: []string{"facility"}},
	{name: "syslog+tls", example: "syslog+tls://HOST", parse: parseHost("6514"), network: true, tls: true, takes: []string{"facility"}},
	{name: "journald", example: "journald://", parse: parseSocket(journald.DefaultPath), network: true},
	{name: "otlp", example: "otlp://HOST", parse: parseHost(otlp.DefaultPort), network: true, takes: []string{"headers", "compression"}},
	{name: "otlp+tls", example: "otlp+tls://HOST", parse: parseHost(otlp.DefaultPort), network: true, tls: true, takes: []string{"headers", "compression"}},
	{name: "kafka", example: "kafka://BROKER,BROKER/TOPIC", parse: (*Destination).parseKafka, network: true, takes: kafkaParameters},
	{name: "kafka+tls", example: "kafka+tls://BROKER,BROKER/TOPIC", parse: (*Destination).parseKafka, network: true, tls: true, takes: kafkaParameters},
}

var kafkaParameters = []string{"sasl", "user", "password-file", "max-bytes"}

// Schemes lists an example of every kind of destination.
func Schemes() []string {
	out := []string{"-", "FILE"}
	for _, s := range schemes {
		out = append(out, s.example)
	}
	return out
}

func (d *Destination) kind() *scheme {
	i := slices.IndexFunc(schemes, func(s scheme) bool { return s.name == d.scheme })
	if i < 0 {
		return &scheme{name: d.scheme}
	}
	return &schemes[i]
}

// Parse understands a destination: - for standard output, the path of a file,
// or a URL as Schemes lists them. Nothing is opened or looked up. Its errors name
// the value and say what to write instead.
func Parse(text string) (*Destination, error) {
	d := &Destination{text: text}
	if err := d.parse(text); err != nil {
		return nil, fmt.Errorf("destination %q %w", Redact(text), err)
	}
	return d, nil
}

// Redact is a destination without the name and password that it should not have.
func Redact(text string) string {
	name, rest, ok := strings.Cut(text, "://")
	if i := strings.LastIndexByte(rest, '@'); ok && i >= 0 {
		return name + "://..." + rest[i:]
	}
	return text
}

func (d *Destination) parse(text string) error {
	name, rest, isURL := strings.Cut(text, "://")
	switch {
	case text == "":
		return fmt.Errorf("is empty: write - for standard output, a path, or a URL such as %s", schemes[1].example)
	case text == "-":
		d.scheme = "-"
		return nil
	case !isURL || strings.Contains(name, "/"):
		d.scheme, d.path = "file", text
		return nil
	}
	d.scheme = strings.ToLower(name)
	kind := d.kind()
	if kind.parse == nil {
		return fmt.Errorf("is of an unknown kind, %s: write one of %s (a file of that name is ./%s)", name, strings.Join(Schemes(), ", "), Redact(text))
	}
	d.tls, d.example = kind.tls, kind.example
	rest, query, _ := strings.Cut(rest, "?")
	// url.Parse has its own mind about commas between hosts.
	authority, path, hasPath := strings.Cut(rest, "/")
	if hasPath {
		path = "/" + path
	}
	if strings.Contains(authority, "@") {
		return fmt.Errorf("has a name or password before an @, and everybody on the machine can read a command line: put it into a file (%s)", d.secrets())
	}
	if strings.Contains(rest, "#") {
		return errors.New("has a # in it, which means nothing here: write %23")
	}
	unescaped, err := url.PathUnescape(path)
	if err != nil {
		return fmt.Errorf("has a wrong escape (%w): write %% as %%25", err)
	}
	if err := kind.parse(d, &url.URL{Host: authority, Path: unescaped, RawPath: path}); err != nil {
		return err
	}
	return d.parameters.parse(d, kind, query)
}

func (d *Destination) secrets() string {
	switch {
	case strings.HasPrefix(d.scheme, "kafka"):
		return "?sasl=scram-sha-512&user=NAME&password-file=FILE"
	case strings.HasPrefix(d.scheme, "otlp"):
		return "?headers=FILE"
	}
	return "?cert=FILE&key=FILE for syslog+tls, none for the others"
}

func (d *Destination) parseFile(u *url.URL) error {
	if u.Host != "" {
		return fmt.Errorf("names a host, which a file has not: write file:///%s%s", u.Host, u.Path)
	}
	if u.Path == "" || strings.HasSuffix(u.Path, "/") {
		return errors.New("names no file: write file:///var/log/xnumon.log")
	}
	d.path = u.Path
	return nil
}

func parseSocket(standard string) func(*Destination, *url.URL) error {
	return func(d *Destination, u *url.URL) error {
		if u.Host != "" {
			also := ""
			if d.scheme == "syslog" {
				also = fmt.Sprintf(", or syslog+tcp://%s for a server", withPort(u.Host, "514"))
			}
			return fmt.Errorf("names a host, and %s is on this machine: write %s://, or %s:///PATH for another socket%s", d.scheme, d.scheme, d.scheme, also)
		}
		d.path = u.Path
		if d.path == "" || d.path == "/" {
			d.path = standard
		}
		return nil
	}
}

func parseHost(port string) func(*Destination, *url.URL) error {
	return func(d *Destination, u *url.URL) (err error) {
		if strings.HasPrefix(d.scheme, "otlp") {
			d.path = u.RawPath
			if d.path == "" || d.path == "/" {
				d.path = otlp.DefaultPath
			}
		} else if u.Path != "" && u.Path != "/" {
			return fmt.Errorf("has a path, which %s has not: write %s://%s", d.scheme, d.scheme, u.Host)
		}
		d.address, err = d.hostPort(u.Host, port)
		return err
	}
}

// hostPort completes a host with a port, if there is one to complete it with.
func (d *Destination) hostPort(s, port string) (string, error) {
	host, given, err := net.SplitHostPort(s)
	if err != nil {
		host, given = strings.TrimSuffix(strings.TrimPrefix(s, "["), "]"), ""
		if strings.Contains(host, ":") && !strings.HasPrefix(s, "[") {
			return "", fmt.Errorf("has %s for a host and a port: write an IPv6 address in brackets, [%s]:%s", s, s, cmp.Or(port, "514"))
		}
	}
	switch {
	case host == "":
		return "", fmt.Errorf("names no host: write %s", d.example)
	case given == "" && port == "":
		return "", fmt.Errorf("names no port: write %s://%s", d.scheme, withPort(s, "514"))
	case given == "":
		given = port
	}
	if n, err := strconv.ParseUint(given, 10, 16); err != nil || n == 0 {
		return "", fmt.Errorf("has %s for a port: write a number from 1 to 65535", given)
	}
	if strings.ContainsAny(host, " \t\n\"'<>\\") {
		return "", fmt.Errorf("has %q for a host: write a name or an address", host)
	}
	return net.JoinHostPort(host, given), nil
}

func withPort(host, port string) string {
	if _, given, err := net.SplitHostPort(host); err == nil && given != "" {
		return host
	}
	return strings.TrimSuffix(host, ":") + ":" + port
}

func (d *Destination) parseKafka(u *url.URL) error {
	for b := range strings.SplitSeq(u.Host, ",") {
		address, err := d.hostPort(b, "9092")
		if err != nil {
			return err
		}
		d.brokers = append(d.brokers, address)
	}
	d.topic = strings.TrimPrefix(u.Path, "/")
	// What Kafka allows (org.apache.kafka.common.internals.Topic).
	bad := strings.IndexFunc(d.topic, func(r rune) bool {
		return !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '.' || r == '_' || r == '-')
	}) >= 0
	switch {
	case d.topic == "":
		return fmt.Errorf("names no topic: write %s://%s/TOPIC", d.scheme, u.Host)
	case d.topic == ".", d.topic == "..", len(d.topic) > 249, bad:
		return fmt.Errorf("has %q for a topic: write up to 249 letters, digits, dots, - and _", d.topic)
	}
	return nil
}

// String is the destination as it was written. It holds no secrets.
func (d *Destination) String() string { return d.text }

// errorf makes an error that begins with what was written.
func (d *Destination) errorf(format string, args ...any) error {
	return fmt.Errorf("destination %q: %w", d.text, fmt.Errorf(format, args...))
}

// File returns the path of a destination that is a file.
func (d *Destination) File() (path string, ok bool) { return d.path, d.scheme == "file" }

// IsStdout says that this is standard output.
func (d *Destination) IsStdout() bool { return d.scheme == "-" }

// Identity is the same for two destinations to which the same records go.
func (d *Destination) Identity() string {
	path := d.path
	if d.scheme == "file" {
		if abs, err := filepath.Abs(path); err == nil {
			path = abs
		}
	}
	brokers := slices.Clone(d.brokers)
	slices.Sort(brokers)
	return strings.Join([]string{d.scheme, d.address, path, strings.Join(brokers, ","), d.topic}, " ")
}
