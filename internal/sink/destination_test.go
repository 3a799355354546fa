package sink

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestParse(t *testing.T) {
	for text, want := range map[string]string{
		"-":                             "-",
		"log":                           "file log",
		"/var/log/a?b#c":                "file /var/log/a?b#c",
		"./kafka://x":                   "file ./kafka://x",
		"file:///var/log/x%20y":         "file /var/log/x y",
		"syslog://":                     "syslog /dev/log",
		"syslog:///run/log":             "syslog /run/log",
		"SYSLOG+TCP://host:514":         "syslog+tcp host:514",
		"syslog+tcp://10.0.0.1:514/":    "syslog+tcp 10.0.0.1:514",
		"syslog+tls://host":             "syslog+tls host:6514 tls",
		"syslog+tls://[::1]":            "syslog+tls [::1]:6514 tls",
		"syslog+tls://[::1]:99":         "syslog+tls [::1]:99 tls",
		"journald://":                   "journald /run/systemd/journal/socket",
		"otlp://host":                   "otlp host:4318 /v1/logs",
		"otlp://host:80/otlp%2Fx/logs":  "otlp host:80 /otlp%2Fx/logs",
		"otlp+tls://host:443":           "otlp+tls host:443 /v1/logs tls",
		"kafka://a/t":                   "kafka [a:9092] t",
		"kafka+tls://a,b:1,[::1]:2/t.x": "kafka+tls [a:9092 b:1 [::1]:2] t.x tls",
	} {
		d, err := Parse(text)
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		var got []string
		for _, s := range []string{d.scheme, d.address, d.path, d.topic} {
			if s != "" {
				got = append(got, s)
			}
		}
		if d.brokers != nil {
			got = []string{d.scheme, "[" + strings.Join(d.brokers, " ") + "]", d.topic}
		}
		if d.tls {
			got = append(got, "tls")
		}
		if s := strings.Join(got, " "); s != want || d.String() != text {
			t.Errorf("%s: %s (%s)", text, s, d)
		}
	}
}

func TestParseParameters(t *testing.T) {
	d, err := Parse("syslog+tls://h?ca=/a&cert=/b&key=/c&server-name=x&facility=local3&queue=1M&spool=/s&spool-size=2G")
	if err != nil {
		t.Fatal(err)
	}
	if p := d.parameters; p.tls.CA != "/a" || p.tls.Cert != "/b" || p.tls.Key != "/c" || p.tls.Name != "x" ||
		p.facility != 19 || p.queue != 1<<20 || p.spool != "/s" || p.spoolSize != 2<<30 {
		t.Errorf("%+v", p)
	}
	d, err = Parse("file:///x?rotate=1.5M&keep=3")
	if err != nil || d.parameters.rotate != 3<<19 || d.parameters.keep != 3 {
		t.Errorf("%v", err)
	}
	d, err = Parse("kafka+tls://h/t?sasl=plain&user=u&password-file=/p&max-bytes=8388608")
	if err != nil || d.parameters.sasl != "plain" || d.parameters.maxBytes != 8<<20 {
		t.Errorf("%v", err)
	}
}

