package userdb

import (
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// clock is a clock that the test moves.
type clock struct{ t time.Time }

func (c *clock) now() time.Time { return c.t }

func (c *clock) pass(d time.Duration) { c.t = c.t.Add(d) }

func write(t *testing.T, name, text string, modified time.Time) {
	t.Helper()
	if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Chtimes(name, modified, modified); err != nil {
		t.Fatal(err)
	}
}

// files is a DB over files of its own, last changed an hour ago.
func files(t *testing.T, passwd, group string) (*DB, *clock, string, string) {
	dir := t.TempDir()
	c := &clock{time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)}
	p, g := filepath.Join(dir, "passwd"), filepath.Join(dir, "group")
	write(t, p, passwd, c.t.Add(-time.Hour))
	write(t, g, group, c.t.Add(-time.Hour))
	return New(p, g, c.now), c, p, g
}

func TestNames(t *testing.T) {
	passwd := strings.Join([]string{
		"root:x:0:0:root:/root:/bin/bash",
		"toor:x:0:0:second of the same id:/root:/bin/sh",
		"# comment:x:1:1::/:",
		"",
		"  indented:x:2:2::/:/bin/sh",
		"short:x:3:3",
		"too-short:x:4",
		"no-number:x:five:5::/:",
		"negative:x:-6:6::/:",
		"large:x:4294967294:7::/:",
		"none:x:4294967295:8::/:",
		"larger:x:4294967296:9::/:",
		":x:10:10:no name:/:",
		"+nis:x:11:11::/:",
		"-nis:x:12:12::/:",
		"by\xffte:x:13:13::/:",
		"nul\x00:x:14:14::/:",
		"empty::15:15::/:/bin/sh",
		strings.Repeat("long", 1<<16) + ":x:16:16::/:",
		"last:x:17:17::/:/bin/sh",
	}, "\n")
	db, _, _, _ := files(t, passwd, "wheel:x:0:root\nusers:x:100:\nshort:x:101\ntoo-short:x\nlast:x:102:a,b")
	for uid, want := range map[uint32]string{
		0: "root", 1: "", 2: "indented", 3: "short", 4: "", 5: "", 6: "", 4294967294: "large",
		4294967295: "", 9: "", 10: "", 11: "", 12: "", 13: "by\xffte", 14: "", 15: "empty",
		16: strings.Repeat("long", 1<<16), 17: "last", 18: "",
	} {
		if got := db.User(uid); got != want {
			t.Errorf("user %d is %.20q, want %.20q", uid, got, want)
		}
	}
	for gid, want := range map[uint32]string{0: "wheel", 100: "users", 101: "short", 102: "last", 1: ""} {
		if got := db.Group(gid); got != want {
			t.Errorf("group %d is %q, want %q", gid, got, want)
		}
	}
	if err := db.Err(); err != nil {
		t.Error(err)
	}
}

func TestRefresh(t *testing.T) {
	db, c, passwd, _ := files(t, "a:x:1:1::/:\n", "")
	if got := db.User(1); got != "a" {
		t.Fatalf("user is %q", got)
	}
	write(t, passwd, "b:x:1:1::/:\n", c.t.Add(-time.Minute))
	if db.Refresh(); db.User(1) != "a" {
		t.Error("read again at once")
	}
	c.pass(recheck)
	if db.Refresh(); db.User(1) != "b" {
		t.Error("not read again")
	}

	// A change that leaves the times alone shows by the inode.
	next := passwd + "+"
	write(t, next, "c:x:1:1::/:\n", c.t.Add(-time.Minute-recheck))
	if err := os.Rename(next, passwd); err != nil {
		t.Fatal(err)
	}
	c.pass(recheck)
	if db.Refresh(); db.User(1) != "c" {
		t.Error("not read again after it was replaced")
	}

	// The clock is set back.
	write(t, passwd, "d:x:1:1::/:\n", c.t.Add(-2*time.Hour))
	c.pass(-time.Hour)
	if db.Refresh(); db.User(1) != "d" {
		t.Error("not read again after the clock was set back")
	}

	if err := os.Remove(passwd); err != nil {
		t.Fatal(err)
	}
	c.pass(recheck)
	if db.Refresh(); db.User(1) != "" || db.Err() != nil {
		t.Errorf("user of no file is %q, %v", db.User(1), db.Err())
	}
	write(t, passwd, "e:x:1:1::/:\n", c.t.Add(-time.Minute))
	c.pass(recheck)
	if db.Refresh(); db.User(1) != "e" {
		t.Error("not read when it came back")
	}
}

