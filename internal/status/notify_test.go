//go:build unix

package status

import (
	"net"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"
)

func TestNotifier(t *testing.T) {
	path := filepath.Join(t.TempDir(), "notify")
	manager, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	defer manager.Close()
	env := map[string]string{
		"NOTIFY_SOCKET": path, "WATCHDOG_USEC": "120000000", "WATCHDOG_PID": strconv.Itoa(os.Getpid()),
	}
	n, err := NewNotifier(func(k string) string { return env[k] })
	if err != nil {
		t.Fatal(err)
	}
	defer n.Close()
	if got := n.Patience(); got != 2*time.Minute {
		t.Errorf("patience %v", got)
	}
	for _, c := range []struct {
		tell func() error
		want string
	}{
		{func() error { return n.Ready("gate hash\nMAINPID=1") }, "READY=1\nSTATUS=gate hash MAINPID=1"},
		{n.Alive, "WATCHDOG=1"},
		{n.Stopping, "STOPPING=1"},
	} {
		if err := c.tell(); err != nil {
			t.Fatal(err)
		}
		buf := make([]byte, 256)
		k, err := manager.Read(buf)
		if err != nil || string(buf[:k]) != c.want {
			t.Errorf("told %q (%v), not %q", buf[:k], err, c.want)
		}
	}
}

func TestNotifierOfNobody(t *testing.T) {
	n, err := NewNotifier(func(string) string { return "" })
	if n != nil || err != nil {
		t.Fatal(n, err)
	}
	for _, err := range []error{n.Ready("x"), n.Alive(), n.Stopping(), n.Close()} {
		if err != nil {
			t.Error(err)
		}
	}
	if n.Patience() != 0 {
		t.Error(n.Patience())
	}
}

func TestNotifierMistakes(t *testing.T) {
	path := filepath.Join(t.TempDir(), "notify")
	manager, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	defer manager.Close()
	for _, env := range []map[string]string{
		{"NOTIFY_SOCKET": "relative"},
		{"NOTIFY_SOCKET": path + "-not-there"},
		{"NOTIFY_SOCKET": path, "WATCHDOG_USEC": "soon"},
		{"NOTIFY_SOCKET": path, "WATCHDOG_USEC": "-1"},
		{"NOTIFY_SOCKET": path, "WATCHDOG_USEC": "9223372036854775807"},
	} {
		if n, err := NewNotifier(func(k string) string { return env[k] }); err == nil {
			t.Errorf("%v: %v", env, n)
		}
	}
	env := map[string]string{"NOTIFY_SOCKET": path, "WATCHDOG_USEC": "1000", "WATCHDOG_PID": "1"}
	n, err := NewNotifier(func(k string) string { return env[k] })
	if err != nil || n.Patience() != 0 {
		t.Errorf("another's watchdog: %v, %v", n.Patience(), err)
	}
	n.Close()
}
