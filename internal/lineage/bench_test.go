package lineage

import (
	"testing"

	"xnumon/event"
	"xnumon/internal/sensor"
)

// BenchmarkTable measures the life of a process in a build: fork, exec and exit
// below a past of the usual length. An operation is three observations.
func BenchmarkTable(b *testing.B) {
	tab := New()
	shell := sensor.Key{PID: 1, Start: 1}
	for n := range 8 {
		tab.Exec(&sensor.Exec{Key: shell, ExecID: uint64(n + 1), Image: &sensor.File{}})
	}
	f := &sensor.Fork{Parent: shell, ExecID: 8}
	e := &sensor.Exec{ExecID: 9, Image: &sensor.File{}}
	x := &sensor.Exit{}
	b.ReportAllocs()
	for n := range b.N {
		k := sensor.Key{PID: uint32(2 + n%10000), Start: uint64(2 + n)}
		f.Child, e.Key, x.Key = k, k, k
		f.Time, e.Time = event.Time(n), event.Time(n)
		tab.Fork(f)
		tab.Exec(e)
		tab.Exit(x)
	}
}
