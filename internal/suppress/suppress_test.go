package suppress

import (
	"fmt"
	"strings"
	"sync"
	"testing"

	"pgregory.net/rapid"

	"xnumon/event"
	"xnumon/internal/lineage"
	"xnumon/internal/sensor"
)

// world is a table of processes with a Suppressor behind it.
type world struct {
	*Suppressor
	table lineage.Table
	inode uint64
	ids   map[uint32]uint64
	looks int
	alien map[string]bool // paths whose files are not the machine's
}

func newWorld(t interface{ Fatal(...any) }, r Rules) *world {
	w := &world{ids: make(map[uint32]uint64), alien: make(map[string]bool)}
	w.Suppressor = New(func(f *sensor.File) bool {
		w.looks++
		return !w.alien[f.Path]
	})
	set, err := r.Compile()
	if err != nil {
		t.Fatal(err)
	}
	w.Use(set)
	return w
}

func (w *world) file(path string) *sensor.File {
	w.inode++
	return &sensor.File{Path: path, HasStat: true, ID: sensor.Identity{Ino: w.inode}}
}

func key(pid uint32) sensor.Key { return sensor.Key{PID: pid, Start: uint64(pid)} }

func (w *world) fork(parent, child uint32) {
	w.ids[child] = w.ids[parent]
	w.table.Fork(&sensor.Fork{Time: 5, Parent: key(parent), Child: key(child), ExecID: w.ids[child]})
}

func (w *world) found(pid uint32, image *sensor.File, parent uint32) bool {
	p := &sensor.Process{Time: 4, Key: key(pid), Image: image, ExecID: w.ids[pid]}
	if parent != 0 {
		p.Parent = key(parent)
	}
	w.table.Process(p)
	w.Note(image)
	return w.Process(p)
}

func (w *world) exec(pid uint32, image *sensor.File, interpreters ...*sensor.File) bool {
	w.ids[pid]++
	e := &sensor.Exec{
		Time: 6, Key: key(pid), ExecID: w.ids[pid], Image: image,
		Interpreted: len(interpreters) > 0, Interpreters: interpreters,
		Argv: []string{"/quiet"}, Filename: "/quiet",
	}
	x := w.table.Exec(e)
	return w.Exec(e, &x)
}

func (w *world) run(pid uint32, path string) bool { return w.exec(pid, w.file(path)) }

func TestByPath(t *testing.T) {
	w := newWorld(t, Rules{Paths: []string{"/quiet", "/q/*"}})
	for _, c := range []struct {
		name  string
		image func() *sensor.File
		with  []string
		want  bool
	}{
		{name: "another", image: func() *sensor.File { return w.file("/loud") }},
		{name: "exact", image: func() *sensor.File { return w.file("/quiet") }, want: true},
		{name: "pattern", image: func() *sensor.File { return w.file("/q/a") }, want: true},
		{name: "script", image: func() *sensor.File { return w.file("/loud") }, with: []string{"/quiet"}, want: true},
		{name: "script by pattern", image: func() *sensor.File { return w.file("/loud") }, with: []string{"/q/x", "/y"}, want: true},
		{name: "interpreter of a script", image: func() *sensor.File { return w.file("/loud") }, with: []string{"/x", "/quiet"}},
		{name: "unlinked", image: func() *sensor.File { f := w.file("/quiet"); f.Deleted = true; return f }},
		{name: "outside the root", image: func() *sensor.File { f := w.file("/quiet"); f.Unreachable = true; return f }},
		{name: "memfd", image: func() *sensor.File { f := w.file("/quiet"); f.Memfd = "sealed"; return f }},
		{name: "without stat", image: func() *sensor.File { f := w.file("/quiet"); f.HasStat = false; return f }},
		{name: "without path", image: func() *sensor.File { return w.file("") }},
	} {
		var chain []*sensor.File
		for _, path := range c.with {
			chain = append(chain, w.file(path))
		}
		if got := w.exec(7, c.image(), chain...); got != c.want {
			t.Errorf("%s: %v", c.name, got)
		}
	}
	w.alien["/quiet"] = true
	if w.run(7, "/quiet") {
		t.Error("suppressed by a path that a process gave its own file")
	}
	if got, want := w.Counts(), (Counts{ByPath: 4, Elsewhere: 2}); got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
	if w.found(8, w.file("/loud"), 0) || !w.found(9, w.file("/q/b"), 0) {
		t.Error("wrong for processes found running")
	}
}

