package encode

import (
	"fmt"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"pgregory.net/rapid"

	"xnumon/event"
)

func TestTextGolden(t *testing.T) {
	for _, c := range []struct {
		name string
		text Text
	}{
		{"text-unlimited.txt", Text{}},
		{"text-80.txt", Text{Columns: 80}},
		{"text-120.txt", Text{Columns: 120}},
		{"text-160-colour.txt", Text{Columns: 160, Colour: true}},
	} {
		c.text.Location = time.UTC
		out := c.text.AppendHeader(nil)
		for _, s := range samples() {
			out = appendSample(&c.text, out, s)
		}
		golden(t, c.name, out)
	}
}

func TestTextLocalTime(t *testing.T) {
	text := Text{Location: time.FixedZone("", -3600)}
	line := string(text.AppendExec(nil, samples()[0].exec))
	if !strings.HasPrefix(line, "20:49:01.123 ") {
		t.Error(line)
	}
}

// stripStyles removes the sequences of our own making.
func stripStyles(s string) string {
	for _, st := range []style{plain, bold, dim, yellow, cyan, red} {
		s = strings.ReplaceAll(s, string(st), "")
	}
	return s
}

// checkLine says of a line that it is one, that it holds nothing which a
// terminal does not just show, and that it is not too wide.
func checkLine(t fataler, line string, columns int) {
	t.Helper()
	line, ok := strings.CutSuffix(stripStyles(line), "\n")
	if !ok || !utf8.ValidString(line) {
		t.Fatalf("not a line of UTF-8: %q", line)
	}
	width, marks := 0, maxMarks
	for i, r := range line {
		if r != '…' && !showable(r, utf8.RuneLen(r), &marks) {
			t.Fatalf("%U at %d in %q", r, i, line)
		}
		width += runeColumns(r)
	}
	if columns > 0 && width > columns {
		t.Fatalf("%d columns wide, not %d: %q", width, columns, line)
	}
}

func TestTextStaysInItsLine(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		str := kernelString()
		image := func() *event.Image {
			return &event.Image{
				Path: str.Draw(t, "path"), Deleted: rapid.Bool().Draw(t, "deleted"), Memfd: rapid.SampledFrom([]string{"", "sealed", "\n"}).Draw(t, "memfd"),
				Missing: []event.Absence{{Field: "sha256", Reason: event.Reason(str.Draw(t, "reason"))}},
			}
		}
		r := &event.ImageExec{
			Time: event.Time(rapid.Int64().Draw(t, "time")), Image: image(), Script: image(), Argv: rapid.SliceOfN(str, 0, 6).Draw(t, "argv"),
			Gate: &event.Gate{Outcome: str.Draw(t, "outcome")}, Container: &event.Container{ID: str.Draw(t, "id")},
			Creds:   &event.Creds{HasIDs: true, EUName: str.Draw(t, "name"), Caps: str.Draw(t, "caps")},
			Subject: event.Subject{Pid: rapid.Uint32().Draw(t, "pid"), Creds: event.Creds{HasIDs: true, EUName: str.Draw(t, "name")}, Image: image()},
			Missing: []event.Absence{{Field: "argv", Reason: event.Reason(str.Draw(t, "reason"))}},
		}
		text := Text{Columns: rapid.IntRange(0, 300).Draw(t, "columns"), Colour: rapid.Bool().Draw(t, "colour"), Location: time.UTC}
		checkLine(t, string(text.AppendExec(nil, r)), text.Columns)
		l := &event.Loss{Source: str.Draw(t, "source"), Count: rapid.Uint64().Draw(t, "count"), Since: 1, Until: 2}
		checkLine(t, string(text.AppendLoss(nil, l)), text.Columns)
	})
}

