//go:build unix

package sink

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

func openTestFile(t *testing.T, path string, o fileOptions) (*Queue, *file) {
	t.Helper()
	out, err := openFile(path, o)
	if err != nil {
		t.Fatal(err)
	}
	f := out.(*file)
	q := NewQueue(f, Options{Limit: 100 << 20, Loss: encodeLoss})
	t.Cleanup(func() { q.Close(within(t, time.Minute)) })
	return q, f
}

func written(t *testing.T, q *Queue) {
	t.Helper()
	waitFor(t, func() bool { return q.Stats().Queued == 0 })
}

func read(t *testing.T, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// TestFileThatIsRenamed: the next record after a signal goes to a new file.
func TestFileThatIsRenamed(t *testing.T) {
	path := filepath.Join(t.TempDir(), "log")
	q, _ := openTestFile(t, path, fileOptions{})
	q.Write([]byte("a\n"))
	written(t, q)
	if err := os.Rename(path, path+".1"); err != nil {
		t.Fatal(err)
	}
	q.Write([]byte("b\n"))
	written(t, q)
	q.Reopen()
	q.Write([]byte("c\n"))
	written(t, q)
	checkFile(t, path+".1", "a\nb\n")
	checkFile(t, path, "c\n")
	if st, err := os.Stat(path); err != nil || st.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", st.Mode(), err)
	}
}

// TestFileThatIsReplaced: without a signal, soon.
func TestFileThatIsReplaced(t *testing.T) {
	path := filepath.Join(t.TempDir(), "log")
	q, _ := openTestFile(t, path, fileOptions{})
	q.Write([]byte("a\n"))
	written(t, q)
	if err := os.Rename(path, path+".1"); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, nil, 0o640); err != nil {
		t.Fatal(err)
	}
	waitFor(t, func() bool {
		q.Write([]byte("x\n"))
		time.Sleep(10 * time.Millisecond)
		return read(t, path) != ""
	})
	if st, err := os.Stat(path); err != nil || st.Mode().Perm() != 0o640 {
		t.Errorf("%v, %v", st.Mode(), err)
	}
}

// TestFileThatIsMissing: others have the time to make the new one, but not for ever.
func TestFileThatIsMissing(t *testing.T) {
	path := filepath.Join(t.TempDir(), "log")
	out, err := openFile(path, fileOptions{})
	if err != nil {
		t.Fatal(err)
	}
	f := out.(*file)
	defer f.Close()
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	now := time.Now()
	for _, c := range []struct {
		after time.Duration
		there bool
	}{{0, false}, {2 * time.Second, false}, {4 * time.Second, false}, {6500 * time.Millisecond, false}, {7600 * time.Millisecond, true}} {
		if err := f.look(now.Add(c.after)); err != nil {
			t.Fatal(err)
		}
		if _, err := os.Stat(path); (err == nil) != c.there {
			t.Errorf("after %v: %v", c.after, err)
		}
	}
}

// TestFileKeepsItsRecordsWhole: what is renamed while a record is half written
// gets the other half.
func TestFileKeepsItsRecordsWhole(t *testing.T) {
	path := filepath.Join(t.TempDir(), "log")
	out, err := openFile(path, fileOptions{rotate: 10})
	if err != nil {
		t.Fatal(err)
	}
	f := out.(*file)
	defer f.Close()
	f.d.piece = 3 // as if each write was short
	write := func(p string, ends ...int) {
		t.Helper()
		for len(p) > 0 {
			n, err := f.WriteRecords([]byte(p), ends)
			if err != nil {
				t.Fatal(err)
			}
			f.Reopen()
			p = p[n:]
			for i := range ends {
				ends[i] -= n
			}
			for len(ends) > 0 && ends[0] <= 0 {
				ends = ends[1:]
			}
			if err := os.Rename(path, fmt.Sprintf("%s.%d", path, time.Now().UnixNano())); err != nil && !os.IsNotExist(err) {
				t.Fatal(err)
			}
		}
	}
	write("aaaaaaa\nb\nccccccccccccc\n", 8, 10, 24)
	files, err := filepath.Glob(path + "*")
	if err != nil {
		t.Fatal(err)
	}
	all := ""
	for _, name := range files {
		s := read(t, name)
		if s != "" && !strings.HasSuffix(s, "\n") {
			t.Errorf("%s holds %q", name, s)
		}
		all += s
	}
	if len(all) != 24 {
		t.Errorf("%q", all)
	}
}

