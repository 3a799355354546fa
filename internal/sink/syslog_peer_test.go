//go:build linux && !nolive

package sink

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// rsyslog is one of our own: it stores what it has read before it reads more, as
// one must that is to lose nothing when it is killed (a queue in its memory dies
// with it).
func rsyslog(t *testing.T, global, input string) (p *process, stored func() string) {
	t.Helper()
	dir := t.TempDir()
	out := filepath.Join(dir, "stored")
	conf := filepath.Join(dir, "rsyslog.conf")
	text := fmt.Sprintf(`global(workDirectory=%q maxMessageSize="1m" %s)
%s
template(name="message" type="string" string="%%msg%%\n")
ruleset(name="store" queue.type="Direct") {
	action(type="omfile" file=%q template="message" asyncWriting="off" flushOnTXEnd="on")
}
`, dir, global, input, out)
	if err := os.WriteFile(conf, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	p = newProcess(t, "/usr/sbin/rsyslogd", "-n", "-f", conf, "-i", filepath.Join(dir, "pid"))
	return p, func() string { return strings.ReplaceAll(readAll(out), "\n ", "\n") }
}

func TestSyslogTCPLive(t *testing.T) {
	port := freePort(t)
	p, stored := rsyslog(t, "", fmt.Sprintf("module(load=\"imtcp\")\ninput(type=\"imtcp\" address=\"127.0.0.1\" port=%q ruleset=\"store\")", port))
	outage(t, 3, "syslog+tcp://127.0.0.1:"+port, p, stored)
}

func TestSyslogTLSLive(t *testing.T) {
	ca, cert, key := certificate(t)
	port := freePort(t)
	p, stored := rsyslog(t,
		fmt.Sprintf("defaultNetstreamDriver=\"gtls\" defaultNetstreamDriverCAFile=%q defaultNetstreamDriverCertFile=%q defaultNetstreamDriverKeyFile=%q", ca, cert, key),
		fmt.Sprintf("module(load=\"imtcp\" streamDriver.name=\"gtls\" streamDriver.mode=\"1\" streamDriver.authMode=\"anon\")\ninput(type=\"imtcp\" address=\"127.0.0.1\" port=%q ruleset=\"store\")", port))
	outage(t, 3, "syslog+tls://localhost:"+port+"?ca="+ca, p, stored)
}

func TestSyslogSocketLive(t *testing.T) {
	socket := filepath.Join(t.TempDir(), "log")
	p, stored := rsyslog(t, "", fmt.Sprintf("module(load=\"imuxsock\" sysSock.use=\"off\")\ninput(type=\"imuxsock\" socket=%q ruleset=\"store\" rateLimit.interval=\"0\" useSpecialParser=\"off\")", socket))
	outage(t, 3, "syslog://"+socket, p, stored)
}
