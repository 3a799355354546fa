package sink

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"

	"xnumon/internal/sink/transport"
	"xnumon/internal/spool"
)

// peer is a Transport to somebody who takes what it likes.
type peer struct {
	mu        sync.Mutex
	down      bool
	refuses   string // records with this in them
	lag       int    // how many records are not confirmed
	fails     func() bool
	got       []string
	seqs      []uint64
	pending   int // of got, not confirmed: lost when the connection is
	confirmed uint64
	finished  int
	closed    bool
}

var errDown = errors.New("peer is down")

func (p *peer) Send(ctx context.Context, recs []spool.Record) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for i, r := range recs {
		refuses := p.refuses != "" && strings.Contains(string(r.Data), p.refuses)
		if p.down || !refuses && p.fails != nil && p.fails() {
			// What was not confirmed did not arrive after all.
			p.got, p.seqs, p.pending = p.got[:len(p.got)-p.pending], p.seqs[:len(p.seqs)-p.pending], 0
			return i, errDown
		}
		if refuses {
			return i + 1, &transport.Refusal{Count: 1, Err: errors.New("too ugly")}
		}
		p.got, p.seqs = append(p.got, string(r.Data)), append(p.seqs, r.Seq)
		p.pending++
		p.confirm(p.lag)
	}
	return len(recs), nil
}

func (p *peer) confirm(lag int) {
	for ; p.pending > lag; p.pending-- {
		p.confirmed = max(p.confirmed, p.seqs[len(p.seqs)-p.pending])
	}
}

func (p *peer) Confirmed() uint64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.confirmed
}

func (p *peer) Check(context.Context) error { return nil }

func (p *peer) Finish(context.Context) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.finished++
	if p.down {
		return errDown
	}
	p.confirm(0)
	return nil
}

func (p *peer) Close() error {
	p.closed = true
	return nil
}

func (p *peer) set(f func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	f()
}

func (p *peer) text() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return strings.Join(p.got, "")
}

func newTestRelay(t testing.TB, p *peer, dir string, limit int64) *relay {
	t.Helper()
	sp, err := spool.Open(dir, spool.Options{Limit: limit, Loss: encodeLoss})
	if err != nil {
		t.Fatal(err)
	}
	s := Setup{Loss: encodeLoss}.serial()
	r := newRelay(sp, p, dir != "", Options{Loss: s.Loss, Limit: 1 << 20})
	t.Cleanup(func() {
		ctx, cancel := context.WithCancel(context.Background())
		cancel()
		r.Close(ctx)
	})
	return r
}

// account says of what arrived that every record did, or was told as lost where
// it is missing. Records can come twice. It returns how many of each there were.
func account(t interface {
	Helper()
	Fatalf(string, ...any)
}, text string, total int) (twice, lost int) {
	t.Helper()
	times := make([]int, total)
	next := 0
	for line := range strings.Lines(text) {
		var i, n int
		if _, err := fmt.Sscanf(line, "lost %d output", &n); err == nil {
			lost += n
			next += n
			continue
		}
		if _, err := fmt.Sscanf(line, "rec %d ", &i); err != nil || i >= total {
			t.Fatalf("not a record: %.80q", line)
		}
		if i > next {
			t.Fatalf("record %d where %d was due", i, next)
		}
		next = i + 1
		times[i]++
		if times[i] > 1 {
			twice++
		}
	}
	if next != total {
		t.Fatalf("%d of %d records", next, total)
	}
	return twice, lost
}

func TestRelay(t *testing.T) {
	for _, dir := range []string{"", filepath.Join(t.TempDir(), "spool")} {
		p := &peer{lag: 10}
		r := newTestRelay(t, p, dir, 1<<20)
		for i := range 1000 {
			r.Write([]byte(numbered(i, 100)))
		}
		if err := r.Close(within(t, time.Minute)); err != nil {
			t.Fatal(err)
		}
		if twice, lost := account(t, p.text(), 1000); twice+lost > 0 || !p.closed {
			t.Errorf("%d twice, %d lost", twice, lost)
		}
		if s := r.Stats(); s.Records != 1000 || s.Bytes != 100_000 || s.Spooled != 0 || s.Dropped != 0 || s.LastError != nil {
			t.Errorf("%+v", s)
		}
	}
}