func TestByAncestorPath(t *testing.T) {
	w := newWorld(t, Rules{AncestorPaths: []string{"/ci", "/build.sh"}})
	w.fork(1, 2)
	if w.run(2, "/ci") {
		t.Error("an ancestor rule suppressed the ancestor itself")
	}
	w.fork(2, 3)
	if !w.run(3, "/bin/sh") || !w.run(3, "/bin/make") {
		t.Error("not suppressed below an ancestor")
	}
	w.fork(3, 4)
	w.table.Exit(&sensor.Exit{Time: 6, Key: key(3)})
	w.table.Exit(&sensor.Exit{Time: 6, Key: key(2)})
	if !w.run(4, "/bin/cc") {
		t.Error("not suppressed when the ancestor is gone")
	}
	w.fork(1, 5)
	if w.run(5, "/bin/sh") {
		t.Error("suppressed beside the ancestor")
	}
	w.exec(5, w.file("/bin/sh"), w.file("/build.sh"))
	if !w.run(5, "/bin/cc") {
		t.Error("not suppressed below a script")
	}
	w.fork(1, 6)
	w.exec(6, w.file("/bin/sh"), w.file("/mine"), w.file("/build.sh"))
	if w.run(6, "/bin/cc") {
		t.Error("suppressed below an interpreter that a script chose")
	}
	w.alien["/ci"] = true
	w.fork(1, 7)
	w.run(7, "/ci")
	if w.run(7, "/bin/cc") {
		t.Error("suppressed below a file that only its process has at this path")
	}
	if got := w.Counts().ByAncestorPath; got != 4 {
		t.Errorf("%d counted, want 4", got)
	}
}

// A daemon whose program is replaced while it runs keeps its rule; a file that
// takes the place of the old one under another's eyes only does not get it.
func TestAncestorIsReplaced(t *testing.T) {
	w := newWorld(t, Rules{AncestorPaths: []string{"/ci"}})
	w.fork(1, 2)
	w.run(2, "/ci")
	w.alien["/ci"] = true // what is there now is another file
	w.fork(2, 3)
	looked := w.looks
	if !w.run(3, "/bin/sh") {
		t.Error("forgotten that the ancestor was the machine's")
	}
	if w.looks != looked {
		t.Error("looked again")
	}
}

// What a lookup found a process running counts; what lies behind it does not.
func TestAncestorsFoundRunning(t *testing.T) {
	w := newWorld(t, Rules{AncestorPaths: []string{"/ci"}})
	w.ids[2], w.ids[3] = 4, 9
	w.found(2, w.file("/ci"), 1)
	if w.found(3, w.file("/bin/sh"), 2) {
		t.Error("a process was suppressed because of its parent")
	}
	w.fork(2, 4)
	if !w.run(4, "/bin/cc") {
		t.Error("not suppressed below what was found running")
	}
	w.fork(3, 5)
	if w.run(5, "/bin/cc") {
		t.Error("suppressed below a parent that was looked up")
	}
	if w.run(6, "/bin/cc") {
		t.Error("suppressed though nothing is known")
	}
}

func TestByIdent(t *testing.T) {
	signed := func(status, origin, ident, team string) *sensor.File {
		return &sensor.File{
			Path: "/x", HasStat: true, Signature: &event.Signature{Status: status, Origin: origin, Ident: ident, TeamID: team},
		}
	}
	r := Rules{
		Idents:         []string{"com.apple.ls", "org.example.agent@ABCDE12345"},
		AncestorIdents: []string{"org.example.ci@ABCDE12345"},
	}
	w := newWorld(t, r)
	for _, c := range []struct {
		name string
		file *sensor.File
		want bool
	}{
		{"of the system", signed(event.SignatureGood, event.OriginSystem, "com.apple.ls", ""), true},
		{"of the team", signed(event.SignatureGood, event.OriginDevID, "org.example.agent", "ABCDE12345"), true},
		{"identifier taken by a developer", signed(event.SignatureGood, event.OriginDevID, "com.apple.ls", "ZZZZZ12345"), false},
		{"of another team", signed(event.SignatureGood, event.OriginDevID, "org.example.agent", "ZZZZZ12345"), false},
		{"without team", signed(event.SignatureGood, event.OriginGeneric, "org.example.agent", ""), false},
		{"ad hoc", signed(event.SignatureUntrusted, "", "com.apple.ls", ""), false},
		{"bad", signed(event.SignatureBad, event.OriginSystem, "com.apple.ls", ""), false},
		{"not evaluated", signed("", "", "com.apple.ls", ""), false},
		{"no signature", &sensor.File{Path: "/x", HasStat: true}, false},
	} {
		if got := w.exec(7, c.file); got != c.want {
			t.Errorf("%s: %v", c.name, got)
		}
	}
	w.fork(1, 8)
	w.exec(8, signed(event.SignatureGood, event.OriginDevID, "org.example.ci", "ABCDE12345"))
	if !w.run(8, "/bin/sh") {
		t.Error("not suppressed below an ancestor")
	}
	if got, want := w.Counts(), (Counts{ByIdent: 2, ByAncestorIdent: 1}); got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
}

