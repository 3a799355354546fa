package linux

import (
	"bytes"
	"encoding/binary"
	"slices"
	"strings"
	"testing"
	"unsafe"

	"github.com/cilium/ebpf/btf"
	"golang.org/x/sys/unix"
	"pgregory.net/rapid"

	"xnumon/event"
	"xnumon/internal/sensor"
)

// The Go types are made from the header through BTF. This holds them to the
// sizes that the compiler of the BPF programs gave them.
func TestLayouts(t *testing.T) {
	spec, err := loadMonitor()
	if err != nil {
		t.Fatal(err)
	}
	for name, size := range map[string]uintptr{
		"header":         unsafe.Sizeof(monitorHeader{}),
		"fork_record":    unsafe.Sizeof(monitorForkRecord{}),
		"exit_record":    unsafe.Sizeof(monitorExitRecord{}),
		"exec_record":    unsafe.Sizeof(monitorExecRecord{}),
		"chunk_record":   unsafe.Sizeof(monitorChunkRecord{}),
		"control_record": unsafe.Sizeof(monitorControlRecord{}),
		"identify_args":  unsafe.Sizeof(monitorIdentifyArgs{}),
	} {
		var s *btf.Struct
		if err := spec.Types.TypeByName(name, &s); err != nil {
			t.Errorf("%s: %v", name, err)
		} else if uintptr(s.Size) != size {
			t.Errorf("%s has %d bytes in C and %d in Go", name, s.Size, size)
		}
	}
	if binary.Size(monitorExecRecord{}) != int(unsafe.Sizeof(monitorExecRecord{})) {
		t.Error("exec_record has hidden padding")
	}
}

func TestPath(t *testing.T) {
	for _, c := range []struct {
		components string
		status     monitorPartStatus
		want       string
		why        event.Reason
	}{
		{"ls\x00bin\x00usr\x00", monitorPartStatusPART_WHOLE, "/usr/bin/ls", ""},
		{"", monitorPartStatusPART_WHOLE, "/", ""},
		{"x\x00", monitorPartStatusPART_UNREACHABLE, "/x", ""},
		{"memfd:a b\x00", monitorPartStatusPART_DETACHED, "/memfd:a b", ""},
		{"a\nb\xff\x00", monitorPartStatusPART_WHOLE, "/a\nb\xff", ""},
		{"x\x00", monitorPartStatusPART_RACED, "", event.ReasonRaced},
		{"x\x00", monitorPartStatusPART_TRUNCATED, "", event.ReasonTruncated},
	} {
		if got := path([]byte(c.components), uint32(c.status)); got != c.want {
			t.Errorf("path(%q) = %q, want %q", c.components, got, c.want)
		}
		if got := reason(uint32(c.status)); got != c.why {
			t.Errorf("reason(%d) = %q, want %q", c.status, got, c.why)
		}
	}
}

func TestStringListKeepsAll(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := rapid.SliceOf(rapid.StringMatching("[^\x00]*")).Draw(t, "list")
		var block []byte
		for _, s := range want {
			block = append(append(block, s...), 0)
		}
		got := stringList(block)
		if got == nil || !slices.Equal(got, want) {
			t.Fatalf("stringList(%q) = %q", block, got)
		}
	})
}

// A file of a layer is not found at its path there, and nobody says where on the overlay it is.
func TestPathInALayer(t *testing.T) {
	id := monitorFileIdentity{Flags: uint32(monitorFileFlagsFILE_PRIVATE)}
	f := new(Sensor).newFile(&id, []byte("tool\x00"), 0)
	if f.Path != "" || f.PathReason != event.ReasonNotHeld {
		t.Errorf("path %q, reason %q", f.Path, f.PathReason)
	}
}

func TestContainer(t *testing.T) {
	id := strings.Repeat("0123456789abcdef", 4)
	for _, c := range []struct {
		cgroup string // components, last one first
		level  uint32
		want   *event.Container
	}{
		{"user.slice\x00", 0, nil},
		{"", 0, nil},
		{"", 1, &event.Container{Pid: 7}},
		{"docker-" + id + ".scope\x00system.slice\x00", 1, &event.Container{ID: id, Cgroup: "/system.slice/docker-" + id + ".scope", Pid: 7}},
		{id + "\x00docker\x00", 0, &event.Container{ID: id, Cgroup: "/docker/" + id}},
		{"cri-containerd-" + id + ".scope\x00kubepods.slice\x00", 0, &event.Container{ID: id, Cgroup: "/kubepods.slice/cri-containerd-" + id + ".scope"}},
	} {
		ns := monitorNamespaces{PidLevel: c.level}
		if c.level > 0 {
			ns.Pid = 7
		}
		got := container(&ns, []byte(c.cgroup), uint32(monitorPartStatusPART_WHOLE))
		if (got == nil) != (c.want == nil) || got != nil && *got != *c.want {
			t.Errorf("container(%q) = %+v, want %+v", c.cgroup, got, c.want)
		}
	}
}

