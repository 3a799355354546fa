package spool

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"xnumon/event"
)

func encodeLoss(dst []byte, l *event.Loss) []byte {
	return fmt.Appendf(dst, "lost %d %s %d-%d", l.Count, l.Source, l.Since, l.Until)
}

func open(t testing.TB, dir string, o Options) *Spool {
	t.Helper()
	if o.Loss == nil {
		o.Loss = encodeLoss
	}
	s, err := Open(dir, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

// reopen ends s properly and opens what it left.
func reopen(t testing.TB, s *Spool) *Spool {
	t.Helper()
	if lost, err := s.Close(); lost != 0 || err != nil {
		t.Fatalf("%d lost: %v", lost, err)
	}
	return open(t, s.dir, s.opts)
}

// abandon ends s as the death of its process does.
func abandon(s *Spool) {
	s.closed.Do(func() {
		close(s.closing)
		<-s.synced
		s.reader.close()
		s.unlock()
	})
}

func crash(t testing.TB, s *Spool) *Spool {
	t.Helper()
	abandon(s)
	return open(t, s.dir, s.opts)
}

// add appends one record each.
func add(t testing.TB, s *Spool, recs ...string) {
	t.Helper()
	var b []byte
	var ends []int
	for _, r := range recs {
		b = append(b, r...)
		ends = append(ends, len(b))
	}
	if err := s.Append(b, ends); err != nil {
		t.Fatal(err)
	}
}

// drain reads all there is.
func drain(t testing.TB, s *Spool) (all []string, last uint64) {
	t.Helper()
	for {
		recs, err := s.Next(7, 1000)
		if err != nil {
			t.Fatal(err)
		}
		if len(recs) == 0 {
			return all, last
		}
		for _, r := range recs {
			if r.Seq <= last {
				t.Fatalf("number %d after %d", r.Seq, last)
			}
			last = r.Seq
			all = append(all, string(r.Data))
		}
	}
}

func check(t testing.TB, s *Spool, want ...string) uint64 {
	t.Helper()
	got, last := drain(t, s)
	if strings.Join(got, "|") != strings.Join(want, "|") {
		t.Fatalf("got %q\nwant %q", got, want)
	}
	return last
}

// checkLossFirst checks that the first record is a loss of unknown size.
func checkLossFirst(t testing.TB, s *Spool, want ...string) uint64 {
	t.Helper()
	got, last := drain(t, s)
	if len(got) == 0 || !strings.HasPrefix(got[len(got)-1], "lost 0 output ") {
		t.Fatalf("no loss told at the end: %q", got)
	}
	if got := got[:len(got)-1]; strings.Join(got, "|") != strings.Join(want, "|") {
		t.Fatalf("got %q\nwant %q", got, want)
	}
	return last
}

func segments(t rapid.TB, s *Spool) []string {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(s.dir, "*"+Suffix))
	if err != nil {
		t.Fatal(err)
	}
	return paths
}

func eventually(t testing.TB, cond func() bool) {
	t.Helper()
	for end := time.Now().Add(time.Minute); !cond(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("waited in vain")
		}
	}
}

func TestSpoolKeepsWhatIsNotAcknowledged(t *testing.T) {
	for _, dir := range []string{"", filepath.Join(t.TempDir(), "a", "b")} {
		s := open(t, dir, Options{})
		check(t, s)
		add(t, s, "one", "", "three")
		check(t, s, "one", "", "three")
		check(t, s)
		s.Rewind()
		check(t, s, "one", "", "three")
		s.Ack(2)
		s.Rewind()
		add(t, s, "four")
		check(t, s, "three", "four")
		if st := s.Stats(); st.Records != 2 || st.Lost != 0 || st.LastError != nil {
			t.Errorf("%+v", st)
		}
		s.Ack(4)
		s.Rewind()
		check(t, s)
		if st := s.Stats(); st.Records != 0 {
			t.Errorf("%+v", st)
		}
	}
}

func TestSpoolOutlivesItsProcess(t *testing.T) {
	s := open(t, filepath.Join(t.TempDir(), "spool"), Options{})
	add(t, s, "one", "two", "three")
	s.Ack(1)
	stream := s.stream
	s = reopen(t, s)
	add(t, s, "four")
	check(t, s, "two", "three", "four")
	if s.stream != stream {
		t.Error("another stream after a proper end")
	}
	s.Ack(4)
	s = reopen(t, s)
	check(t, s)
	if left := segments(t, s); len(left) != 0 {
		t.Errorf("left on disk: %v", left)
	}
	add(t, s, "five")
	if last := check(t, s, "five"); last != 5 {
		t.Errorf("number %d", last)
	}
}

func TestSpoolAfterACrash(t *testing.T) {
	s := open(t, filepath.Join(t.TempDir(), "spool"), Options{})
	add(t, s, "one", "two", "three")
	s.Ack(1)
	eventually(t, func() bool { s.mu.Lock(); defer s.mu.Unlock(); return s.savedAck == 1 })
	again := crash(t, s)
	if again.stream == s.stream {
		t.Error("the same stream after a crash")
	}
	checkLossFirst(t, again, "two", "three")
	add(t, again, "four")
	check(t, again, "four")
}

