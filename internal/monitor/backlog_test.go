package monitor

import (
	"testing"
	"time"

	"xnumon/internal/sensor"
)

func numbered(i int) pending { return pending{exec: &sensor.Exec{ExecID: uint64(i)}} }

// What is put in comes out, all of it, once and in order, however many there are.
func TestBacklogKeepsOrder(t *testing.T) {
	const all = 3*backlogMost + 17
	b := newBacklog()
	go func() {
		for i := range all {
			b.put(numbered(i))
			if i%100 == 0 {
				b.tell()
			}
		}
		b.end()
	}()
	next := 0
	for taken := b.take(nil); taken != nil; taken = b.take(taken) {
		if n := b.depth(); n > backlogMost {
			t.Fatalf("%d wait, more than %d", n, backlogMost)
		}
		for _, p := range taken {
			if p.exec.ExecID != uint64(next) {
				t.Fatalf("%d came out, want %d", p.exec.ExecID, next)
			}
			next++
			b.written()
		}
	}
	if next != all {
		t.Errorf("%d came out, want %d", next, all)
	}
	if n := b.depth(); n != 0 {
		t.Errorf("depth %d at the end", n)
	}
}

// A few wait until they are told of, many do not.
func TestBacklogTells(t *testing.T) {
	b := newBacklog()
	taken := make(chan int)
	go func() {
		var had []pending
		for had = b.take(had); had != nil; had = b.take(had) {
			for range had {
				b.written()
			}
			taken <- len(had)
		}
		close(taken)
	}()
	for i := range together - 1 {
		b.put(numbered(i))
	}
	select {
	case n := <-taken:
		t.Fatalf("%d were taken before anybody told of them", n)
	case <-time.After(20 * time.Millisecond):
	}
	b.tell()
	if n := <-taken; n != together-1 {
		t.Errorf("%d were taken, want %d", n, together-1)
	}
	for i := range together {
		b.put(numbered(i))
	}
	if n := <-taken; n != together {
		t.Errorf("%d were taken, want %d", n, together)
	}
	b.put(numbered(0))
	b.end()
	b.put(numbered(1)) // too late
	if n := <-taken; n != 1 {
		t.Errorf("%d were taken at the end, want 1", n)
	}
	if n, more := <-taken; more {
		t.Errorf("%d were taken after the end", n)
	}
}

// A full one makes whoever puts in wait, and lets him go on.
func TestBacklogFull(t *testing.T) {
	b := newBacklog()
	for i := range backlogMost {
		b.put(numbered(i))
	}
	in := make(chan struct{})
	go func() {
		b.put(numbered(backlogMost))
		close(in)
	}()
	select {
	case <-in:
		t.Fatal("a full one has taken another")
	case <-time.After(20 * time.Millisecond):
	}
	if n := len(b.take(nil)); n != backlogMost {
		t.Fatalf("%d were taken", n)
	}
	select {
	case <-in:
		t.Fatal("there is no room before something is written")
	case <-time.After(20 * time.Millisecond):
	}
	b.written()
	<-in
}
