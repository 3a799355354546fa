package internal

import (
	"go/parser"
	"go/token"
	"io/fs"
	"path"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// rooms are the packages in the order in which data goes through them. A room
// imports only rooms to its left; those in one place do not import each other.
var rooms = [][]string{
	{"event"},
	{"internal/macho", "internal/userdb"},
	{"internal/sensor"},
	{"internal/sensor/linux", "internal/sensor/macos", "internal/sensor/replay"},
	{"internal/lineage"},
	{"internal/image"},
	{"internal/image/bound", "internal/record", "internal/suppress"},
	{"internal/encode"},
	{"internal/spool"},
	{"internal/sink/transport"},
	{"internal/sink/journald", "internal/sink/kafka", "internal/sink/otlp", "internal/sink/syslog"},
	{"internal/sink"},
	{"internal/monitor"},
	{"internal/config"},
	{"internal/status"},
	{"cmd/xnumon"},
}

// outside are packages that stand beside the house: they must not import it,
// nor be imported, beyond the records.
var outside = []string{"conformance", "bench", "kernels", "packaging", "peers"}

func place(pkg string) int {
	for i, room := range rooms {
		for _, p := range room {
			if p == pkg {
				return i
			}
		}
	}
	return -1
}

func TestRoomsImportLeftwards(t *testing.T) {
	err := filepath.WalkDir("..", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go") {
			return err
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.ImportsOnly)
		if err != nil {
			return err
		}
		from := path.Dir(filepath.ToSlash(strings.TrimPrefix(name, ".."+string(filepath.Separator))))
		for _, o := range outside {
			if from == o || strings.HasPrefix(from, o+"/") {
				return nil
			}
		}
		if place(from) < 0 {
			t.Errorf("%s is in a package that has no place in the house: give %s one", name, from)
			return nil
		}
		for _, spec := range file.Imports {
			imported, err := strconv.Unquote(spec.Path.Value)
			if err != nil {
				return err
			}
			to, ours := strings.CutPrefix(imported, "xnumon/")
			if ours && place(to) >= place(from) {
				t.Errorf("%s imports %s, which is not to its left", name, to)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}
