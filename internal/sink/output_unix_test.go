//go:build unix

package sink

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// pipe returns both ends of a pipe in blocking mode, as a shell makes them.
func pipe(t *testing.T) (r *os.File, w int) {
	var fds [2]int
	if err := unix.Pipe(fds[:]); err != nil {
		t.Fatal(err)
	}
	r = os.NewFile(uintptr(fds[0]), "pipe")
	t.Cleanup(func() { r.Close() })
	return r, fds[1]
}

func descriptorOn(t *testing.T, fd int) Output {
	out, err := NewDescriptor("standard output", fd)
	if err != nil {
		t.Fatal(err)
	}
	unix.Close(fd)
	return out
}

func TestPipeNobodyReads(t *testing.T) {
	r, w := pipe(t)
	q := NewQueue(descriptorOn(t, w), Options{Limit: 256 << 10, Loss: encodeLoss})
	const total = 5000 // 1 MB: more than pipe and queue
	for i := range total {
		q.Write([]byte(numbered(i, 200)))
	}
	dropped := q.Stats().Dropped
	if dropped == 0 {
		t.Fatal("nothing dropped")
	}
	read := make(chan string)
	go func() {
		b, _ := io.ReadAll(r)
		read <- string(b)
	}()
	if err := q.Close(within(t, time.Minute)); err != nil {
		t.Fatal(err)
	}
	written, lost := checkStream(t, <-read)
	if lost != int(dropped) || written+lost != total {
		t.Errorf("%d written, %d lost, %d dropped", written, lost, dropped)
	}
}

func TestPipeNobodyReadsUntilTheEnd(t *testing.T) {
	_, w := pipe(t)
	q := NewQueue(descriptorOn(t, w), Options{Limit: 256 << 10, Loss: encodeLoss})
	for i := range 5000 {
		q.Write([]byte(numbered(i, 200)))
	}
	if err := q.Close(within(t, 10*time.Millisecond)); err == nil {
		t.Error("all written?")
	}
	<-q.done // the writer has not stayed behind in the kernel
}

func TestPipeWhoseReaderGoes(t *testing.T) {
	r, w := pipe(t)
	q := NewQueue(descriptorOn(t, w), Options{})
	q.Write([]byte("a\n"))
	b := make([]byte, 2)
	if _, err := io.ReadFull(r, b); err != nil {
		t.Fatal(err)
	}
	r.Close()
	q.Write([]byte("b\n"))
	<-q.Failed()
	if err := q.Err(); !errors.Is(err, syscall.EPIPE) || err.Error() != "write standard output: broken pipe" {
		t.Errorf("%v", err)
	}
	if err := q.Close(within(t, time.Minute)); !errors.Is(err, syscall.EPIPE) {
		t.Errorf("%v", err)
	}
}

// TestPipeWhoseReaderGoesWhileFull: the writer waits in poll when it happens.
func TestPipeWhoseReaderGoesWhileFull(t *testing.T) {
	r, w := pipe(t)
	own, err := unix.Dup(w)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(own)
	q := NewQueue(descriptorOn(t, w), Options{})
	for i := range 1000 {
		q.Write([]byte(numbered(i, 1000)))
	}
	waitFor(t, func() bool {
		n, err := unix.Poll([]unix.PollFd{{Fd: int32(own), Events: unix.POLLOUT}}, 0)
		return n == 0 && err == nil
	})
	r.Close()
	<-q.Failed()
	q.Close(within(t, time.Minute))
}

// TestDescriptorInNonBlockingMode: the mode is shared with whoever gave it to us.
func TestDescriptorInNonBlockingMode(t *testing.T) {
	r, w := pipe(t)
	if err := unix.SetNonblock(w, true); err != nil {
		t.Fatal(err)
	}
	q := NewQueue(descriptorOn(t, w), Options{})
	const total = 1000
	for i := range total {
		q.Write([]byte(numbered(i, 1000)))
	}
	read := make(chan string)
	go func() {
		b, _ := io.ReadAll(r)
		read <- string(b)
	}()
	if err := q.Close(within(t, time.Minute)); err != nil {
		t.Fatal(err)
	}
	if written, _ := checkStream(t, <-read); written != total {
		t.Errorf("%d written", written)
	}
}

func TestNamedPipe(t *testing.T) {
	path := filepath.Join(t.TempDir(), "pipe")
	if err := unix.Mkfifo(path, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(path); err == nil || err.Error() != "open "+path+": nobody reads from it" {
		t.Errorf("%v", err)
	}
	r, err := os.OpenFile(path, os.O_RDONLY|unix.O_NONBLOCK, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	out, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	q := NewQueue(out, Options{})
	q.Write([]byte("a\n"))
	if err := q.Close(within(t, time.Minute)); err != nil {
		t.Fatal(err)
	}
	if b, err := io.ReadAll(r); string(b) != "a\n" || err != nil {
		t.Errorf("%q, %v", b, err)
	}
}

func writeFile(t *testing.T, path, rec string) {
	t.Helper()
	out, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	q := NewQueue(out, Options{})
	if rec != "" {
		q.Write([]byte(rec))
	}
	if err := q.Close(within(t, time.Minute)); err != nil {
		t.Fatal(err)
	}
}

func TestFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "log")
	old := unix.Umask(0)
	writeFile(t, path, "a\n")
	unix.Umask(old)
	writeFile(t, path, "b\n")
	checkFile(t, path, "a\nb\n")
	if st, err := os.Stat(path); err != nil || st.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", st.Mode(), err)
	}
}

func checkFile(t *testing.T, path, want string) {
	t.Helper()
	if b, err := os.ReadFile(path); err != nil || string(b) != want {
		t.Errorf("%q, %v; want %q", b, err, want)
	}
}

func TestFileThatEndsInHalfALine(t *testing.T) {
	path := filepath.Join(t.TempDir(), "log")
	if err := os.WriteFile(path, []byte("a\n{\"half"), 0o600); err != nil {
		t.Fatal(err)
	}
	writeFile(t, path, "")
	checkFile(t, path, "a\n{\"half")
	writeFile(t, path, "b\n")
	checkFile(t, path, "a\n{\"half\nb\n")
	writeFile(t, path, "c\n")
	checkFile(t, path, "a\n{\"half\nb\nc\n")
}

// TestFileIsAppendedTo: what somebody else truncates is not left with a hole.
func TestFileIsAppendedTo(t *testing.T) {
	path := filepath.Join(t.TempDir(), "log")
	out, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	q := NewQueue(out, Options{})
	q.Write([]byte("a\n"))
	waitFor(t, func() bool { return q.Stats().Queued == 0 })
	if err := os.Truncate(path, 0); err != nil {
		t.Fatal(err)
	}
	q.Write([]byte("b\n"))
	if err := q.Close(within(t, time.Minute)); err != nil {
		t.Fatal(err)
	}
	checkFile(t, path, "b\n")
}

func TestOpenSaysWhatItCouldNotOpen(t *testing.T) {
	path := filepath.Join(t.TempDir(), "no", "log")
	if _, err := Open(path); !errors.Is(err, os.ErrNotExist) || !strings.Contains(err.Error(), path) {
		t.Errorf("%v", err)
	}
	if _, err := Open(t.TempDir()); err == nil {
		t.Error("opened a directory")
	}
}

func TestDevNull(t *testing.T) {
	writeFile(t, os.DevNull, numbered(0, 100_000))
}