func TestIdentMistakes(t *testing.T) {
	for rule, says := range map[string]string{
		"": "no signing identifier", "@ABCDE12345": "no signing identifier", "a b": "space",
		"a@": "team identifier", "a@abcde12345": "team identifier", "a@ABCDE1234": "team identifier",
	} {
		if _, err := ParseIdent(rule); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%q: %v", rule, err)
		}
	}
}

func TestCompileTellsEveryMistake(t *testing.T) {
	r := Rules{Paths: []string{"/ok", "a"}, Idents: []string{"x@y"}, AncestorPaths: []string{"/b/"}, AncestorIdents: []string{""}}
	_, err := r.Compile()
	if err == nil || strings.Count(err.Error(), "\n") != 3 || !strings.Contains(err.Error(), `"a" is not`) {
		t.Errorf("%v", err)
	}
}

// Rules come and go while execs are looked at.
func TestUse(t *testing.T) {
	var zero Rules
	w := newWorld(t, zero)
	if w.run(1, "/quiet") {
		t.Error("suppressed without rules")
	}
	set, err := (&Rules{Paths: []string{"/quiet*"}}).Compile()
	if err != nil {
		t.Fatal(err)
	}
	var users sync.WaitGroup
	users.Go(func() {
		for range 1000 {
			w.Use(set)
			w.Use(nil)
			w.Counts()
		}
	})
	for range 1000 {
		if w.run(1, "/loud") {
			t.Error("suppressed by a rule there is not")
		}
	}
	users.Wait()
	for _, c := range []struct {
		set  *Set
		want bool
	}{{set, true}, {nil, false}, {set, true}} {
		w.Use(c.set)
		if got := w.run(1, "/quiet1"); got != c.want {
			t.Errorf("%v, want %v", got, c.want)
		}
	}
}

// However many paths and files come by, what is remembered of them stays
// bounded, and is right.
func TestMemoryIsBounded(t *testing.T) {
	w := newWorld(t, Rules{Paths: []string{"/q/*"}})
	for i := range 3 * maxVerdicts {
		if w.run(1, fmt.Sprint("/loud/", i)) || !w.run(1, fmt.Sprint("/q/", i)) {
			t.Fatal("wrong")
		}
	}
	w.run(1, "/loud/"+strings.Repeat("x", maxPath))
	if len(w.verdicts) > maxVerdicts || len(w.shown) > maxShown {
		t.Errorf("%d verdicts and %d files are remembered", len(w.verdicts), len(w.shown))
	}
	for path := range w.verdicts {
		if len(path) > maxPath {
			t.Error("a long path is remembered")
		}
	}
}

// A random history of processes against the plainest reading of the rules.
func TestAgainstModel(t *testing.T) {
	paths := []string{"/a", "/b", "/quiet", "/q/1", "/q/2", "/parent"}
	rapid.Check(t, func(t *rapid.T) {
		r := Rules{Paths: []string{"/quiet", "/q/*"}, AncestorPaths: []string{"/parent", "/q/?"}}
		w := newWorld(t, r)
		own := func(p string) bool { return p == "/quiet" || strings.HasPrefix(p, "/q/") }
		parent := func(p string) bool { return p == "/parent" || strings.HasPrefix(p, "/q/") }
		history := map[uint32][]string{1: nil}
		next := uint32(2)
		w.fork(0, 1)
		for range rapid.IntRange(1, 30).Draw(t, "steps") {
			pid := rapid.Uint32Range(1, next-1).Draw(t, "pid")
			if rapid.Bool().Draw(t, "fork") {
				w.fork(pid, next)
				history[next] = append([]string(nil), history[pid]...)
				next++
				continue
			}
			path := rapid.SampledFrom(paths).Draw(t, "path")
			want := own(path)
			for _, p := range history[pid] {
				want = want || parent(p)
			}
			if got := w.run(pid, path); got != want {
				t.Fatalf("%s after %v: %v, want %v", path, history[pid], got, want)
			}
			history[pid] = append(history[pid], path)
		}
	})
}

func BenchmarkExec(b *testing.B) {
	w := newWorld(b, Rules{
		Paths:         []string{"/usr/bin/true", "/opt/**/check_*", "/usr/lib/sysstat/*"},
		AncestorPaths: []string{"/usr/bin/ci", "/opt/agents/*/run"},
	})
	w.fork(1, 2)
	for range 12 {
		w.run(2, "/bin/sh")
	}
	e := &sensor.Exec{Time: 6, Key: key(2), ExecID: w.ids[2] + 1, Image: w.file("/usr/bin/ls")}
	x := w.table.Exec(e)
	b.ReportAllocs()
	for b.Loop() {
		w.Exec(e, &x)
	}
}
