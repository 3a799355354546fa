package monitor

import (
	"bytes"
	"compress/gzip"
	"context"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"xnumon/event"
	"xnumon/internal/encode"
	"xnumon/internal/image"
	"xnumon/internal/record"
	"xnumon/internal/sensor"
	"xnumon/internal/sensor/replay"
	"xnumon/internal/sink"
	"xnumon/internal/userdb"
)

// BenchmarkPipeline measures everything behind a sensor: lineage, acquisition of
// images whose digests are known, records, JSON, and the queue in front of
// /dev/null. The observations are those of a build, 2000 execs with their forks and
// exits, again and again; they are in memory, as a sensor hands them over. An
// operation is one observation. Run it with -cpu 1 to learn what one core does.
func BenchmarkPipeline(b *testing.B) {
	recorded := play(b, stream(b))
	acquirer := primed(b, recorded)
	out, queue := null(b)
	m := New(options(out))
	m.opts.Acquire = acquirer.Acquire
	s := &looped{b: b, recorded: recorded, acquirer: acquirer, out: out}
	b.ReportAllocs()
	if err := m.Run(b.Context(), s); err != nil {
		b.Fatal(err)
	}
	report(b, b.N, s.used, queue)
}

// BenchmarkReplay measures the same with the sensor in front that decodes a
// recorded stream, digests included. An operation is one observation.
func BenchmarkReplay(b *testing.B) {
	raw := stream(b)
	out, queue := null(b)
	events := len(play(b, raw))
	b.ReportAllocs()
	b.ResetTimer()
	before := spent()
	n := 0
	for ; n < b.N; n += events {
		s, err := replay.New("stream", io.NopCloser(bytes.NewReader(raw)))
		if err != nil {
			b.Fatal(err)
		}
		if err := New(options(out)).Run(b.Context(), s); err != nil {
			b.Fatal(err)
		}
		out.drain()
	}
	b.StopTimer()
	// Streams are played to their end; what was too much is not free.
	b.ReportMetric(b.Elapsed().Seconds()*1e9/float64(n), "ns/op")
	report(b, n, spent().minus(before), queue)
}

// report adds what the usual columns round off or cannot know. The time on the
// processor is what counts where something else runs beside the benchmark.
func report(b *testing.B, events int, used usage, queue *sink.Queue) {
	b.ReportMetric(float64(events)/b.Elapsed().Seconds(), "events/s")
	b.ReportMetric(float64(used.cpu.Nanoseconds())/float64(events), "cpu-ns/event")
	b.ReportMetric(float64(used.mallocs)/float64(events), "allocs/event")
	if s := queue.Stats(); s.Dropped > 0 {
		b.Fatalf("%d records were dropped", s.Dropped)
	}
}

func options(out Sink) Options {
	return Options{
		Records: record.Options{
			Env: record.EnvLinker, Ancestors: record.Unlimited, Hashes: record.Hashes{SHA256: true},
			Names: userdb.New(userdb.Passwd, userdb.Group, nil),
		},
		Encoder: &encode.JSON{},
		Sink:    out,
	}
}

// stream is the recorded stream, the one in the file that XNUMON_STREAM names
// instead of ours if it is set.
func stream(b *testing.B) []byte {
	b.Helper()
	name := os.Getenv("XNUMON_STREAM")
	if name == "" {
		name = "testdata/build.jsonl.gz"
	}
	raw, err := os.ReadFile(name)
	if err == nil && filepath.Ext(name) == ".gz" {
		var z *gzip.Reader
		if z, err = gzip.NewReader(bytes.NewReader(raw)); err == nil {
			raw, err = io.ReadAll(z)
		}
	}
	if err != nil {
		b.Fatal(err)
	}
	return raw
}

func play(b *testing.B, raw []byte) (all []sensor.Observation) {
	b.Helper()
	s, err := replay.New("stream", io.NopCloser(bytes.NewReader(raw)))
	if err == nil {
		err = s.Run(b.Context(), func(o sensor.Observation) error {
			all = append(all, o)
			return nil
		})
	}
	if err != nil {
		b.Fatal(err)
	}
	return all
}

// primed is an Acquirer that knows the files of all execs. The files themselves are
// on another machine, so each has a stand-in here and takes its identity.
func primed(b *testing.B, recorded []sensor.Observation) *image.Acquirer {
	b.Helper()
	a := image.New(image.Options{Hashes: image.Hashes{SHA256: true}, Level: sensor.LevelHash})
	b.Cleanup(a.Close)
	dir := b.TempDir()
	standIns := map[sensor.Identity]string{}
	var files []*sensor.File
	for _, o := range recorded {
		e, ok := o.(*sensor.Exec)
		if !ok {
			continue
		}
		for _, f := range append([]*sensor.File{e.Image}, e.Interpreters...) {
			files = append(files, f)
			if standIns[f.ID] != "" {
				continue
			}
			name := filepath.Join(dir, strconv.Itoa(len(standIns)))
			if err := os.WriteFile(name, []byte("content"), 0o700); err != nil {
				b.Fatal(err)
			}
			standIns[f.ID] = name
		}
	}
	time.Sleep(time.Second) // until nobody doubts that they can be told from later states
	for _, f := range files {
		fd, err := unix.Open(standIns[f.ID], unix.O_RDONLY|unix.O_CLOEXEC, 0)
		if err != nil {
			b.Fatal(err)
		}
		var st unix.Stat_t
		if err := unix.Fstat(fd, &st); err != nil {
			b.Fatal(err)
		}
		f.ID.Dev, f.ID.Ino, f.ID.Size = st.Dev, st.Ino, st.Size
		f.ID.MTime, f.ID.CTime = event.Time(st.Mtim.Nano()), event.Time(st.Ctim.Nano())
		if a.Known(sensor.State{Identity: f.ID}) {
			unix.Close(fd)
			continue
		}
		const ext4 = 0xef53 // a file system whose files may be cached
		held := &sensor.Held{File: fresh(f), FD: fd, State: sensor.State{Identity: f.ID}, Magic: ext4, Release: func() {}}
		a.Hold(held)
		a.Activated(held.File, event.Time(time.Now().UnixNano()), true)
		<-held.File.Done()
		if !a.Known(sensor.State{Identity: f.ID}) {
			b.Fatalf("%s is not known: %+v", f.Path, held.File.Digest())
		}
	}
	return a
}