// TestParseErrors: each names the value and what to write instead.
func TestParseErrors(t *testing.T) {
	for text, want := range map[string][]string{
		"":                               {"empty", "write -"},
		"kafak://a/t":                    {`"kafak://a/t"`, "unknown kind, kafak", "kafka://BROKER", "./kafak://a/t"},
		"syslog+tcp://":                  {"names no host", "syslog+tcp://HOST:514"},
		"syslog+tcp://host":              {"no port", "syslog+tcp://host:514"},
		"syslog+tcp://host:":             {"no port", "syslog+tcp://host:514"},
		"syslog+tcp://:514":              {"no host"},
		"syslog+tcp://host:x":            {"has x for a port", "65535"},
		"syslog+tcp://host:0":            {"has 0 for a port"},
		"syslog+tcp://host:65536":        {"has 65536 for a port"},
		"syslog+tcp://host:514/x":        {"has a path", "syslog+tcp://host:514"},
		"syslog+tls://fe80::1":           {"brackets", "[fe80::1]:6514"},
		"syslog://host":                  {"this machine", "syslog:///PATH", "syslog+tcp://host:514"},
		"journald://host":                {"this machine", "journald://"},
		"file://var/log/x":               {"names a host", "file:///var/log/x"},
		"file://":                        {"no file"},
		"file:///var/log/":               {"no file"},
		"kafka://a":                      {"no topic", "kafka://a/TOPIC"},
		"kafka://a/b/c":                  {`has "b/c" for a topic`},
		"kafka://,b/t":                   {"no host"},
		"kafka://u:secret@a/t":           {"command line", "password-file"},
		"kafak://u:secret@a":             {"unknown kind"},
		"otlp://u:secret@a":              {"command line", "headers=FILE"},
		"otlp://a#b":                     {"#", "%23"},
		"otlp://a/%zz":                   {"%25"},
		"otlp://a?ca=/x":                 {"does not encrypt", "otlp+tls://a?ca=/x"},
		"syslog://?ca=/x":                {"does not encrypt"},
		"otlp://a?rotate=1M":             {"parameter rotate, which otlp has not", "compression, headers, queue, spool, spool-size"},
		"otlp://a?compression=zip":       {"compression=zip", "gzip or none"},
		"otlp://a?queue=1&queue=2":       {"2 times"},
		"otlp://a?queue=":                {"no value"},
		"otlp://a?queue=lots":            {"queue=lots", "512K"},
		"otlp://a?queue=1K":              {"queue=1K", "from 64K to 2G"},
		"otlp://a?spool=x":               {"absolute path, or off"},
		"otlp://a?%zz":                   {"NAME=VALUE"},
		"file:///x?keep=0":               {"keep=0", "1 to 1000"},
		"syslog://?facility=nobody":      {"facility=nobody", "daemon, auth"},
		"syslog://?facility=":            {"no value"},
		"syslog+tls://a?cert=/c":         {"a cert without a key"},
		"kafka://a/t?sasl=gssapi":        {"sasl=gssapi", "scram-sha-512"},
		"kafka://a/t?sasl=scram-sha-256": {"user=NAME&password-file=FILE"},
		"kafka://a/t?user=u":             {"sasl= and one of plain"},
		"kafka://a/t?sasl=plain&user=u&password-file=/p": {"anybody can read", "kafka+tls"},
		"otlp://a?x=1&compression=zip":                   {"has a parameter x", "compression=zip"}, // both
	} {
		_, err := Parse(text)
		if err == nil {
			t.Errorf("%s is good?", text)
			continue
		}
		for _, w := range want {
			if !strings.Contains(err.Error(), w) {
				t.Errorf("%s: %v: no %q", text, err, w)
			}
		}
		if !strings.Contains(err.Error(), Redact(text)) || strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: %v does not name it, or all of it", text, err)
		}
	}
}

// TestExamples: what errors say to write can be written.
func TestExamples(t *testing.T) {
	for _, s := range Schemes() {
		if _, err := Parse(s); err != nil {
			t.Error(err)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, s := range Schemes() {
		f.Add(s)
	}
	f.Add("kafka+tls://a,[::1]:2/t?sasl=plain&user=u&password-file=/p&max-bytes=1e3K")
	f.Fuzz(func(t *testing.T, text string) {
		d, err := Parse(text)
		if err != nil {
			return
		}
		if dir := d.SpoolDir("/base"); dir != "" && d.parameters.spool == "" && filepath.Dir(dir) != "/base" {
			t.Errorf("spool of %q is %q", text, dir)
		}
	})
}

func TestSpoolDir(t *testing.T) {
	dir := func(text string) string {
		d, err := Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		return d.SpoolDir("/base")
	}
	a := dir("kafka://a,b/topic")
	if !strings.HasPrefix(a, "/base/kafka") || a != dir("kafka://b:9092,a/topic?queue=1M") || a == dir("kafka://a/topic") {
		t.Error(a)
	}
	for text, want := range map[string]string{"-": "", "/x": "", "otlp://a?spool=off": "", "otlp://a?spool=/s": "/s"} {
		if got := dir(text); got != want {
			t.Errorf("%s: %q", text, got)
		}
	}
}

func TestOpenErrors(t *testing.T) {
	dir := t.TempDir()
	rubbish := filepath.Join(dir, "rubbish")
	if err := os.WriteFile(rubbish, []byte("rubbish\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for text, want := range map[string]string{
		"syslog+tls://a?ca=" + dir + "/none":                          "no such file",
		"syslog+tls://a?ca=" + rubbish:                                "no PEM certificate",
		"kafka+tls://a/t?cert=" + rubbish + "&key=" + rubbish:         "certificate and key",
		"otlp://a?headers=" + rubbish:                                 "line 1 is not NAME: VALUE",
		"kafka://a/t?sasl=scram-sha-256&user=u&password-file=/none/p": "no such file",
		filepath.Join(dir, "none", "log"):                             "no such file",
		"otlp://a?spool=" + rubbish:                                   "?spool=DIR",
	} {
		d, err := Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := d.Open(Setup{Spool: filepath.Join(dir, "spool")}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", text, err)
		}
	}
}