func TestSpoolWithATornTail(t *testing.T) {
	for cut := 1; cut < 30; cut++ {
		s := open(t, filepath.Join(t.TempDir(), "spool"), Options{})
		add(t, s, "one", "two", "three")
		path := segments(t, s)[0]
		st, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.Truncate(path, st.Size()-int64(cut)); err != nil {
			t.Fatal(err)
		}
		again := crash(t, s)
		want := []string{"one", "two"}
		if cut > frameSize+len("three") {
			want = want[:1]
		}
		checkLossFirst(t, again, want...)
	}
}

// TestSpoolThatEndsInZeros: the file grew and the data did not get there.
func TestSpoolThatEndsInZeros(t *testing.T) {
	s := open(t, filepath.Join(t.TempDir(), "spool"), Options{})
	add(t, s, "one")
	path := segments(t, s)[0]
	if err := os.Truncate(path, 10_000); err != nil {
		t.Fatal(err)
	}
	checkLossFirst(t, crash(t, s), "one")
}

// TestSpoolWithoutACursor: everything that is there comes again.
func TestSpoolWithoutACursor(t *testing.T) {
	s := open(t, filepath.Join(t.TempDir(), "spool"), Options{})
	add(t, s, "one", "two")
	s.Ack(1)
	s.Close()
	path := filepath.Join(s.dir, cursorName)
	if err := os.WriteFile(path, []byte("rubbish"), 0o600); err != nil {
		t.Fatal(err)
	}
	checkLossFirst(t, open(t, s.dir, Options{}), "one", "two")
}