// null is the queue that a monitor has in front of its output, here /dev/null.
func null(b *testing.B) (*drained, *sink.Queue) {
	b.Helper()
	out, err := sink.Open(os.DevNull)
	if err != nil {
		b.Fatal(err)
	}
	q := sink.NewQueue(out, sink.Options{})
	b.Cleanup(func() {
		if err := q.Close(context.Background()); err != nil {
			b.Error(err)
		}
	})
	return &drained{q: q}, q
}

// drained is a queue whose producer can wait for it.
type drained struct {
	q *sink.Queue
	n uint64 // given to the queue
}

func (d *drained) Write(rec []byte) {
	d.q.Write(rec)
	d.n++
}

// drain waits until all is written. Nobody may write meanwhile.
func (d *drained) drain() { d.await(d.n) }

func (d *drained) await(n uint64) {
	for d.q.Stats().Records < n {
		runtime.Gosched()
	}
}

// looped is a sensor that observes what was recorded until the benchmark has
// enough. Each time it hands over new observations, which it makes while the clock stands.
type looped struct {
	b        *testing.B
	recorded []sensor.Observation
	acquirer *image.Acquirer
	out      *drained
	used     usage
}

func (l *looped) Close() error { return nil }

func (l *looped) Run(_ context.Context, observe func(sensor.Observation) error) error {
	if err := observe(sensor.Pause{}); err != nil { // it says when it pauses, like that of Linux
		return err
	}
	l.b.ResetTimer()
	records := uint64(0)
	for n := 0; n < l.b.N; {
		l.b.StopTimer()
		batch := again(l.recorded[:min(len(l.recorded), l.b.N-n)])
		n += len(batch)
		before := spent()
		l.b.StartTimer()
		for _, o := range batch {
			if e, ok := o.(*sensor.Exec); ok {
				l.recall(e)
				records++
			}
			if err := observe(o); err != nil {
				return err
			}
		}
		if err := observe(sensor.Pause{}); err != nil {
			return err
		}
		l.out.await(records)
		l.b.StopTimer()
		l.used = l.used.plus(spent().minus(before))
	}
	return nil
}

// recall does what the sensor does with an image that was not held because it is known.
func (l *looped) recall(e *sensor.Exec) {
	if !l.acquirer.Recall(e.Image, sensor.State{Identity: e.Image.ID}) {
		l.b.Fatalf("%s is not known", e.Image.Path)
	}
	for _, f := range e.Interpreters {
		l.acquirer.Recall(f, sensor.State{Identity: f.ID})
	}
}

// again makes observations anew, with files whose digests are not known.
func again(recorded []sensor.Observation) []sensor.Observation {
	out := make([]sensor.Observation, 0, len(recorded))
	for _, o := range recorded {
		switch o := o.(type) {
		case *sensor.Exec:
			e := new(*o)
			e.Image, e.Interpreters = fresh(o.Image), nil
			for _, f := range o.Interpreters {
				e.Interpreters = append(e.Interpreters, fresh(f))
			}
			out = append(out, e)
		case *sensor.Fork:
			out = append(out, new(*o))
		case *sensor.Exit:
			out = append(out, new(*o))
		default:
			out = append(out, o)
		}
	}
	return out
}

func fresh(f *sensor.File) *sensor.File {
	return &sensor.File{
		Ref: f.Ref, Path: f.Path, PathReason: f.PathReason, Deleted: f.Deleted, Unreachable: f.Unreachable,
		Memfd: f.Memfd, HasStat: f.HasStat, ID: f.ID, Mode: f.Mode, UID: f.UID, GID: f.GID, BTime: f.BTime,
	}
}

// usage is what the process has used.
type usage struct {
	mallocs uint64
	cpu     time.Duration
}

func spent() usage {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	var r unix.Rusage
	_ = unix.Getrusage(unix.RUSAGE_SELF, &r) // cannot fail
	return usage{m.Mallocs, time.Duration(r.Utime.Nano() + r.Stime.Nano())}
}

func (u usage) plus(o usage) usage  { return usage{u.mallocs + o.mallocs, u.cpu + o.cpu} }
func (u usage) minus(o usage) usage { return usage{u.mallocs - o.mallocs, u.cpu - o.cpu} }
