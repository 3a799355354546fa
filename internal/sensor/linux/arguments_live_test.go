//go:build linux && !nolive

package linux

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/cilium/ebpf/ringbuf"
)

// How many arguments were passed is worked out from what the kernel made of
// them, on this kernel, whatever the environment, the limits and the interpreters.
func TestLivePassed(t *testing.T) {
	s, err := Open(Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	dir := t.TempDir()
	script := func(name, line string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(line+"\n"), 0o755); err != nil {
			t.Fatal(err)
		}
		return path
	}
	plain := script("plain", "#!/bin/true")
	argued := script("argued", "#!/bin/true -x")
	nested := script("nested", "#!"+argued+" -y")
	mark := "passed-" + strconv.Itoa(os.Getpid()) + "-"
	want := 0
	for _, program := range []string{"/bin/true", plain, argued, nested} {
		for _, limit := range []string{"unlimited", "256", "8192", "100000"} {
			for _, variables := range []int{0, 1, 100} {
				for _, argc := range []int{2, 3, 50} {
					args := append([]string{mark + strconv.Itoa(argc)}, make([]string, argc-2)...)
					// The limit of the thread that calls counts: it is set by a shell that goes on to the program.
					cmd := exec.Command("/bin/sh", append([]string{"-c", `ulimit -s ` + limit + ` && exec "$0" "$@"`, program}, args...)...)
					cmd.Env = []string{}
					for i := range variables {
						cmd.Env = append(cmd.Env, fmt.Sprintf("V%d=%d", i, i))
					}
					if out, err := cmd.CombinedOutput(); err != nil {
						t.Fatalf("%v: %v: %s", cmd.Args, err, out)
					}
					want++
				}
			}
		}
	}
	got := 0
	s.ring.reader.SetDeadline(time.Now().Add(time.Second))
	for {
		rec, err := s.ring.reader.Read()
		if errors.Is(err, os.ErrDeadlineExceeded) || errors.Is(err, ringbuf.ErrClosed) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		var r monitorExecRecord
		data, err := read(rec.RawSample, &r)
		if err != nil || monitorRecordType(r.H.Type) != monitorRecordTypeREC_EXEC {
			continue
		}
		p, err := parts(&r, data)
		if err != nil {
			t.Fatal(err)
		}
		argv := stringList(p[monitorPartPART_ARGS])
		interpreted := monitorExecFlags(r.Flags)&monitorExecFlagsEXEC_INTERPRETED != 0
		argc, ok := passed(&r)
		if !interpreted && (!ok || argc != max(int(r.Argc), 1)) {
			t.Errorf("%q: %d, %v", argv, argc, ok)
		}
		for _, a := range argv {
			n, err := strconv.Atoi(strings.TrimPrefix(a, mark))
			if !strings.HasPrefix(a, mark) || err != nil || argv[0] == "/bin/sh" {
				continue
			}
			got++
			if !ok || argc != n {
				t.Errorf("%q, interpreted %v: %d, %v, want %d", argv, interpreted, argc, ok, n)
			}
		}
	}
	if got != want {
		t.Errorf("%d execs of %d", got, want)
	}
}