func TestFileRotatesItself(t *testing.T) {
	path := filepath.Join(t.TempDir(), "log")
	var mu sync.Mutex
	var warnings []string
	q, _ := openTestFile(t, path, fileOptions{rotate: 100_000, keep: 2, warn: func(s string) {
		mu.Lock()
		defer mu.Unlock()
		warnings = append(warnings, s)
	}})
	const total = 450
	for i := range total {
		q.Write([]byte(numbered(i, 1000)))
	}
	if err := q.Close(within(t, time.Minute)); err != nil {
		t.Fatal(err)
	}
	if len(warnings) > 0 {
		t.Error(warnings)
	}
	if _, err := os.Stat(path + ".3"); !os.IsNotExist(err) {
		t.Error(err)
	}
	all := read(t, path+".2") + read(t, path+".1") + read(t, path)
	if len(read(t, path+".1")) != 100_000 || len(read(t, path)) != 50_000 {
		t.Errorf("%d and %d bytes", len(read(t, path+".1")), len(read(t, path)))
	}
	if lines := strings.Split(strings.TrimSuffix(all, "\n"), "\n"); len(lines) != 250 ||
		!strings.HasPrefix(lines[0], "rec 200 ") || !strings.HasPrefix(lines[249], "rec 449 ") {
		t.Errorf("%d lines from %.10s", len(lines), lines[0])
	}
	// Once more: the size it had counts.
	q, _ = openTestFile(t, path, fileOptions{rotate: 100_000, keep: 2})
	for i := range 51 {
		q.Write([]byte(numbered(i, 1000)))
	}
	written(t, q)
	if n := len(read(t, path)); n != 1000 {
		t.Errorf("%d bytes", n)
	}
}

// TestFileThatCannotBeRotated is written to all the same.
func TestFileThatCannotBeRotated(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "log")
	if err := os.MkdirAll(path+".1/not empty", 0o700); err != nil {
		t.Fatal(err)
	}
	var warnings int
	q, _ := openTestFile(t, path, fileOptions{rotate: 5000, keep: 1, warn: func(s string) {
		if !strings.Contains(s, "rotate: rename "+path) {
			t.Error(s)
		}
		warnings++
	}})
	for i := range 100 {
		q.Write([]byte(numbered(i, 1000)))
	}
	if err := q.Close(within(t, time.Minute)); err != nil {
		t.Fatal(err)
	}
	if n := len(read(t, path)); n != 100_000 || warnings != 1 {
		t.Errorf("%d bytes, %d warnings", n, warnings)
	}
}

// TestFileThatIsTruncated: as logrotate's copytruncate does it, whose window
// between copy and truncation is not ours to close.
func TestFileThatIsTruncated(t *testing.T) {
	path := filepath.Join(t.TempDir(), "log")
	q, f := openTestFile(t, path, fileOptions{rotate: 10_000})
	for i := range 9 {
		q.Write([]byte(numbered(i, 1000)))
	}
	written(t, q)
	if err := os.Truncate(path, 0); err != nil {
		t.Fatal(err)
	}
	f.Reopen() // looks at its size
	for i := range 9 {
		q.Write([]byte(numbered(i, 1000)))
	}
	written(t, q)
	if n := len(read(t, path)); n != 9000 {
		t.Errorf("%d bytes", n)
	}
}

func TestFileThatIsNone(t *testing.T) {
	out, err := openFile(os.DevNull, fileOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close()
	if _, ok := out.(*file); ok {
		t.Error("rotates /dev/null")
	}
	path := filepath.Join(t.TempDir(), "log")
	q, f := openTestFile(t, path, fileOptions{})
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	if err := unix.Mkfifo(path, 0o600); err != nil {
		t.Fatal(err)
	}
	f.Reopen()
	q.Write([]byte("a\n")) // into the file that was
	if err := q.Close(within(t, time.Minute)); err != nil {
		t.Error(err)
	}
}