// Two changes within the granularity of a file's times look like one.
func TestChangedTwice(t *testing.T) {
	db, c, passwd, _ := files(t, "", "")
	changed := c.t.Add(-time.Second)
	write(t, passwd, "a:x:1:1::/:\n", changed)
	if got := db.User(1); got != "a" {
		t.Fatalf("user is %q", got)
	}
	write(t, passwd, "b:x:1:1::/:\n", changed)
	c.pass(recheck)
	if db.Refresh(); db.User(1) != "b" {
		t.Error("the second change was overlooked")
	}
}

func TestUnreadable(t *testing.T) {
	db, c, passwd, _ := files(t, "a:x:1:1::/:\n", "")
	db.Refresh()
	if err := os.Remove(passwd); err != nil {
		t.Fatal(err)
	}
	// Opening it would wait for a writer.
	if err := syscall.Mkfifo(passwd, 0o644); err != nil {
		t.Fatal(err)
	}
	c.pass(recheck)
	db.Refresh()
	if got := db.User(1); got != "a" {
		t.Errorf("user is %q, want what was read before", got)
	}
	if err := db.Err(); err == nil || !strings.Contains(err.Error(), passwd) {
		t.Errorf("error is %v", err)
	}
	if err := os.Remove(passwd); err != nil {
		t.Fatal(err)
	}
	write(t, passwd, "b:x:1:1::/:\n", c.t.Add(-time.Minute))
	c.pass(recheck)
	if db.Refresh(); db.User(1) != "b" || db.Err() != nil {
		t.Errorf("user is %q, %v", db.User(1), db.Err())
	}
}

func TestNoFiles(t *testing.T) {
	db := New(filepath.Join(t.TempDir(), "none"), filepath.Join(t.TempDir(), "none"), nil)
	if db.User(0) != "" || db.Group(0) != "" || db.Err() != nil {
		t.Errorf("%q, %q, %v", db.User(0), db.Group(0), db.Err())
	}
}

func TestConcurrent(t *testing.T) {
	dir := t.TempDir()
	passwd := filepath.Join(dir, "passwd")
	write(t, passwd, "a:x:1:1::/:\n", time.Now())
	var mu sync.Mutex
	at := time.Now()
	db := New(passwd, filepath.Join(dir, "group"), func() time.Time {
		mu.Lock()
		defer mu.Unlock()
		at = at.Add(recheck)
		return at
	})
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for range 200 {
				db.Refresh()
				if got := db.User(1); got != "a" {
					t.Errorf("user is %q", got)
					return
				}
			}
		})
	}
	wg.Wait()
}

// lookup is how the C library's fgetpwent and getpwuid go about it: line by
// line until the id is met.
func lookup(text string, id uint32, idField, fields int) string {
	for _, line := range strings.Split(text, "\n") {
		if n, name, ok := entry([]byte(line), idField, fields); ok && n == id {
			return string(name)
		}
	}
	return ""
}

func FuzzParse(f *testing.F) {
	f.Add("root:x:0:0:root:/root:/bin/bash\n+::::::\n#c\n", uint32(0))
	f.Add("a:x:1\nb:x:1:1", uint32(1))
	f.Add("::::\n\x00:\xff:4294967295:\n", ^uint32(0))
	f.Fuzz(func(t *testing.T, text string, id uint32) {
		for _, c := range [][2]int{{passwdID, passwdFields}, {groupID, groupFields}} {
			names, err := parse(strings.NewReader(text), c[0], c[1])
			if err != nil {
				t.Fatal(err)
			}
			if got, want := names[id], lookup(text, id, c[0], c[1]); got != want {
				t.Errorf("name of %d is %q, want %q", id, got, want)
			}
			for id, name := range names {
				if name == "" || strings.ContainsAny(name, ":\n\x00") || id == 1<<32-1 {
					t.Errorf("name of %d is %q", id, name)
				}
			}
		}
	})
}