func TestRelayWhosePeerIsAway(t *testing.T) {
	p := &peer{down: true}
	r := newTestRelay(t, p, filepath.Join(t.TempDir(), "spool"), 10<<20)
	for i := range 1000 {
		r.Write([]byte(numbered(i, 100)))
	}
	waitFor(t, func() bool { s := r.Stats(); return s.Spooled == 1000 && errors.Is(s.LastError, errDown) })
	p.set(func() { p.down = false })
	waitFor(t, func() bool { return r.Stats().Records == 1000 })
	if s := r.Stats(); s.LastError != nil || s.Retries == 0 || s.Dropped != 0 {
		t.Errorf("%+v", s)
	}
	if twice, lost := account(t, p.text(), 1000); twice+lost > 0 {
		t.Errorf("%d twice, %d lost", twice, lost)
	}
}

// TestRelayEndsWhileItsPeerIsAway: the next run sends what is left.
func TestRelayEndsWhileItsPeerIsAway(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "spool")
	p := &peer{down: true}
	r := newTestRelay(t, p, dir, 10<<20)
	for i := range 500 {
		r.Write([]byte(numbered(i, 100)))
	}
	waitFor(t, func() bool { return r.Stats().LastError != nil })
	start := time.Now()
	if err := r.Close(within(t, time.Minute)); err != nil {
		t.Fatal(err)
	}
	if time.Since(start) > 10*time.Second {
		t.Error("waited for a peer that is away")
	}
	p = &peer{}
	r = newTestRelay(t, p, dir, 10<<20)
	for i := 500; i < 600; i++ {
		r.Write([]byte(numbered(i, 100)))
	}
	if err := r.Close(within(t, time.Minute)); err != nil {
		t.Fatal(err)
	}
	if twice, lost := account(t, p.text(), 600); twice+lost > 0 {
		t.Errorf("%d twice, %d lost", twice, lost)
	}
}

func TestRelayWithoutADiskSaysWhatIsLeft(t *testing.T) {
	p := &peer{down: true}
	r := newTestRelay(t, p, "", 10<<20)
	for i := range 5 {
		r.Write([]byte(numbered(i, 100)))
	}
	waitFor(t, func() bool { return r.Stats().LastError != nil })
	err := r.Close(within(t, 10*time.Millisecond))
	if !errors.Is(err, errDown) || !strings.Contains(err.Error(), "5 records not sent") {
		t.Error(err)
	}
}

// TestRelayThatIsFull: what finds no room is dropped, and told where it is missing.
func TestRelayThatIsFull(t *testing.T) {
	p := &peer{down: true}
	r := newTestRelay(t, p, filepath.Join(t.TempDir(), "spool"), 100_000)
	i := 0
	for ; r.Stats().Dropped < 10; i++ {
		r.Write([]byte(numbered(i, 1000)))
	}
	if s := r.Stats(); s.OnDisk > 170_000 || s.Queued > 1<<20 {
		t.Errorf("%+v", s)
	}
	p.set(func() { p.down = false })
	waitFor(t, func() bool { s := r.Stats(); return s.Queued == 0 && s.Spooled == 0 })
	r.Write([]byte(numbered(i, 1000)))
	if err := r.Close(within(t, time.Minute)); err != nil {
		t.Fatal(err)
	}
	if twice, lost := account(t, p.text(), i+1); twice > 0 || lost != int(r.Stats().Dropped) {
		t.Errorf("%d twice, %d lost; %+v", twice, lost, r.Stats())
	}
}

// TestRelayThatIsFullOfWhatIsNotConfirmed: it has it confirmed and goes on.
func TestRelayThatIsFullOfWhatIsNotConfirmed(t *testing.T) {
	for _, dir := range []string{"", filepath.Join(t.TempDir(), "spool")} {
		p := &peer{lag: 1 << 30}
		r := newTestRelay(t, p, dir, 100_000)
		for i := range 2000 {
			waitFor(t, func() bool { return r.Stats().Queued < 60_000 })
			r.Write([]byte(numbered(i, 1000)))
		}
		if err := r.Close(within(t, time.Minute)); err != nil {
			t.Fatal(err)
		}
		if twice, lost := account(t, p.text(), 2000); twice+lost > 0 || p.finished < 5 {
			t.Errorf("%d twice, %d lost, finished %d times", twice, lost, p.finished)
		}
	}
}

func TestRelayTellsWhatIsRefused(t *testing.T) {
	p := &peer{refuses: "rec 7"}
	r := newTestRelay(t, p, filepath.Join(t.TempDir(), "spool"), 10<<20)
	for i := range 100 {
		r.Write([]byte(numbered(i, 50)))
	}
	if err := r.Close(within(t, time.Minute)); err != nil {
		t.Fatal(err)
	}
	if twice, lost := account(t, p.text(), 100); twice > 0 || lost != 11 {
		t.Errorf("%d twice, %d lost", twice, lost)
	}
	if s := r.Stats(); s.Refused != 11 || s.Records != 89 {
		t.Errorf("%+v", s)
	}
}