func TestSpoolCountsWhatIsDamaged(t *testing.T) {
	s := open(t, filepath.Join(t.TempDir(), "spool"), Options{Limit: 1})
	s.opts.Limit = 1 << 30 // segments of the least size
	for i := range 6 {
		add(t, s, numbered(2*i, 20_000), numbered(2*i+1, 20_000)) // two batches in the first segment, then one each
	}
	paths := segments(t, s)
	if len(paths) != 6 {
		t.Fatalf("%d segments", len(paths))
	}
	damage := func(path string, off int) {
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		b[off] ^= 1
		if err := os.WriteFile(path, b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	damage(paths[0], headerSize+frameSize+20_000+frameSize) // the second record's data
	damage(paths[1], 3)                                     // the header
	damage(paths[3], headerSize+4)                          // a length
	if err := os.Remove(paths[4]); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"rec 0|lost 1|lost 2|rec 4|rec 5|lost 2|lost 2|rec 10|rec 11",
		"rec 0|lost 1|lost 2|rec 4|rec 5|lost 4|rec 10|rec 11", // after a restart
	} {
		got, _ := drain(t, s)
		for i := range got {
			got[i] = strings.Join(strings.Fields(got[i])[:2], " ")
		}
		if strings.Join(got, "|") != want {
			t.Errorf("got %q\nwant %q", got, want)
		}
		if lost := s.Stats().Lost; lost != 7 {
			t.Errorf("%d lost", lost)
		}
		s = reopen(t, s)
	}
}

func numbered(i, length int) string {
	r := fmt.Sprintf("rec %d ", i)
	return r + strings.Repeat("x", max(length-len(r), 0))
}

// TestSpoolWhoseFileIsEmptied: what is written after that can be read again soon.
func TestSpoolWhoseFileIsEmptied(t *testing.T) {
	s := open(t, filepath.Join(t.TempDir(), "spool"), Options{})
	add(t, s, "one", "two")
	if err := os.Truncate(segments(t, s)[0], 0); err != nil {
		t.Fatal(err)
	}
	add(t, s, "three")
	if got, _ := drain(t, s); len(got) != 1 || !strings.HasPrefix(got[0], "lost 3 ") {
		t.Fatalf("%q", got)
	}
	add(t, s, "four")
	check(t, s, "four")
}

func TestSpoolIsBounded(t *testing.T) {
	for _, dir := range []string{"", filepath.Join(t.TempDir(), "spool")} {
		s := open(t, dir, Options{Limit: 300_000})
		written := make(chan int)
		go func() {
			defer close(written)
			for i := range 100 {
				if err := s.Append([]byte(numbered(i, 10_000)), []int{10_000}); err != nil {
					t.Error(err)
				}
				if used := s.Stats().Bytes; used > 300_000+headerSize {
					t.Errorf("%d bytes used", used)
				}
				written <- i
			}
		}()
		full := 0
		eventually(t, func() bool {
			select {
			case full = <-written:
				return false
			case <-time.After(50 * time.Millisecond):
				return true
			}
		})
		if full < 20 || full > 30 {
			t.Errorf("full after %d records", full+1)
		}
		next := 0
		for done := false; !done; {
			recs, err := s.Next(3, 1<<20)
			if err != nil {
				t.Fatal(err)
			}
			for _, r := range recs {
				if !strings.HasPrefix(string(r.Data), fmt.Sprintf("rec %d ", next)) {
					t.Fatalf("%.20q where %d was due", r.Data, next)
				}
				next++
				s.Ack(r.Seq)
			}
			if len(recs) == 0 {
				select {
				case _, open := <-written:
					done = !open
				case <-s.Readable():
				}
			} else {
				select {
				case _, open := <-written:
					done = !open
				default:
				}
			}
		}
		for {
			recs, err := s.Next(100, 1<<20)
			if err != nil {
				t.Fatal(err)
			}
			if len(recs) == 0 {
				break
			}
			next += len(recs)
		}
		if next != 100 {
			t.Errorf("%d records came out", next)
		}
	}
}

func TestSpoolTakesABatchLongerThanItself(t *testing.T) {
	for _, dir := range []string{"", filepath.Join(t.TempDir(), "spool")} {
		s := open(t, dir, Options{Limit: 1000})
		for i := range 3 {
			long := numbered(i, 3_000_000)
			add(t, s, long)
			s.Ack(check(t, s, long))
		}
	}
}

func TestSpoolThatIsFullCanBeInterrupted(t *testing.T) {
	s := open(t, filepath.Join(t.TempDir(), "spool"), Options{Limit: 1000})
	add(t, s, numbered(0, 2000))
	failed := make(chan error)
	go func() { failed <- s.Append([]byte("x"), []int{1}) }()
	s.Interrupt()
	if err := <-failed; !errors.Is(err, ErrInterrupted) {
		t.Error(err)
	}
}

// TestSpoolWithoutItsDisk: the directory is gone, and the records go through memory.
func TestSpoolWithoutItsDisk(t *testing.T) {
	s := open(t, filepath.Join(t.TempDir(), "spool"), Options{})
	add(t, s, "one")
	if err := os.Rename(s.dir, s.dir+".away"); err != nil {
		t.Fatal(err)
	}
	s.mu.Lock()
	s.spoiled = true // so that the next record needs a file
	s.mu.Unlock()
	add(t, s, "two", "three")
	if st := s.Stats(); st.InMemory == 0 || !errors.Is(st.LastError, os.ErrNotExist) {
		t.Errorf("%+v", st)
	}
	if err := os.Rename(s.dir+".away", s.dir); err != nil {
		t.Fatal(err)
	}
	check(t, s, "one", "two", "three")
	s.mu.Lock()
	s.diskBad = time.Now().Add(-diskRetry)
	s.mu.Unlock()
	add(t, s, "four")
	if st := s.Stats(); st.LastError != nil {
		t.Errorf("%+v", st)
	}
	s.Ack(1)
	s = reopen(t, s) // what was in memory is brought to the disk
	check(t, s, "two", "three", "four")
}

func TestSpoolSaysWhatItCouldNotKeep(t *testing.T) {
	s := open(t, "", Options{})
	add(t, s, "one", "two", "three")
	s.Ack(1)
	if lost, err := s.Close(); lost != 2 || err == nil {
		t.Errorf("%d lost: %v", lost, err)
	}
}

func TestSpoolHasOneOwner(t *testing.T) {
	s := open(t, filepath.Join(t.TempDir(), "spool"), Options{})
	if _, err := Open(s.dir, Options{}); err == nil || !strings.Contains(err.Error(), s.dir+" is in use") {
		t.Error(err)
	}
	s.Close()
	open(t, s.dir, Options{})
}

func TestSpoolOthersCanWriteTo(t *testing.T) {
	dir := t.TempDir()
	if err := os.Chmod(dir, 0o777); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(dir, Options{}); err == nil || !strings.Contains(err.Error(), "can be written by others") {
		t.Error(err)
	}
}

func TestSpoolFilesAreForTheirOwnerAlone(t *testing.T) {
	s := open(t, filepath.Join(t.TempDir(), "spool"), Options{})
	add(t, s, "one")
	for _, path := range append(segments(t, s), filepath.Join(s.dir, cursorName), s.dir) {
		if st, err := os.Stat(path); err != nil || st.Mode().Perm()&0o077 != 0 {
			t.Errorf("%s: %v, %v", path, st.Mode(), err)
		}
	}
}

// TestSpoolRemovesWhatIsDone: while records flow they hardly stay on disk.
func TestSpoolRemovesWhatIsDone(t *testing.T) {
	s := open(t, filepath.Join(t.TempDir(), "spool"), Options{Limit: 1 << 20})
	for i := range 500 {
		rec := numbered(i, 10_000)
		add(t, s, rec)
		s.Ack(check(t, s, rec))
	}
	eventually(t, func() bool { return len(segments(t, s)) == 1 })
	if b, err := os.ReadFile(segments(t, s)[0]); err != nil || !bytes.HasPrefix(b, []byte(segmentMagic)) {
		t.Error(err)
	}
}
