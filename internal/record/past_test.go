package record

import (
	"testing"

	"xnumon/event"
	"xnumon/internal/lineage"
	"xnumon/internal/sensor"
)

func TestPast(t *testing.T) {
	script, unheld := exec("/bin/sh"), exec("/bin/perl")
	script.Interpreted, script.Interpreters = true, []*sensor.File{file("/home/u/x.sh"), file("/home/u/wrap")}
	unheld.Interpreted = true
	x := past(t, exec("/bin/a"), unheld, script, exec("/bin/b"))
	s := builder().Exec(exec("/bin/ls"), &x).Subject
	same(t, "image", s.Image, ancestor("/bin/b", 203))
	sh, perl := ancestor("/bin/sh", 202), ancestor("/bin/perl", 201)
	sh.Script = image("/home/u/x.sh")
	perl.Missing = []event.Absence{{Field: "script", Reason: event.ReasonNotHeld}}
	same(t, "ancestors", s.Ancestors, []*event.Image{sh, perl, ancestor("/bin/a", 200)})

	for n, want := range map[int][2]int{0: {0, 3}, 1: {1, 2}, 3: {3, 0}, 9: {3, 0}, Unlimited: {3, 0}} {
		s := builder(func(o *Options) { o.Ancestors = n }).Exec(exec("/bin/ls"), &x).Subject
		if len(s.Ancestors) != want[0] || s.AncestorsOmitted != want[1] {
			t.Errorf("limit %d: %d ancestors, %d omitted, want %v", n, len(s.Ancestors), s.AncestorsOmitted, want)
		}
	}
}

func TestPastWithoutEnd(t *testing.T) {
	tab := lineage.New()
	k := sensor.Key{PID: 42, Start: 2}
	tab.Process(&sensor.Process{Key: sensor.Key{PID: 3, Start: 1}, KernelThread: true})
	tab.Fork(&sensor.Fork{Time: 100, Parent: sensor.Key{PID: 3, Start: 1}, Child: k})
	var x lineage.Execution
	const execs = 1000
	for n := range execs {
		x = tab.Exec(&sensor.Exec{Time: event.Time(n + 1), Key: k, ExecID: uint64(n + 1), Image: file("/bin/sh")})
	}
	s := builder().Exec(exec("/bin/ls"), &x).Subject
	// the subject's own image and the new one are not ancestors
	if got := len(s.Ancestors) + s.AncestorsOmitted; got != execs-2 || s.AncestorsOmitted == 0 {
		t.Errorf("%d ancestors, %d omitted, want %d together", len(s.Ancestors), s.AncestorsOmitted, execs-2)
	}
}

func TestUnknownPast(t *testing.T) {
	found := func(pid uint32, path string) *sensor.Process {
		return &sensor.Process{
			Time: 10, Key: sensor.Key{PID: pid, Start: uint64(pid)}, ExecID: 1, Start: event.Time(pid), Image: file(path),
		}
	}
	call := func(tab *lineage.Table, pid uint32, id uint64) lineage.Execution {
		return tab.Exec(&sensor.Exec{Time: 50, Key: sensor.Key{PID: pid, Start: uint64(pid)}, ExecID: id, Image: file("/bin/x")})
	}
	fork := func(tab *lineage.Table, parent, child uint32) {
		tab.Fork(&sensor.Fork{
			Time: 20, Parent: sensor.Key{PID: parent, Start: uint64(parent)},
			Child: sensor.Key{PID: child, Start: uint64(child)}, ExecID: 1,
		})
	}
	known := func(path string) *event.Image {
		i := image(path)
		i.Reconstructed = true
		i.Missing = []event.Absence{{Field: "script", Reason: event.ReasonRunning}}
		return i
	}
	lost := &event.Image{Reconstructed: true, Missing: []event.Absence{{Field: "path", Reason: event.ReasonLost}}}
	tests := []struct {
		name string
		do   func(*lineage.Table) lineage.Execution
		want event.Subject
	}{
		{"nothing known", func(tab *lineage.Table) lineage.Execution {
			return call(tab, 7, 2)
		}, event.Subject{Pid: 7, Reconstructed: true, Missing: []event.Absence{
			{Field: "fork_time", Reason: event.ReasonRunning}, {Field: "fork_pid", Reason: event.ReasonRunning},
			{Field: "image", Reason: event.ReasonRunning}, {Field: "ancestors", Reason: event.ReasonRunning},
		}}},
		{"found running", func(tab *lineage.Table) lineage.Execution {
			tab.Process(found(7, "/bin/sh"))
			return call(tab, 7, 2)
		}, event.Subject{Pid: 7, Reconstructed: true, ForkTime: 7, Image: known("/bin/sh"), Missing: []event.Absence{
			{Field: "fork_pid", Reason: event.ReasonRunning},
		}}},
		{"forked from one found running", func(tab *lineage.Table) lineage.Execution {
			tab.Process(found(7, "/bin/sh"))
			fork(tab, 7, 8)
			return call(tab, 8, 2)
		}, event.Subject{Pid: 8, Reconstructed: true, ForkTime: 20, ForkPid: 7, Image: known("/bin/sh")}},
		{"exec lost", func(tab *lineage.Table) lineage.Execution {
			tab.Process(found(7, "/bin/sh"))
			fork(tab, 7, 8)
			return call(tab, 8, 4)
		}, event.Subject{
			Pid: 8, Reconstructed: true, ForkTime: 20, ForkPid: 7, Ancestors: []*event.Image{lost, known("/bin/sh")},
			Missing: []event.Absence{{Field: "image", Reason: event.ReasonLost}},
		}},
		{"kernel thread", func(tab *lineage.Table) lineage.Execution {
			p := found(7, "")
			p.KernelThread, p.Image, p.ExecID = true, nil, 1
			tab.Process(p)
			fork(tab, 7, 8)
			return call(tab, 8, 2)
		}, event.Subject{Pid: 8, Reconstructed: true, ForkTime: 20, ForkPid: 7, Missing: []event.Absence{
			{Field: "image", Reason: event.ReasonKernelThread},
		}}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			x := tt.do(lineage.New())
			r := builder().Exec(exec("/bin/x"), &x)
			got := r.Subject
			got.Creds, got.Sid, got.Session, got.Dev = event.Creds{}, 0, 0, ""
			same(t, "subject", got, tt.want)
			if r.Reconstructed {
				t.Error("the record itself is marked")
			}
		})
	}
	// An ancestor that is reconstructed carries the mark, and the subject does not.
	tab := lineage.New()
	tab.Process(found(7, "/bin/sh"))
	fork(tab, 7, 8)
	call(tab, 8, 2)
	x := call(tab, 8, 3)
	subject := builder().Exec(exec("/bin/x"), &x).Subject
	if subject.Reconstructed || subject.Image.Reconstructed {
		t.Error("marked because of an ancestor")
	}
	if len(subject.Ancestors) != 1 || !subject.Ancestors[0].Reconstructed {
		t.Error("an ancestor that was found running is not marked")
	}
	// That the fork was not seen shows in fork_pid.
	call(tab, 7, 2)
	x = call(tab, 7, 3)
	none := builder(func(o *Options) { o.Ancestors = 0 })
	if !none.Exec(exec("/bin/x"), &x).Subject.Reconstructed {
		t.Error("not marked though its fork was not seen")
	}
	x = call(tab, 8, 9)
	if m := missing(none.Exec(exec("/bin/x"), &x).Subject.Missing); m != "image: lost" {
		t.Errorf("missing %q: the ancestors are left out, not unknown", m)
	}
}