// TestRelayWhoseLossDoesNotArrive: what is sent again, and refused again, is one
// record that is missing.
func TestRelayWhoseLossDoesNotArrive(t *testing.T) {
	calls := 0
	p := &peer{refuses: "rec 7 ", fails: func() bool {
		calls++
		return calls == 8 || calls == 9 // rec 0 to 6 go through, then the loss does not, twice
	}}
	r := newTestRelay(t, p, "", 10<<20)
	for i := range 10 {
		r.Write([]byte(numbered(i, 50)))
	}
	if err := r.Close(within(t, time.Minute)); err != nil {
		t.Fatal(err)
	}
	if twice, lost := account(t, p.text(), 10); twice > 0 || lost != 1 {
		t.Errorf("%d twice, %d lost", twice, lost)
	}
	if s := r.Stats(); s.Refused != 1 || s.Records != 9 || s.Retries == 0 {
		t.Errorf("%+v", s)
	}
}

// TestRelayWhoseLossIsRefused: one that is taken speaks of all before it.
func TestRelayWhoseLossIsRefused(t *testing.T) {
	p := &peer{refuses: "o"} // in lost, not in rec
	r := newTestRelay(t, p, "", 10<<20)
	for i := range 10 {
		r.Write([]byte(fmt.Sprintf("rec %d %s\n", i, []string{"", "no"}[i%2])))
	}
	waitFor(t, func() bool { return r.Stats().Refused == 5 })
	p.set(func() { p.refuses = "" })
	r.Write([]byte("rec 10 \n"))
	waitFor(t, func() bool { return strings.Contains(p.text(), "lost 5 ") })
}

// TestRelayChangesItsTransport: what the old one has not confirmed goes through
// the new one, also when the old one is in the middle of something.
func TestRelayChangesItsTransport(t *testing.T) {
	for _, down := range []bool{false, true} {
		first, second := &peer{lag: 10, down: down}, &peer{}
		r := newTestRelay(t, first, "", 10<<20)
		for i := range 100 {
			r.Write([]byte(numbered(i, 50)))
		}
		waitFor(t, func() bool { s := r.Stats(); return s.Records == 90 || down && s.Retries > 3 })
		r.use(&peer{down: true})
		r.use(second)
		waitFor(t, func() bool { return r.Stats().Records == 100 })
		if twice, lost := account(t, first.text()+second.text(), 100); lost > 0 || twice != map[bool]int{false: 10, true: 0}[down] || !first.closed {
			t.Errorf("%d twice, %d lost", twice, lost)
		}
		if err := r.Close(within(t, time.Minute)); err != nil || !second.closed {
			t.Error(err)
		}
	}
}

// TestRelayOverABadPeer: whatever goes wrong, every record arrives or is told.
func TestRelayOverABadPeer(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		chance := rapid.IntRange(0, 3).Draw(rt, "failures in a hundred")
		seed := rapid.Uint64().Draw(rt, "seed")
		rng := rand.New(rand.NewPCG(seed, 0))
		p := &peer{
			lag:     rapid.SampledFrom([]int{0, 1, 7, 1000}).Draw(rt, "lag"),
			refuses: rapid.SampledFrom([]string{"", "9 "}).Draw(rt, "refused"),
			fails:   func() bool { return rng.IntN(100) < chance },
		}
		sp, err := spool.Open("", spool.Options{Loss: encodeLoss})
		if err != nil {
			rt.Fatal(err)
		}
		r := newRelay(sp, p, false, Options{Loss: Setup{Loss: encodeLoss}.serial().Loss})
		const total = 60
		for i := range total {
			r.Write([]byte(numbered(i, 50)))
		}
		waitFor(t, func() bool { return r.Stats().Queued == 0 })
		p.set(func() { p.fails = nil })
		if err := r.Close(within(t, time.Minute)); err != nil {
			rt.Fatal(err)
		}
		_, lost := account(rt, p.text(), total)
		if p.refuses != "" && lost < 6 || p.refuses == "" && lost != 0 || r.Stats().Refused != uint64(min(lost, 6)) {
			rt.Fatalf("%d lost; %+v", lost, r.Stats())
		}
	})
}