// shellWords does what a shell does with the quoting that Text writes.
func shellWords(t fataler, s string) []string {
	t.Helper()
	var words []string
	for s = strings.TrimLeft(s, " "); s != ""; s = strings.TrimLeft(s, " ") {
		var w []byte
		switch {
		case strings.HasPrefix(s, "$'"):
			i := 2
			for ; i < len(s) && s[i] != '\''; i++ {
				if s[i] != '\\' {
					w = append(w, s[i])
					continue
				}
				i++
				switch s[i] {
				case 'n':
					w = append(w, '\n')
				case 'r':
					w = append(w, '\r')
				case 't':
					w = append(w, '\t')
				case 'x':
					var c byte
					if _, err := fmt.Sscanf(s[i+1:i+3], "%02x", &c); err != nil {
						t.Fatalf("%v in %q", err, s)
					}
					w = append(w, c)
					i += 2
				case '\\', '\'':
					w = append(w, s[i])
				default:
					t.Fatalf("unknown escape in %q", s)
				}
			}
			s = s[i+1:]
		case s[0] == '\'':
			end := strings.IndexByte(s[1:], '\'') + 1
			w, s = []byte(s[1:end]), s[end+1:]
		default:
			end := strings.IndexByte(s+" ", ' ')
			if strings.ContainsAny(s[:end], "\\'\"$`&|;<>()[]{}*?!#~") {
				t.Fatalf("bare word with a meaning: %q", s[:end])
			}
			w, s = []byte(s[:end]), s[end:]
		}
		if s != "" && s[0] != ' ' {
			t.Fatalf("two words without a space between them: %q", s)
		}
		words = append(words, string(w))
	}
	return words
}

func checkShell(t fataler, argv []string) {
	t.Helper()
	if len(argv) == 0 {
		return
	}
	text := Text{Location: time.UTC}
	line := string(text.AppendExec(nil, &event.ImageExec{Argv: argv, Image: &event.Image{Path: "/i"}}))
	checkLine(t, line, 0)
	_, rest, ok := strings.Cut(line, " /i ")
	if !ok {
		t.Fatalf("no image in %q", line)
	}
	got := shellWords(t, strings.TrimSuffix(rest, "\n"))
	if len(got) != len(argv) {
		t.Fatalf("%q became %q in %q", argv, got, line)
	}
	for i := range argv {
		if got[i] != argv[i] {
			t.Fatalf("%q became %q in %q", argv[i], got[i], line)
		}
	}
}

func TestTextArgumentsAreForAShell(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) { checkShell(t, rapid.SliceOfN(kernelString(), 1, 5).Draw(t, "argv")) })
}

func FuzzText(f *testing.F) {
	for _, s := range []string{"", "a\nb", "\x1b[2J\x1b]0;x\a", "'", "$(id)", "\\x41\xff", "\x00\x00", "a\u0301", "日本", "[not hashed: modified]"} {
		f.Add(s, uint16(80))
	}
	f.Fuzz(func(t *testing.T, s string, columns uint16) {
		argv := strings.Split(s, "\x00")
		checkShell(t, argv)
		text := Text{Columns: int(columns), Colour: true, Location: time.UTC}
		checkLine(t, string(text.AppendExec(nil, &event.ImageExec{Argv: argv, Image: &event.Image{Path: s}})), int(columns))
	})
}

func TestTextCutsLongPathsInFront(t *testing.T) {
	for width, want := range map[int]string{
		12: "…tory/program", 13: "…ctory/program", 80: "/a/very/long/directory/program",
	} {
		l := line{columns: width + 1}
		l.begin(nil)
		l.path("/a/very/long/directory/program", plain, plain)
		if got := strings.TrimSuffix(string(l.end()), "\n"); got != want {
			t.Errorf("%d columns: %q, want %q", width+1, got, want)
		}
	}
	l := line{columns: 8}
	l.begin(nil)
	l.path("/directory/日本語", plain, plain)
	if got := string(l.end()); got != "…/日本語\n" {
		t.Errorf("%q", got)
	}
}

// TestTextDoesNotReadOnForNothing: an argument vector can have 2 MiB.
func TestTextDoesNotReadOnForNothing(t *testing.T) {
	r := &event.ImageExec{Argv: []string{strings.Repeat("\x01", 2<<20)}}
	text := Text{Columns: 100}
	if line := text.AppendExec(nil, r); cap(line) > 4096 {
		t.Errorf("a buffer of %d for a line of %d", cap(line), len(line))
	}
}