func TestSplit(t *testing.T) {
	file := func(inode uint64, kind kind) *heldFile {
		return &heldFile{id: monitorFileIdentity{Inode: inode, Ino: inode}, nature: nature{kind: kind}}
	}
	script, outer, shell, linker, unknown := file(1, foreign), file(2, foreign), file(3, native), file(4, native), file(5, unread)
	for _, c := range []struct {
		name        string
		files       []*heldFile
		interpreted bool
		image       *heldFile
		chain, rest int
	}{
		{"program", []*heldFile{shell, linker}, false, shell, 0, 1},
		{"static program", []*heldFile{shell}, false, shell, 0, 0},
		{"script", []*heldFile{script, shell, linker}, true, shell, 1, 1},
		{"nested", []*heldFile{outer, script, shell, linker}, true, shell, 2, 1},
		{"image not held", []*heldFile{script, linker}, true, nil, 1, 1},
		{"image and linker not held", []*heldFile{outer, script}, true, nil, 2, 0},
		{"only the linker held", []*heldFile{linker}, false, nil, 0, 1},
		{"nothing held", nil, true, nil, 0, 0},
		{"a second file that could be either", []*heldFile{script, unknown}, true, nil, 0, 2},
	} {
		natures := newPendingCalls(nil).natures(c.files)
		image, chain, rest := split(c.files, natures, &monitorExecRecord{Image: shell.id}, c.interpreted)
		if image != c.image || len(chain) != c.chain || len(rest) != c.rest {
			t.Errorf("%s: %v, %d, %d", c.name, image, len(chain), len(rest))
		}
	}
}

// FuzzStream feeds the decoder what a ring could never hold.
func FuzzStream(f *testing.F) {
	add := func(r any, tail string) {
		var b bytes.Buffer
		if err := binary.Write(&b, binary.NativeEndian, r); err != nil {
			f.Fatal(err)
		}
		f.Add(append(b.Bytes(), tail...))
	}
	exec := monitorExecRecord{Argc: 2, ArgsTotal: 4}
	exec.H.Type = uint32(monitorRecordTypeREC_EXEC)
	exec.Lens = [6]uint32{3, 1, 1, 3, 4, 0}
	add(exec, "ls\x00c\x00\x00ls\x00a\x00b\x00")
	task := exec
	task.H.Type = uint32(monitorRecordTypeREC_TASK)
	add(task, "ls\x00c\x00\x00ls\x00a\x00b\x00")
	chunk := monitorChunkRecord{Part: uint32(monitorPartPART_ARGS), Len: 3}
	chunk.H.Type = uint32(monitorRecordTypeREC_CHUNK)
	add(chunk, "a\x00b")
	fork := monitorForkRecord{}
	fork.H.Type = uint32(monitorRecordTypeREC_FORK)
	add(fork, "")
	f.Fuzz(func(t *testing.T, raw []byte) {
		stream := &stream{
			s:       &Sensor{opts: Options{Env: true}},
			observe: func(sensor.Observation) error { return nil },
			chunks:  map[sensor.Key]*[2]chunked{},
		}
		_ = stream.handle(raw) // an error is fine, a panic is not
		_ = stream.handle(raw)
	})
}

// FuzzFanotify feeds the reader of permission events.
func FuzzFanotify(f *testing.F) {
	f.Add(make([]byte, 2*metadataSize))
	f.Fuzz(func(t *testing.T, raw []byte) {
		eachEvent(raw, func(*unix.FanotifyEventMetadata) {})
	})
}

func TestParseStat(t *testing.T) {
	st, err := parseStat([]byte("77 (a) b (c)) S 1 77 77 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 9 0 12345 1000 1 18446744073709551615"))
	if err != nil || st != (stat{state: 'S', threads: 9, start: 12345}) {
		t.Errorf("%+v, %v", st, err)
	}
}

func FuzzParseStat(f *testing.F) {
	f.Add([]byte("77 (a) b) S 1 77 77 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 9 0 12345 1000 1 2"))
	f.Fuzz(func(t *testing.T, raw []byte) { _, _ = parseStat(raw) })
}
